//! Scans what was finalized, and publishes what is clean. Triggered by SQS in batches; each message
//! is worked on by itself, and only those that failed are delivered again.
//!
//! AWS calls per message: GetItem; GetObject of exactly the pinned bytes, once for each 8 MiB; for a
//! clean object CopyObject of exactly these; one conditional transaction; DeleteObject in quarantine.

mod publish;
mod settle;

use crate::{
    fetch::{FetchError, Fetched, Source, fetch},
    worker::{Worker, quarantine_key, time_for_one},
};
use airlock_content::verdict::{Outcome, Verdict};
use airlock_objects::{
    record::{Pin, Record},
    setting::required,
    state::State,
};
use airlock_quarantine::ScanRequest;
use airlock_telemetry::metric;
use anyhow::Context as _;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::{LambdaEvent, service_fn};
use settle::Settled;
use std::time::{Duration, SystemTime};

const FUNCTION: &str = "scan-upload";

/// Serves the function. The rules are loaded before the first message is taken.
///
/// # Errors
/// When a setting is missing, the rules cannot be loaded, the jail does not hold, or the Lambda
/// runtime cannot be reached.
pub fn run() -> anyhow::Result<()> {
    crate::run(|| async {
        let worker = &Worker::from_env(FUNCTION, required("ALLOWED_TYPES")?).await?;
        lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
            let deadline = event.context.deadline();
            Ok::<_, lambda_runtime::Error>(handle(worker, event.payload, deadline).await)
        }))
        .await
        .map_err(anyhow::Error::from_boxed)
    })
}

async fn handle(worker: &Worker, batch: SqsEvent, deadline: SystemTime) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in &batch.records {
        if let Err(error) = work(worker, message, deadline).await {
            metric::count("ScanErrors", FUNCTION);
            let message_id = message.message_id.clone().unwrap_or_default();
            tracing::error!(message_id, error = ?error, "a scan failed; the message will be delivered again");
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message_id;
            response.batch_item_failures.push(failure);
        }
    }
    response
}

/// One message, from the registry to the verdict. An error leaves the object as it is, unpublished.
async fn work(worker: &Worker, message: &SqsMessage, deadline: SystemTime) -> anyhow::Result<()> {
    let request = ScanRequest::parse(message.body.as_deref().unwrap_or_default())?;
    let record = worker.registry.get(&request.tenant_id, request.object_id).await?;
    let record = record.context("the message names an object that the registry does not know")?;
    let (State::Scanning, Some(pin)) = (record.state, &record.pin) else {
        tracing::info!(object_id = %record.id, state = %record.state, "nothing to scan");
        return Ok(());
    };
    let timeout = time_for_one(deadline).context("no time left in this invocation")?;
    let source = Source {
        bucket: worker.quarantine.bucket(),
        key: quarantine_key(&record).to_string(),
        etag: &pin.etag,
        version_id: pin.version_id.as_deref(),
        size: record.size,
    };
    let settled = match fetch(&worker.s3, &source).await {
        Ok(fetched) => decide(worker, &record, pin, fetched, timeout).await?,
        Err(FetchError::Gone) => settle::close(worker, &record, pin, None, &gone(worker)).await?,
        Err(error) => return Err(error.into()),
    };
    metric::count(settled.metric(), FUNCTION);
    tracing::info!(
        tenant_id = %record.tenant, object_id = %record.id, size_bytes = record.size, ?settled, "scanned"
    );
    Ok(())
}

/// Inspects what was fetched and settles the object accordingly.
async fn decide(
    worker: &Worker,
    record: &Record,
    pin: &Pin,
    fetched: Fetched,
    timeout: Duration,
) -> anyhow::Result<Settled> {
    let Fetched { object, sha256 } = fetched;
    let verdict = match record.sha256 {
        // S3 has checked that before.
        Some(declared) if declared != sha256 => worker
            .verdict_without_scan(Outcome::Mismatch, "the object differs from its declaration in sha256"),
        _ => worker.verdict(worker.inspector.inspect(object, record, timeout).await?),
    };
    match verdict.outcome {
        Outcome::Clean => publish::publish(worker, record, pin, sha256, &verdict).await,
        _ => settle::close(worker, record, pin, Some(sha256), &verdict).await,
    }
}

/// The verdict when there is nothing to scan any more.
fn gone(worker: &Worker) -> Verdict {
    worker.verdict_without_scan(Outcome::Unscannable, FetchError::Gone.to_string())
}

/// The pinned object as a copy's source. Every character of our keys stands for itself in a URL.
fn copy_source(worker: &Worker, record: &Record, pin: &Pin) -> String {
    let version = pin.version_id.as_ref().map(|version| format!("?versionId={version}"));
    format!("{}/{}{}", worker.quarantine.bucket(), quarantine_key(record), version.unwrap_or_default())
}
