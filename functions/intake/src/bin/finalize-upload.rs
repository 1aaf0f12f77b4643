//! The Lambda function `finalize-upload`.

fn main() -> anyhow::Result<()> {
    airlock_aws::run::<airlock_intake::FinalizeUpload>()
}
