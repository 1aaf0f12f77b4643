//! The eight steps from a client's request to its download, with all that must hold on the way.

use super::journal::Journal;
use crate::client::{
    Client, ClientError,
    answer::{Record, SignedPut},
    error::Problem,
    source::Source,
};
use airlock_content::verdict::Outcome;
use airlock_objects::state::State;
use anyhow::Context as _;
use reqwest::StatusCode;
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};

/// How the story of a file has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// It is clean.
    Published,
    /// It is malware.
    Malicious,
    /// Nobody knows; whatever the verdict, it must be kept to.
    Anything,
}

/// Takes a file through all steps; true when all that must hold did.
///
/// # Errors
/// When a step cannot be made at all.
pub(super) async fn walk(
    client: &Client,
    source: &Source,
    expected: Expected,
    for_machines: bool,
) -> anyhow::Result<bool> {
    let mut journal = Journal::begin(source, for_machines)?;
    let upload_id = intake(client, source, &mut journal).await?;
    let record = scan(client, source, expected, &upload_id, &mut journal).await?;
    if record.state == State::Published {
        download(client, source, &upload_id, &mut journal).await?;
    } else {
        refused_download(client, &upload_id, &mut journal).await?;
    }
    Ok(journal.end(source, &record)?)
}

/// Answers what a call answers, and how long it took.
async fn timed<T>(
    call: impl Future<Output = Result<T, ClientError>>,
) -> Result<(T, Option<Duration>), ClientError> {
    let start = Instant::now();
    let answer = call.await?;
    Ok((answer, Some(start.elapsed())))
}

/// Steps 1 to 3: the client's part of an upload.
async fn intake(client: &Client, source: &Source, journal: &mut Journal) -> anyhow::Result<String> {
    let key = uuid::Uuid::new_v4().to_string();
    let (opened, took) = timed(client.create_upload(source, &key)).await?;
    let signed = opened.upload.context("a new upload came without a URL")?;
    let id = opened.upload_id;
    let lifetime = signed.lifetime_seconds().unwrap_or_default();
    journal.step("request upload URL", took, format!("upload {id}, the URL lives {lifetime} s"))?;
    journal.must((1..=900).contains(&lifetime), || format!("the upload URL lives {lifetime} s"))?;

    let ((), took) = timed(client.put(&signed, source, |_| ())).await?;
    let second = second_put(client, &signed, source).await?;
    let size = source.size;
    journal.step(
        "PUT bytes",
        took,
        format!("{size} bytes straight to quarantine; a second PUT is answered {second}"),
    )?;
    journal.must(second == StatusCode::PRECONDITION_FAILED, || {
        format!("the URL of a finished PUT must answer 412, it answered {second}")
    })?;
    not_there(client, &id, "before its scan", journal).await?;

    let (finalized, took) = timed(client.finalize(&id)).await?;
    journal.step("finalize", took, format!("size and SHA-256 are as declared, state {}", finalized.state))?;
    Ok(id)
}

/// Uses an upload URL once more, and answers what storage said.
async fn second_put(client: &Client, signed: &SignedPut, source: &Source) -> Result<StatusCode, ClientError> {
    match client.put(signed, source, |_| ()).await {
        Ok(()) => Ok(StatusCode::OK),
        Err(ClientError::Storage { status, .. }) => Ok(status),
        Err(error) => Err(error),
    }
}

/// Steps 4 to 6: what the service does by itself.
async fn scan(
    client: &Client,
    source: &Source,
    expected: Expected,
    upload_id: &str,
    journal: &mut Journal,
) -> anyhow::Result<Record> {
    let start = Instant::now();
    let queued = client.upload(upload_id).await?;
    let at = queued.finalized_at.unwrap_or_default();
    journal.step("trigger scan", None, format!("finalized at {at}, state {}", queued.state))?;
    journal.must(queued.state != State::Pending, || "a finalized upload is still pending".to_owned())?;

    let record = client.settled(upload_id).await?;
    let found = record.verdict.as_ref().and_then(|verdict| verdict.detected_type.clone());
    let verdict = record.verdict_line().unwrap_or_else(|| "no verdict".to_owned());
    journal.step(
        "read and scan",
        Some(start.elapsed()),
        format!("{verdict}; the content is {}", found.as_deref().unwrap_or("unknown")),
    )?;
    let outcome = record.verdict.as_ref().map(|verdict| verdict.outcome);
    let as_expected = match expected {
        Expected::Published => record.state == State::Published,
        Expected::Malicious => record.state == State::Rejected && outcome == Some(Outcome::Malicious),
        Expected::Anything => {
            [State::Published, State::Rejected, State::Failed].iter().any(|state| record.state == *state)
        }
    };
    journal.must(as_expected, || format!("it must not end as {}: {verdict}", record.state))?;
    journal.must((record.state == State::Published) == (outcome == Some(Outcome::Clean)), || {
        format!("{} does not go with the verdict {verdict}", record.state)
    })?;
    let sha256 = record.sha256.as_deref().unwrap_or_default();
    journal.must(sha256 == source.sha256, || format!("what was scanned has SHA-256 {sha256}"))?;

    let moved = if record.state == State::Published { "moved" } else { "not moved" };
    journal.step("move safe file", None, format!("{moved}, state {}", record.state))?;
    Ok(record)
}

/// Steps 7 and 8 of what was published.
async fn download(client: &Client, source: &Source, id: &str, journal: &mut Journal) -> anyhow::Result<()> {
    let (signed, took) = timed(client.download_url(id)).await?;
    let lifetime = signed.lifetime_seconds().unwrap_or_default();
    journal.step("request download URL", took, format!("the URL lives {lifetime} s"))?;
    journal.must((60..=300).contains(&lifetime), || format!("the download URL lives {lifetime} s"))?;

    let start = Instant::now();
    let mut download = client.get(&signed).await?;
    let disposition = download.disposition();
    let mut hash = Sha256::new();
    let mut bytes = 0;
    while let Some(chunk) = download.chunk().await? {
        hash.update(chunk.as_ref());
        bytes += chunk.as_ref().len();
    }
    let took = Some(start.elapsed());
    let sha256 = hex::encode(hash.finalize());
    let attachment = disposition.as_ref().is_some_and(|found| found.attachment);
    let kind = if attachment { "an attachment" } else { "no attachment" };
    journal.step("GET content", took, format!("{bytes} bytes, SHA-256 {sha256}, {kind}"))?;
    journal.must(sha256 == source.sha256, || format!("uploaded was SHA-256 {}", source.sha256))?;
    journal.must(attachment, || "the download is not an attachment".to_owned())?;
    let file_name = disposition.and_then(|found| found.file_name).unwrap_or_default();
    journal.must(file_name == source.file_name(), || format!("the download is named {file_name:?}"))?;
    Ok(())
}

/// Steps 7 and 8 of what was not published: there is nothing to get.
async fn refused_download(client: &Client, id: &str, journal: &mut Journal) -> anyhow::Result<()> {
    let refused = not_there(client, id, "after a verdict against it", journal).await?;
    let result = if refused { "404, as if there were no such object" } else { "not refused" };
    journal.step("request download URL", None, result.to_owned())?;
    let object = client.object(id).await;
    let absent = is_not_found(&object);
    let result = if absent { "there is no URL and no object" } else { "the object can be seen" };
    journal.step("GET content", None, result.to_owned())?;
    journal.must(absent, || format!("the object must not be there, but: {object:?}"))?;
    Ok(())
}

/// What must hold of whatever is not published: no download URL, and no sign that it exists.
async fn not_there(client: &Client, id: &str, when: &str, journal: &mut Journal) -> anyhow::Result<bool> {
    let answer = client.download_url(id).await;
    let refused = is_not_found(&answer);
    journal
        .must(refused, || format!("a download URL {when} must be refused as not found, but: {answer:?}"))?;
    Ok(refused)
}

fn is_not_found<T>(answer: &Result<T, ClientError>) -> bool {
    matches!(answer, Err(ClientError::Refused(Problem { status: 404, .. })))
}
