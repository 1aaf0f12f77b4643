//! The Lambda function `get-object`.

fn main() -> anyhow::Result<()> {
    airlock_http::run::<airlock_serve::GetObject>()
}
