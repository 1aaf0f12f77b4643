//! `airlock status`: all that is known of an upload, in whatever state it is.

use super::connection::Connection;
use crate::{client::answer::Record, exit::End, terminal};
use airlock_content::verdict::RuleMatch;
use clap::Args;
use serde_json::Value;

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
            terminal::line(format_args!("{:<14}{}", terminal::plain(&name), terminal::plain(&value)))?;
        }
    }
    Ok(End::Done)
}

fn rows(record: &Record) -> Vec<(String, String)> {
    let some = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut rows = vec![
        ("id".to_owned(), record.id.to_string()),
        ("state".to_owned(), record.state.to_string()),
        ("file name".to_owned(), record.file_name.clone()),
        ("size".to_owned(), format!("{} bytes", record.size)),
        ("SHA-256".to_owned(), some(&record.sha256)),
    ];
    // Times last, in the order of a life.
    let (times, others): (Vec<_>, Vec<_>) = record.others.iter().partition(|(name, _)| name.ends_with("_at"));
    let other = |(name, value): (&String, &Value)| (name.replace('_', " "), text(value));
    rows.extend(others.into_iter().map(other));
    rows.push(("created at".to_owned(), record.created_at.clone()));
    rows.push(("finalized at".to_owned(), some(&record.finalized_at)));
    rows.extend(times.into_iter().map(other));
    if let Some(verdict) = record.verdict_line() {
        rows.push(("verdict".to_owned(), verdict));
    }
    if let Some(verdict) = &record.verdict {
        rows.push(("found type".to_owned(), some(&verdict.detected_type)));
        let rules = verdict.matches.iter();
        let rule = |rule: &RuleMatch| format!("{} ({}): {}", rule.rule, rule.severity, rule.description);
        rows.extend(rules.map(|found| ("rule".to_owned(), rule(found))));
    }
    rows.retain(|(_, value)| !value.is_empty());
    rows
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
