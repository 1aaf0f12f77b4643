//! `POST /uploads/{upload_id}/finalize`: checks that what lies in quarantine is what was declared,
//! pins it, and asks for its scan.
//!
//! AWS calls: GetItem, HeadObject, one conditional transaction, SendMessage. A crash between the
//! last two is healed by a repeated finalize, and by `expire-uploads`.

use crate::{quarantine_problem, queue_problem, requeue};
use airlock_content::verdict::{Outcome, Verdict};
use airlock_http::{Caller, Claims, Code, FieldError, Problem, Request, Response, answer, path};
use airlock_objects::{
    record::Record,
    registry::{Actor, Change, Changed, Registry, row::Sweep},
    setting::required,
    state::{State, Transition},
    timestamp::Timestamp,
};
use airlock_quarantine::{Found, Quarantine, QuarantineKey, ScanQueue, ScanRequest};
use lambda_http::http::StatusCode;
use std::time::Duration;

/// A repeated finalize asks for the scan again only when the last request is older than this, so
/// that hammering it costs nothing.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// How often the scan of an upload is asked for by its finalize: a second time, as the first message may have been
/// lost. After that only the sweep asks, so that no tenant can fill the queue.
const MOST_REQUESTS: u64 = 2;

struct App {
    registry: Registry,
    quarantine: Quarantine,
    queue: ScanQueue,
    claims: Claims,
    scan_deadline: Duration,
}

/// Serves the function.
///
/// # Errors
/// When a setting is missing, or the Lambda runtime cannot be reached.
pub async fn run() -> anyhow::Result<()> {
    airlock_telemetry::init();
    let config = aws_config::load_from_env().await;
    let app = &App {
        registry: Registry::from_env(&config)?,
        quarantine: Quarantine::from_env(&config)?,
        queue: ScanQueue::from_env(&config)?,
        claims: Claims::from_env()?,
        scan_deadline: Duration::from_secs(required("SCAN_DEADLINE_SECONDS")?),
    };
    airlock_http::serve(|request| handle(app, request)).await.map_err(anyhow::Error::from_boxed)
}

async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let caller = Caller::of(&request, &app.claims)?;
    let id = path::object_id(&request, "upload_id")?;
    let record = app.registry.get(&caller.tenant, id).await?.ok_or_else(Problem::not_found)?;
    let now = Timestamp::now();
    match record.state {
        State::Pending if record.expires_at <= now => expire(app, &caller, &record, now).await,
        State::Pending => finalize(app, &caller, &record, now).await,
        State::Scanning => ask_again(app, &record, now).await,
        State::Published | State::Rejected | State::Failed => Ok(accepted(&record, record.state)),
        State::Expired => Err(expired()),
        State::Deleted => Err(Problem::not_found()),
    }
}

async fn finalize(app: &App, caller: &Caller, record: &Record, now: Timestamp) -> Result<Response, Problem> {
    let key = QuarantineKey::new(record.tenant.clone(), record.id);
    let found = app.quarantine.inspect(&key).await.map_err(quarantine_problem)?.ok_or_else(|| {
        Problem::new(Code::NotUploaded, "nothing was uploaded yet; PUT the file first, then finalize")
    })?;
    let errors = differences(record, &found);
    if !errors.is_empty() {
        return refuse(app, caller, record, errors, now).await;
    }
    let change = Change::new(record, Transition::Finalize, Actor::User(&caller.user), now)
        .pin(&found.pin, found.sha256.or(record.sha256))
        .due(Sweep::Uploads, now + app.scan_deadline);
    match app.registry.change(change).await? {
        Changed::Done => {
            ask(app, record, 1).await?;
            Ok(accepted(record, State::Scanning))
        }
        Changed::Superseded(latest) => settled(latest),
    }
}

/// In what the uploaded object is not the declared one.
fn differences(record: &Record, found: &Found) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut differ = |field: &'static str, declared: String, uploaded: String| {
        let detail = format!("declared as {declared}, uploaded as {uploaded}");
        errors.push(FieldError { field: field.into(), detail });
    };
    if found.size != record.size {
        differ("size", record.size.to_string(), found.size.to_string());
    }
    if found.content_type.as_deref() != Some(record.content_type.as_str()) {
        let uploaded = found.content_type.clone().unwrap_or_else(|| "nothing".to_owned());
        differ("content_type", record.content_type.clone(), uploaded);
    }
    if let Some(declared) = record.sha256
        && found.sha256 != Some(declared)
    {
        let uploaded = found.sha256.map_or_else(|| "unknown".to_owned(), |sum| sum.to_string());
        differ("sha256", declared.to_string(), uploaded);
    }
    errors
}

/// The object stays where it is until the bucket's lifecycle removes it.
async fn refuse(
    app: &App,
    caller: &Caller,
    record: &Record,
    errors: Vec<FieldError>,
    now: Timestamp,
) -> Result<Response, Problem> {
    let fields: Vec<&str> = errors.iter().map(|error| error.field.as_ref()).collect();
    let verdict = Verdict {
        outcome: Outcome::Mismatch,
        detected_type: None,
        matches: Vec::new(),
        reason: Some(format!("the upload differs from its declaration in {}", fields.join(", "))),
        rules: None,
    };
    let change =
        Change::new(record, Transition::Refuse, Actor::User(&caller.user), now).verdict(&verdict).settled();
    match app.registry.change(change).await? {
        Changed::Done => {
            Err(Problem::new(Code::Mismatch, "what was uploaded is not what was declared").about(errors))
        }
        Changed::Superseded(latest) => settled(latest),
    }
}

/// It stays due: the sweep removes what was uploaded.
async fn expire(app: &App, caller: &Caller, record: &Record, now: Timestamp) -> Result<Response, Problem> {
    let change = Change::new(record, Transition::Expire, Actor::User(&caller.user), now);
    match app.registry.change(change).await? {
        Changed::Done => Err(expired()),
        Changed::Superseded(latest) => settled(latest),
    }
}

async fn ask_again(app: &App, record: &Record, now: Timestamp) -> Result<Response, Problem> {
    let stale = record.queued_times < MOST_REQUESTS
        && record.queued_at.is_none_or(|asked| now.since(asked) >= ASK_AGAIN_AFTER);
    // A scan that is at work needs no second one, and its message comes again if it dies.
    let is_at_work = record.scans_end_at().is_some_and(|end| end >= now);
    if stale && !is_at_work && requeue::note(&app.registry, record, now, now + app.scan_deadline).await? {
        ask(app, record, record.queued_times + 1).await?;
    }
    Ok(accepted(record, State::Scanning))
}

async fn ask(app: &App, record: &Record, times: u64) -> Result<(), Problem> {
    let request = ScanRequest { tenant_id: record.tenant.clone(), object_id: record.id };
    app.queue.request(&request, times).await.map_err(queue_problem)
}

/// Someone else was faster; answer how the upload stands now.
fn settled(latest: Option<Box<Record>>) -> Result<Response, Problem> {
    match latest {
        Some(record) if record.state == State::Expired => Err(expired()),
        Some(record) if record.state != State::Deleted => Ok(accepted(&record, record.state)),
        _ => Err(Problem::not_found()),
    }
}

fn expired() -> Problem {
    Problem::new(Code::Expired, "the upload was not finalized in time; start a new one")
}

fn accepted(record: &Record, state: State) -> Response {
    answer::json(StatusCode::ACCEPTED, &serde_json::json!({ "upload_id": record.id, "state": state }))
}
