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
    let for_machines = connection.output.json;
    connection.client()?.delete(&id).await?;
    if for_machines {
        terminal::json(&json!({"object_id": id, "state": "deleted"}))?;
    } else {
        terminal::line(format_args!("{id}  deleted"))?;
    }
    Ok(End::Done)
}
