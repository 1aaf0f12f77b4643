//! `airlock upload`: all steps of an upload, file by file, until the verdict is there.

use super::connection::Connection;
use crate::{
    client::{
        Client, ClientError,
        answer::{Record, SignedPut, State},
        source::Source,
    },
    exit::{self, End},
    terminal,
};
use clap::Args;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// How often a PUT is tried.
const TRIES: u32 = 4;
/// The pause after the first try; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Upload files and wait for the verdict on each
///
/// Ends with 0 when every file is published. A file that fails does not stop the others; the exit
/// code is that of the worst.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Files to upload
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(Arguments { files, connection }: Arguments) -> anyhow::Result<End> {
    let for_machines = connection.output.json;
    let client = connection.client()?;
    let mut worst = End::Done;
    for path in &files {
        let end = match upload(&client, path, for_machines).await {
            Ok(record) => {
                show(path, &record, for_machines)?;
                if record.state == State::Published { End::Done } else { End::No }
            }
            Err(error) => {
                if for_machines {
                    terminal::json(&json!({"file": path, "error": error_document(&error)}))?;
                }
                explain(path, error)
            }
        };
        worst = worst.max(end);
    }
    Ok(worst)
}

async fn upload(client: &Client, path: &Path, for_machines: bool) -> anyhow::Result<Record> {
    let source = read(path, for_machines).await?;
    let upload_id = transfer(client, &source, for_machines).await?;
    let spinner = terminal::spinner(&format!("{} is scanned", source.file_name), for_machines);
    let settled = client.settled(&upload_id).await;
    spinner.finish_and_clear();
    Ok(settled?)
}

async fn read(path: &Path, for_machines: bool) -> Result<Source, ClientError> {
    let size = tokio::fs::metadata(path).await.map_or(0, |found| found.len());
    let bar = terminal::progress(&format!("reading {}", path.display()), size, for_machines);
    let source = Source::file(path, |bytes| bar.inc(bytes)).await;
    bar.finish_and_clear();
    source
}

/// Brings the bytes into quarantine and finalizes, over a connection that may fail: each try asks
/// for the same upload with the same idempotency key, and gets a fresh URL if it still needs one.
async fn transfer(client: &Client, source: &Source, for_machines: bool) -> Result<String, ClientError> {
    let key = uuid::Uuid::new_v4().to_string();
    let mut pause = FIRST_PAUSE;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let opened = client.create_upload(source, &key).await?;
        let Some(signed) = opened.upload.filter(|_| opened.state == State::Pending) else {
            return Ok(opened.upload_id);
        };
        match put(client, &signed, source, for_machines).await {
            Ok(()) => {}
            // An earlier try arrived after all; finalize checks what it brought.
            Err(ClientError::Storage { status: StatusCode::PRECONDITION_FAILED, .. }) if attempt > 1 => {}
            Err(error) if attempt < TRIES && error.is_transient() => {
                tokio::time::sleep(pause).await;
                pause *= 2;
                continue;
            }
            Err(error) => return Err(error),
        }
        client.finalize(&opened.upload_id).await?;
        return Ok(opened.upload_id);
    }
}

async fn put(
    client: &Client,
    signed: &SignedPut,
    source: &Source,
    for_machines: bool,
) -> Result<(), ClientError> {
    let bar = terminal::progress(&source.file_name, source.size, for_machines);
    let moving = bar.clone();
    let sent = client.put(signed, source, move |bytes| moving.inc(bytes)).await;
    bar.finish_and_clear();
    sent
}

fn show(path: &Path, record: &Record, for_machines: bool) -> anyhow::Result<()> {
    if for_machines {
        let mut document = json!(record);
        document["file"] = json!(path);
        terminal::json(&document)?;
    } else {
        let verdict = record.verdict_line().map(|verdict| format!("  {}", terminal::plain(&verdict)));
        let file_name = terminal::plain(&path.to_string_lossy());
        let verdict = verdict.unwrap_or_default();
        terminal::line(format_args!("{}  {}  {file_name}{verdict}", record.id, record.state))?;
    }
    Ok(())
}

/// Says which file an error is about, unless it does so itself.
fn explain(path: &Path, error: anyhow::Error) -> End {
    match error.downcast_ref() {
        Some(ClientError::Unreadable { .. }) => exit::explain(&error),
        _ => exit::explain(&error.context(terminal::plain(&path.to_string_lossy()))),
    }
}

/// A failure for machines: the API's problem as it stands, or a sentence.
fn error_document(error: &anyhow::Error) -> Value {
    match error.downcast_ref() {
        Some(ClientError::Refused(problem)) => json!(problem),
        _ => json!({"detail": format!("{error:#}")}),
    }
}
