//! `airlock list`: the published objects of the caller's tenant.

use super::connection::Connection;
use crate::{
    client::{
        Client,
        answer::{ObjectPage, Record},
    },
    exit::End,
    terminal,
};
use clap::Args;
use indicatif::HumanBytes;
use serde_json::json;

/// List the published objects of the token's tenant, newest first
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(Arguments { connection }: Arguments) -> anyhow::Result<End> {
    let for_machines = connection.output.json;
    let client = connection.client()?;
    if for_machines {
        let mut objects = Vec::new();
        pages(&client, |page| {
            objects.extend(page);
            Ok(())
        })
        .await?;
        terminal::json(&json!({"objects": objects}))?;
        return Ok(End::Done);
    }
    // A page is shown as soon as it is there; `| head` ends the command, not only its output.
    pages(&client, |page| page.iter().try_for_each(|object| terminal::line(row(object)))).await?;
    Ok(End::Done)
}

/// Hands every page to `take`, until there is none or it fails.
async fn pages(
    client: &Client,
    mut take: impl FnMut(Vec<Record>) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let mut cursor = None;
    loop {
        let ObjectPage { objects, next_cursor } = client.objects(cursor.as_deref()).await?;
        // A page behind which comes itself would come for ever.
        let is_last = next_cursor.is_none() || next_cursor == cursor;
        take(objects)?;
        if is_last || terminal::is_unread() {
            return Ok(());
        }
        cursor = next_cursor;
    }
}

fn row(object: &Record) -> String {
    let size = HumanBytes(object.size).to_string();
    let (id, created_at) = (terminal::plain(&object.id.to_string()), terminal::plain(&object.created_at));
    let file_name = terminal::plain(&object.file_name);
    format!("{id}  {created_at:<24}  {size:>10}  {file_name}")
}
