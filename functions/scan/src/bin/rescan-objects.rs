//! The Lambda function `rescan-objects`.

fn main() -> anyhow::Result<()> {
    airlock_scan::run::<airlock_scan::RescanObjects>()
}
