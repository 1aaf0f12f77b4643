//! The Lambda function `expire-uploads`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    airlock_intake::expire_uploads::run().await
}
