//! The Lambda function `rescan-objects`.

fn main() -> anyhow::Result<()> {
    airlock_scan::rescan_objects::run()
}
