//! The Lambda function `watch-quarantine`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    airlock_intake::watch_quarantine::run().await
}
