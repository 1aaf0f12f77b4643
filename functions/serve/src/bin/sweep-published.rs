//! The Lambda function `sweep-published`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    airlock_serve::sweep_published::run().await
}
