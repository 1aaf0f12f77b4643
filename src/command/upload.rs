//! `airlock upload`: all steps of an upload, file by file, until the verdict is there.

use super::connection::Connection;
use crate::{
    client::{
        Client, ClientError,
        answer::{Opened, Record, SignedPut},
        patiently,
        source::{Declared, Source},
    },
    exit::{self, End, WrongUsage},
    terminal,
};
use airlock_objects::state::State;
use clap::Args;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Upload files and wait for the verdict on each
///
/// Ends with 0 when every file is published. A file that fails does not stop the others; the exit
/// code is that of the worst.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Files to upload; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    declared: Declared,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(Arguments { files, declared, connection }: Arguments) -> anyhow::Result<End> {
    if declared.file_name.is_some() && files.len() > 1 {
        return Err(WrongUsage(format!("--name names one upload, and here are {}", files.len())).into());
    }
    let for_machines = connection.output.json;
    let client = connection.client()?;
    let mut worst = End::Done;
    for path in &files {
        let end = match upload(&client, path, &declared, for_machines).await {
            Ok(record) => {
                show(path, &record, for_machines)?;
                if record.state == State::Published { End::Done } else { End::No }
            }
            Err(error) => {
                if for_machines {
                    terminal::json(
                        &json!({"file": path.to_string_lossy(), "error": error_document(&error)}),
                    )?;
                }
                exit::explain(&exit::about(path, error))
            }
        };
        worst = worst.max(end);
    }
    Ok(worst)
}

async fn upload(
    client: &Client,
    path: &Path,
    declared: &Declared,
    for_machines: bool,
) -> Result<Record, ClientError> {
    let source = read(path, declared, for_machines).await?;
    let upload_id = transfer(client, &source, for_machines).await?;
    let spinner = terminal::spinner(&format!("{} is scanned", source.file_name()), for_machines);
    let settled = client.settled(&upload_id).await;
    spinner.finish_and_clear();
    settled
}

async fn read(path: &Path, declared: &Declared, for_machines: bool) -> Result<Source, ClientError> {
    let size = tokio::fs::metadata(path).await.map_or(0, |found| found.len());
    let bar = terminal::progress(&format!("reading {}", path.display()), size, for_machines);
    let source = Source::read(path, declared.clone(), |bytes| bar.inc(bytes)).await;
    bar.finish_and_clear();
    source
}

/// Brings the bytes into quarantine and finalizes, over a connection that may fail: each try asks
/// for the same upload with the same idempotency key, and gets a fresh URL if it still needs one.
async fn transfer(client: &Client, source: &Source, for_machines: bool) -> Result<String, ClientError> {
    let key = uuid::Uuid::new_v4().to_string();
    let opened = patiently(|| open(client, source, &key, for_machines)).await?;
    if opened.state == State::Pending {
        client.finalize(&opened.upload_id).await?;
    }
    Ok(opened.upload_id)
}

/// One try to bring the bytes into quarantine.
async fn open(
    client: &Client,
    source: &Source,
    key: &str,
    for_machines: bool,
) -> Result<Opened, ClientError> {
    let opened = client.create_upload(source, key).await?;
    let Some(signed) = &opened.upload else { return Ok(opened) };
    match put(client, signed, source, for_machines).await {
        // An earlier try arrived after all; finalize checks what it brought.
        Ok(()) | Err(ClientError::Storage { status: StatusCode::PRECONDITION_FAILED, .. }) => Ok(opened),
        Err(error) => Err(error),
    }
}

async fn put(
    client: &Client,
    signed: &SignedPut,
    source: &Source,
    for_machines: bool,
) -> Result<(), ClientError> {
    let bar = terminal::progress(source.file_name(), source.size, for_machines);
    let moving = bar.clone();
    let sent = client.put(signed, source, move |bytes| moving.inc(bytes)).await;
    bar.finish_and_clear();
    sent
}

fn show(path: &Path, record: &Record, for_machines: bool) -> anyhow::Result<()> {
    if for_machines {
        let mut document = json!(record);
        document["file"] = json!(path.to_string_lossy());
        terminal::json(&document)?;
    } else {
        let verdict = record.verdict_line().map(|verdict| format!("  {}", terminal::plain(&verdict)));
        // Standard input has no name but the declared one.
        let file_name = path.to_string_lossy();
        let file_name = terminal::plain(if file_name == "-" { &record.file_name } else { &file_name });
        let verdict = verdict.unwrap_or_default();
        let (id, state) =
            (terminal::plain(&record.id.to_string()), terminal::plain(&record.state.to_string()));
        terminal::line(format_args!("{id}  {state}  {file_name}{verdict}"))?;
    }
    Ok(())
}

/// A failure for machines: the API's problem as it stands, or a sentence.
fn error_document(error: &ClientError) -> Value {
    match error {
        ClientError::Refused(problem) => json!(problem),
        ClientError::Unreadable { path, source } => {
            json!({"detail": format!("{}: {source}", path.display())})
        }
        error => json!({"detail": error.to_string()}),
    }
}
