//! The Lambda function `create-upload`.

fn main() -> anyhow::Result<()> {
    airlock_http::run::<airlock_intake::CreateUpload>()
}
