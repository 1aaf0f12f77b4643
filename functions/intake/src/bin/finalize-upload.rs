//! The Lambda function `finalize-upload`.

fn main() -> anyhow::Result<()> {
    airlock_http::run::<airlock_intake::FinalizeUpload>()
}
