//! The Lambda function `list-objects`.

fn main() -> anyhow::Result<()> {
    airlock_aws::run::<airlock_serve::ListObjects>()
}
