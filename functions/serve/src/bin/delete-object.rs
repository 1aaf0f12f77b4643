//! The Lambda function `delete-object`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    airlock_serve::delete_object::run().await
}
