//! The Lambda function `finalize-upload`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    airlock_intake::finalize_upload::run().await
}
