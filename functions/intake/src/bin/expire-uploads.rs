//! The Lambda function `expire-uploads`.

fn main() -> anyhow::Result<()> {
    airlock_aws::run::<airlock_intake::ExpireUploads>()
}
