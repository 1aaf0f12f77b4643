//! The Lambda function `scan-upload`.

fn main() -> anyhow::Result<()> {
    airlock_scan::scan_upload::run()
}
