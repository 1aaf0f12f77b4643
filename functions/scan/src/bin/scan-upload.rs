//! The Lambda function `scan-upload`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    airlock_scan::scan_upload::run().await
}
