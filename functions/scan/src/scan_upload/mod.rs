//! Scans what was finalized, and publishes what is clean. Triggered by SQS in batches; each message
//! is worked on by itself, and only those that failed are delivered again.
//!
//! AWS calls per message: GetItem; GetObject of exactly the pinned bytes; for a clean object
//! CopyObject of exactly these; one conditional transaction; DeleteObject in quarantine.

mod fetch;
mod publish;
mod settle;

use airlock_content::{
    Declared,
    policy::Policy,
    verdict::{Outcome, Verdict},
};
use airlock_engine::Engine;
use airlock_inspect::{Finding, inspect};
use airlock_objects::{
    checksum::Sha256,
    record::{Pin, Record},
    registry::Registry,
    setting::required,
    state::State,
};
use airlock_published::Published;
use airlock_quarantine::{Quarantine, QuarantineKey, ScanRequest};
use airlock_telemetry::metric;
use anyhow::Context as _;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use fetch::{FetchError, Fetched};
use lambda_runtime::{LambdaEvent, service_fn};
use settle::Settled;
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

const FUNCTION: &str = "scan-upload";

/// What must be left of the invocation's time to start on another object, and what is kept back
/// from an inspection to write down its end.
const RESERVE: Duration = Duration::from_secs(5);

struct App {
    s3: aws_sdk_s3::Client,
    registry: Registry,
    quarantine: Quarantine,
    published: Published,
    engine: Arc<Engine>,
    policy: Arc<Policy>,
}

/// Serves the function. The rules are loaded before the first message is taken.
///
/// # Errors
/// When a setting is missing, the rules cannot be loaded, or the Lambda runtime cannot be reached.
pub async fn run() -> anyhow::Result<()> {
    airlock_telemetry::init();
    let config = aws_config::load_from_env().await;
    let app = &App {
        s3: aws_sdk_s3::Client::new(&config),
        registry: Registry::from_env(&config)?,
        quarantine: Quarantine::from_env(&config)?,
        published: Published::from_env(&config)?,
        engine: Arc::new(Engine::load()?),
        policy: Arc::new(Policy::parse(
            &required::<String>("ALLOWED_TYPES")?,
            required("MAX_UPLOAD_BYTES")?,
        )?),
    };
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        let deadline = event.context.deadline();
        Ok::<_, lambda_runtime::Error>(handle(app, event.payload, deadline).await)
    }))
    .await
    .map_err(anyhow::Error::from_boxed)
}

async fn handle(app: &App, batch: SqsEvent, deadline: SystemTime) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in &batch.records {
        if let Err(error) = work(app, message, deadline).await {
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
async fn work(app: &App, message: &SqsMessage, deadline: SystemTime) -> anyhow::Result<()> {
    let request = ScanRequest::parse(message.body.as_deref().unwrap_or_default())?;
    let record = app.registry.get(&request.tenant_id, request.object_id).await?;
    let record = record.context("the message names an object that the registry does not know")?;
    let (State::Scanning, Some(pin)) = (record.state, &record.pin) else {
        tracing::info!(object_id = %record.id, state = %record.state, "nothing to scan");
        return Ok(());
    };
    let time_left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
    let timeout = time_left.checked_sub(RESERVE).filter(|left| *left >= RESERVE);
    let timeout = timeout.context("no time left in this invocation")?;
    let settled = match fetch::fetch(&app.s3, app.quarantine.bucket(), &record, pin).await {
        Ok(fetched) => decide(app, &record, pin, fetched, timeout).await?,
        Err(FetchError::Gone) => settle::close(app, &record, None, &gone(app)).await?,
        Err(error) => return Err(error.into()),
    };
    report(&record, settled);
    Ok(())
}

/// Inspects what was fetched and settles the object accordingly.
async fn decide(
    app: &App,
    record: &Record,
    pin: &Pin,
    fetched: Fetched,
    timeout: Duration,
) -> anyhow::Result<Settled> {
    let Fetched { file, size, sha256 } = fetched;
    if let Some(finding) = differs(app, record, size, sha256) {
        return settle::close(app, record, Some(sha256), &finding).await;
    }
    let (engine, policy) = (app.engine.clone(), app.policy.clone());
    let (name, content_type) = (record.file_name.to_string(), record.content_type.clone());
    // Inspection is work for a processor, not for the thread that answers the runtime.
    let finding = tokio::task::spawn_blocking(move || {
        let declared = Declared { content_type: &content_type, file_name: &name, size };
        inspect(&engine, &policy, &file, &declared, timeout)
    })
    .await?;
    let verdict = verdict(app, finding);
    match verdict.outcome {
        Outcome::Clean => publish::publish(app, record, pin, sha256, &verdict).await,
        _ => settle::close(app, record, Some(sha256), &verdict).await,
    }
}

/// Whether the fetched bytes are others than declared; S3 has checked that before.
fn differs(app: &App, record: &Record, size: u64, sha256: Sha256) -> Option<Verdict> {
    let what = match record.sha256 {
        _ if size != record.size => "size",
        Some(declared) if declared != sha256 => "sha256",
        _ => return None,
    };
    let reason = format!("the object differs from its declaration in {what}");
    Some(without_scan(app, Outcome::Mismatch, reason))
}

/// The verdict when there is nothing to scan any more.
fn gone(app: &App) -> Verdict {
    without_scan(app, Outcome::Unscannable, FetchError::Gone.to_string())
}

fn without_scan(app: &App, outcome: Outcome, reason: String) -> Verdict {
    verdict(app, Finding { outcome, detected_type: None, matches: Vec::new(), reason: Some(reason) })
}

fn verdict(app: &App, finding: Finding) -> Verdict {
    let Finding { outcome, detected_type, matches, reason } = finding;
    Verdict { outcome, detected_type, matches, reason, rules: Some(app.engine.rules_hash().to_owned()) }
}

fn report(record: &Record, settled: Settled) {
    metric::count(settled.metric(), FUNCTION);
    tracing::info!(
        tenant_id = %record.tenant, object_id = %record.id, size_bytes = record.size, ?settled, "scanned"
    );
}

fn quarantine_key(record: &Record) -> QuarantineKey {
    QuarantineKey::new(record.tenant.clone(), record.id)
}
