//! The Lambda function `create-download-url`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    airlock_serve::create_download_url::run().await
}
