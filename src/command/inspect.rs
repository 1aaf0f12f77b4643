//! `airlock inspect`: what Airlock sees in a file and would say of it, without a stack.

use super::connection::Output;
use crate::{
    client::{ClientError, source::Declared},
    exit::End,
    terminal,
};
use airlock_content::{self as content, media_types, policy::Policy};
use airlock_engine::EngineKind;
use airlock_inspect::{Bounds, Finding, LIMITS, Seen, SeenPart, inspect_and_see};
use clap::Args;
use serde_json::json;
use std::{fs::File, path::PathBuf, time::Duration};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Show what Airlock sees in a file, and what a scan would say of it
///
/// The file is read here and sent nowhere, and is judged as a deployment with default settings would judge it. This
/// command reads it in its own process, not in the jail. Exit code 1 if the file would not be published.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// File to inspect
    file: PathBuf,
    #[command(flatten)]
    declared: Declared,
    /// Show each part that was looked at, and what the parts say of themselves
    #[arg(long)]
    facts: bool,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(Arguments { file: path, declared, facts, output }: Arguments) -> anyhow::Result<End> {
    let failed = |source| ClientError::Unreadable { path: path.clone(), source };
    let file = File::open(&path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(failed(std::io::Error::other("it is no file")).into());
    }
    let own_name = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file_name = declared.file_name.unwrap_or_else(own_name);
    let usual = || media_types::of_file_name(&file_name).map(|known| known.name.to_owned());
    let content_type = declared.content_type.or_else(usual).ok_or(ClientError::NoType)?;
    let engine = airlock_inspect::engine(EngineKind::default())?;
    let bounds = Bounds { scratch: tempfile::tempfile()?, limits: LIMITS, timeout: TIMEOUT };
    let declared =
        content::Declared { content_type: &content_type, file_name: &file_name, size: about.len() };
    let policy = Policy::parse("default", u64::MAX)?;
    let (finding, seen) = inspect_and_see(&mut engine.scanner(), &policy, &file, &declared, bounds);
    if output.json {
        as_json(&finding, facts.then_some(&seen))?;
    } else {
        as_text(&finding, facts.then_some(&seen))?;
    }
    let is_clean = finding.outcome == content::verdict::Outcome::Clean;
    Ok(if is_clean { End::Done } else { End::No })
}

fn as_json(finding: &Finding, seen: Option<&Seen>) -> std::io::Result<()> {
    let mut answer = json!(finding);
    if let Some(seen) = seen {
        let parts = seen.parts.iter().map(|SeenPart { path, media_type, size }| {
            json!({ "path": path, "detected_type": media_type, "size": size })
        });
        let facts = seen.facts.iter().map(|(path, fact)| json!({ "path": path, "fact": fact }));
        answer["parts"] = parts.collect();
        answer["facts"] = facts.collect();
    }
    terminal::json(&answer)
}

fn as_text(finding: &Finding, seen: Option<&Seen>) -> std::io::Result<()> {
    let row = |name: &str, value: &str| terminal::line(format_args!("{name:<14}{}", terminal::plain(value)));
    row("verdict", finding.outcome.name())?;
    if let Some(reason) = &finding.reason {
        row("reason", reason)?;
    }
    row("found type", finding.detected_type.as_deref().unwrap_or("unknown"))?;
    for found in &finding.matches {
        row("rule", &format!("{} ({}): {}", found.rule, found.severity, found.description))?;
    }
    let Some(seen) = seen else { return Ok(()) };
    let place = |path: &str| if path.is_empty() { "the file".to_owned() } else { path.to_owned() };
    for SeenPart { path, media_type, size } in &seen.parts {
        let what = media_type.as_deref().unwrap_or("another form of it");
        row("part", &format!("{}: {what}, {size} bytes", place(path)))?;
    }
    for (path, fact) in &seen.facts {
        row("fact", &format!("{}: {fact}", place(path)))?;
    }
    Ok(())
}
