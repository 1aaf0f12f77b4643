//! The Lambda function `list-objects`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    airlock_serve::list_objects::run().await
}
