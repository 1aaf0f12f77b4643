//! The Lambda function `create-download-url`.

fn main() -> anyhow::Result<()> {
    airlock_aws::run::<airlock_serve::CreateDownloadUrl>()
}
