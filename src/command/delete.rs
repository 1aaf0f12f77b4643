//! `airlock delete`: removes a published object.

use super::connection::Connection;
use crate::{exit::End, terminal};
use clap::Args;
use serde_json::json;

/// Delete a published object
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Id of the object
    id: String,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(Arguments { id, connection }: Arguments) -> anyhow::Result<End> {
    let document = connection.output.json.then(|| json!({"object_id": id, "state": "deleted"}));
    connection.client()?.delete(&id).await?;
    match document {
        Some(document) => terminal::json(&document)?,
        None => terminal::line(format_args!("{id}  deleted"))?,
    }
    Ok(End::Done)
}
