//! The Lambda function `get-upload`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    airlock_intake::get_upload::run().await
}
