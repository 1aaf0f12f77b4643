//! `airlock status`: all that is known of an upload, in whatever state it is.

use super::connection::Connection;
use crate::{client::answer::Record, exit::End, terminal};
use clap::Args;

/// Show an upload: where it stands, and what the scan said
///
/// A rejected upload is an answer like any other here (exit code 0); only an id that does not
/// exist is a no.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Id of the upload
    id: String,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(Arguments { id, connection }: Arguments) -> anyhow::Result<End> {
    let for_machines = connection.output.json;
    let record = connection.client()?.upload(&id).await?;
    if for_machines {
        terminal::json(&record)?;
    } else {
        for (name, value) in rows(&record) {
            terminal::line(format_args!("{name:<14}{}", terminal::plain(&value)))?;
        }
    }
    Ok(End::Done)
}

fn rows(record: &Record) -> Vec<(&'static str, String)> {
    let some = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut rows = vec![
        ("id", record.id.to_string()),
        ("state", record.state.to_string()),
        ("file name", record.file_name.clone()),
        ("type", record.content_type.clone()),
        ("size", format!("{} bytes", record.size)),
        ("SHA-256", some(&record.sha256)),
        ("created", record.created_at.clone()),
        ("finalized", some(&record.finalized_at)),
        ("scanned", some(&record.scanned_at)),
    ];
    if let Some(verdict) = record.verdict_line() {
        rows.push(("verdict", verdict));
    }
    if let Some(verdict) = &record.verdict {
        rows.push(("found type", some(&verdict.detected_type)));
        let rules = verdict.matches.iter();
        rows.extend(
            rules.map(|rule| ("rule", format!("{} ({}): {}", rule.rule, rule.severity, rule.description))),
        );
    }
    rows.retain(|(_, value)| !value.is_empty());
    rows
}
