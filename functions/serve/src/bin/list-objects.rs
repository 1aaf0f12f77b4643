//! The Lambda function `list-objects`.

fn main() -> anyhow::Result<()> {
    airlock_http::run::<airlock_serve::ListObjects>()
}
