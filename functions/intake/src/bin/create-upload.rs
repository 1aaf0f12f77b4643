//! The Lambda function `create-upload`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    airlock_intake::create_upload::run().await
}
