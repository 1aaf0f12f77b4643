//! The Lambda function `scan-upload`.

fn main() -> anyhow::Result<()> {
    airlock_scan::run::<airlock_scan::ScanUpload>()
}
