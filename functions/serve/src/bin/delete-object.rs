//! The Lambda function `delete-object`.

fn main() -> anyhow::Result<()> {
    airlock_http::run::<airlock_serve::DeleteObject>()
}
