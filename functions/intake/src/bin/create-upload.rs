//! The Lambda function `create-upload`.

fn main() -> anyhow::Result<()> {
    airlock_aws::run::<airlock_intake::CreateUpload>()
}
