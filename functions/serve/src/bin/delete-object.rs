//! The Lambda function `delete-object`.

fn main() -> anyhow::Result<()> {
    airlock_aws::run::<airlock_serve::DeleteObject>()
}
