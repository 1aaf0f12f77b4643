//! Scans what was finalized, and publishes what is clean. Triggered by SQS, one message at a time, so that none
//! waits behind another; a batch would be worked on message by message, and only those that failed delivered again.
//!
//! AWS calls per message: UpdateItem, which claims and reads the object; GetObject of exactly the pinned version,
//! once for each 8 MiB; CopyObject of this version, to where it is published or held; one conditional transaction;
//! PutObject and DeleteObject, which close the key in quarantine.

mod publish;
mod settle;

use crate::{
    fetch::{FetchError, Fetched, Source, fetch},
    share::Invocation,
    worker::{Worker, quarantine_key},
};
use airlock_aws::{Function, setting::required};
use airlock_content::verdict::{Outcome, Verdict};
use airlock_objects::{
    id::ObjectRef,
    record::{Claim, Pin, Record},
    registry::Claimed,
    state::State,
    timestamp::Timestamp,
};
use airlock_quarantine::requested;
use airlock_telemetry::metric::{self, Metric};
use anyhow::{Context as _, bail};
use aws_config::SdkConfig;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::LambdaEvent;
use settle::Settled;
use std::sync::Arc;

/// The function that SQS gives messages to. Its rules are loaded before the first one is taken.
pub struct ScanUpload(Worker);

impl Function for ScanUpload {
    const NAME: &'static str = "scan-upload";

    async fn start(aws: &SdkConfig) -> anyhow::Result<Self> {
        let (types, members) = (required("ALLOWED_TYPES")?, required("ALLOWED_MEMBERS")?);
        Ok(Self(Worker::start(aws, Self::NAME, types, members).await?))
    }

    async fn serve(self) -> anyhow::Result<()> {
        let worker = Arc::new(self.0);
        let spent = worker.spent.clone();
        let serve = spent.serve(move |event: LambdaEvent<SqsEvent>| {
            let worker = worker.clone();
            let invocation = Invocation::until(event.context.deadline());
            async move { Ok(handle(&worker, event.payload, invocation).await) }
        });
        serve.await
    }
}

async fn handle(worker: &Worker, batch: SqsEvent, invocation: Invocation) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in &batch.records {
        if let Err(error) = work(worker, message, invocation).await {
            metric::count(Metric::ScanErrors, ScanUpload::NAME);
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
async fn work(worker: &Worker, message: &SqsMessage, invocation: Invocation) -> anyhow::Result<()> {
    if worker.spent.is_set() {
        bail!("this environment ends first");
    }
    let object = requested(message.body.as_deref().unwrap_or_default())?;
    let Some(record) = claim(worker, &object, message, invocation).await? else { return Ok(()) };
    let pin = record.pin.as_ref().context("it is to be scanned and nothing is pinned")?;
    let source = Source {
        bucket: worker.quarantine.bucket(),
        key: quarantine_key(&record).to_string(),
        etag: &pin.etag,
        version_id: pin.version_id.as_deref(),
        size: record.declared.size,
    };
    let settled = match fetch(&worker.s3, &source).await {
        Ok(fetched) => decide(worker, &record, pin, fetched, invocation).await?,
        Err(FetchError::Gone) => settle::close(worker, &record, pin, None, &gone()).await?,
        Err(error) => return Err(error.into()),
    };
    metric::count(settled.metric(), ScanUpload::NAME);
    tracing::info!(
        tenant_id = %record.object.tenant, object_id = %record.object.id, size_bytes = record.declared.size, ?settled, "scanned"
    );
    Ok(())
}

/// The object that the message asks to be scanned, if it is for this delivery to scan it.
async fn claim(
    worker: &Worker,
    object: &ObjectRef,
    message: &SqsMessage,
    invocation: Invocation,
) -> anyhow::Result<Option<Record>> {
    let claim = Claim {
        message: message.message_id.clone().context("the message has no id")?,
        until: Timestamp::from(invocation.deadline()),
    };
    match worker.registry.claim(object, &claim, Timestamp::now()).await? {
        Claimed::Granted(record) => Ok(Some(*record)),
        Claimed::Nothing(record) => {
            tracing::info!(object_id = %record.object.id, state = %record.state, "nothing to scan");
            if let Some(pin) = record.pin.as_ref().filter(|_| leaves_quarantine(&record)) {
                // The delivery before this one may have died before it did this.
                settle::clear(worker, &record, pin).await;
            }
            Ok(None)
        }
        Claimed::Taken(record) => bail!("another scan of {} is at work", record.object.id),
        Claimed::Unknown => bail!("the message names an object that the registry does not know"),
    }
}

/// Whether the original of a settled object is of no use. One that could not be held stays for its day.
fn leaves_quarantine(record: &Record) -> bool {
    match record.state {
        State::Published | State::Deleted => true,
        State::Rejected | State::Failed => record.held_until.is_some(),
        State::Pending | State::Scanning | State::Expired => false,
    }
}

/// Inspects what was fetched and settles the object accordingly.
async fn decide(
    worker: &Worker,
    record: &Record,
    pin: &Pin,
    fetched: Fetched,
    invocation: Invocation,
) -> anyhow::Result<Settled> {
    let Fetched { object, sha256 } = fetched;
    let verdict = match record.sha256 {
        // S3 has checked that before.
        Some(declared) if declared != sha256 => {
            Verdict::without_scan(Outcome::Mismatch, "the object differs from its declaration in sha256")
        }
        _ => {
            let share = invocation.share(record.declared.size)?;
            worker.verdict(worker.inspector.inspect(object, record, share).await?)
        }
    };
    match verdict.outcome {
        Outcome::Clean => publish::publish(worker, record, pin, sha256, &verdict).await,
        _ => settle::close(worker, record, pin, Some(sha256), &verdict).await,
    }
}

/// The verdict when the object to scan is gone.
fn gone() -> Verdict {
    Verdict::without_scan(Outcome::Unscannable, FetchError::Gone.to_string())
}

/// The pinned object as a copy's source. Every character of our keys stands for itself in a URL.
fn copy_source(worker: &Worker, record: &Record, pin: &Pin) -> String {
    let version = pin.version_id.as_ref().map(|version| format!("?versionId={version}"));
    format!("{}/{}{}", worker.quarantine.bucket(), quarantine_key(record), version.unwrap_or_default())
}
