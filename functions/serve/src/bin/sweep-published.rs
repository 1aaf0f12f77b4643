//! The Lambda function `sweep-published`.

fn main() -> anyhow::Result<()> {
    airlock_aws::run::<airlock_serve::SweepPublished>()
}
