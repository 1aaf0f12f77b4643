//! The Lambda function `get-upload`.

fn main() -> anyhow::Result<()> {
    airlock_http::run::<airlock_intake::GetUpload>()
}
