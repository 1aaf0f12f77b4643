//! The Lambda function `get-upload`.

fn main() -> anyhow::Result<()> {
    airlock_aws::run::<airlock_intake::GetUpload>()
}
