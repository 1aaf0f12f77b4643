//! The Lambda function `sweep-uploads`.

fn main() -> anyhow::Result<()> {
    airlock_aws::run::<airlock_intake::SweepUploads>()
}
