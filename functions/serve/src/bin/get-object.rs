//! The Lambda function `get-object`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    airlock_serve::get_object::run().await
}
