//! `POST /uploads/{upload_id}/finalize`: checks that what lies in quarantine is what was declared,
//! pins it, and asks for its scan.
//!
//! AWS calls: GetItem, HeadObject, one conditional transaction, SendMessage. A crash between the
//! last two is healed by a repeated finalize, and by `sweep-uploads`.

use airlock_aws::setting::required;
use airlock_content::verdict::{Outcome, Verdict};
use airlock_http::{Caller, Claims, Code, Endpoint, FieldError, Problem, Request, Response, answer, path};
use airlock_objects::{
    record::Record,
    registry::{Actor, Change, Changed, Registry, Sweep},
    state::{State, Transition},
    timestamp::Timestamp,
};
use airlock_quarantine::{Found, Quarantine, QuarantineKey, ScanQueue};
use aws_config::SdkConfig;
use lambda_http::http::StatusCode;
use std::time::Duration;

/// A repeated finalize asks for the scan again only when the last request is older than this, so
/// that hammering it costs nothing.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// How often the scan of an upload is asked for by its finalize: a second time, as the first message may have been
/// lost. After that only the sweep asks, so that no tenant can fill the queue.
const MOST_REQUESTS: u64 = 2;

/// `POST /uploads/{upload_id}/finalize`.
#[derive(Debug)]
pub struct FinalizeUpload {
    registry: Registry,
    quarantine: Quarantine,
    queue: ScanQueue,
    claims: Claims,
    scan_deadline: Duration,
}

impl Endpoint for FinalizeUpload {
    const NAME: &'static str = "finalize-upload";

    async fn start(aws: &SdkConfig) -> anyhow::Result<Self> {
        let scan_deadline = Duration::from_secs(required("SCAN_DEADLINE_SECONDS")?);
        let claims = Claims::from_env()?;
        let (registry, quarantine, queue) =
            tokio::try_join!(Registry::connect(aws), Quarantine::connect(aws), ScanQueue::connect(aws))?;
        Ok(Self { registry, quarantine, queue, claims, scan_deadline })
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let caller = Caller::of(&request, &self.claims)?;
        let object = path::object(&request, &caller, "upload_id")?;
        let record = self.registry.get(&object).await?.ok_or_else(Problem::not_found)?;
        let now = Timestamp::now();
        match record.state {
            State::Pending if record.expires_at <= now => expire(self, &caller, &record, now).await,
            State::Pending => finalize(self, &caller, &record, now).await,
            State::Scanning => ask_again(self, &record, now).await,
            State::Published | State::Rejected | State::Failed => Ok(accepted(&record, record.state)),
            State::Expired => Err(expired()),
            State::Deleted => Err(Problem::not_found()),
        }
    }
}

async fn finalize(
    app: &FinalizeUpload,
    caller: &Caller,
    record: &Record,
    now: Timestamp,
) -> Result<Response, Problem> {
    let key = QuarantineKey::of(&record.object);
    let found = app.quarantine.head(&key).await.map_err(Problem::behind)?.ok_or_else(|| {
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
    if found.size != record.declared.size {
        differ("size", record.declared.size.to_string(), found.size.to_string());
    }
    if found.content_type.as_deref() != Some(record.declared.content_type.as_str()) {
        let uploaded = found.content_type.clone().unwrap_or_else(|| "nothing".to_owned());
        differ("content_type", record.declared.content_type.clone(), uploaded);
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
    app: &FinalizeUpload,
    caller: &Caller,
    record: &Record,
    errors: Vec<FieldError>,
    now: Timestamp,
) -> Result<Response, Problem> {
    let fields: Vec<&str> = errors.iter().map(|error| error.field.as_ref()).collect();
    let reason = format!("the upload differs from its declaration in {}", fields.join(", "));
    let verdict = Verdict::without_scan(Outcome::Mismatch, reason);
    let change =
        Change::new(record, Transition::Refuse, Actor::User(&caller.user), now).verdict(&verdict).settled();
    match app.registry.change(change).await? {
        Changed::Done => Err(Problem::of(Code::Mismatch, errors)),
        Changed::Superseded(latest) => settled(latest),
    }
}

/// It stays due: the sweep removes what was uploaded.
async fn expire(
    app: &FinalizeUpload,
    caller: &Caller,
    record: &Record,
    now: Timestamp,
) -> Result<Response, Problem> {
    let change = Change::new(record, Transition::Expire, Actor::User(&caller.user), now);
    match app.registry.change(change).await? {
        Changed::Done => Err(expired()),
        Changed::Superseded(latest) => settled(latest),
    }
}

async fn ask_again(app: &FinalizeUpload, record: &Record, now: Timestamp) -> Result<Response, Problem> {
    let stale = record.queued_times < MOST_REQUESTS
        && record.queued_at.is_none_or(|asked| now.since(asked) >= ASK_AGAIN_AFTER);
    // A scan that is at work needs no second one, and its message comes again if it dies.
    let is_at_work = record.scans_end_at().is_some_and(|end| end >= now);
    if stale
        && !is_at_work
        && let Changed::Done = app.registry.requeue(record, now, now + app.scan_deadline).await?
    {
        ask(app, record, record.queued_times + 1).await?;
    }
    Ok(accepted(record, State::Scanning))
}

async fn ask(app: &FinalizeUpload, record: &Record, times: u64) -> Result<(), Problem> {
    app.queue.request(&record.object, times).await.map_err(Problem::behind)
}

/// Another writer was faster: answers the state that the upload has now.
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
    answer::json(StatusCode::ACCEPTED, &serde_json::json!({ "upload_id": record.object.id, "state": state }))
}
