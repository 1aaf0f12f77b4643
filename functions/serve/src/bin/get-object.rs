//! The Lambda function `get-object`.

fn main() -> anyhow::Result<()> {
    airlock_aws::run::<airlock_serve::GetObject>()
}
