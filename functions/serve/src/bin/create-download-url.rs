//! The Lambda function `create-download-url`.

fn main() -> anyhow::Result<()> {
    airlock_http::run::<airlock_serve::CreateDownloadUrl>()
}
