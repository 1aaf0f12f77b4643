//! The Lambda function `watch-quarantine`.

fn main() -> anyhow::Result<()> {
    airlock_aws::run::<airlock_intake::WatchQuarantine>()
}
