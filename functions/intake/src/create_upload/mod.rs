//! `POST /uploads`: opens an upload and answers the one pre-signed PUT that fits it.
//!
//! AWS calls: one DynamoDB transaction; signing is local.

mod declaration;
mod limits;
mod session;

use crate::quarantine_problem;
use airlock_http::{Caller, Claims, Code, Problem, Request, Response, answer};
use airlock_objects::{id::ObjectId, record::Record, registry::Registry, state::State, timestamp::Timestamp};
use airlock_quarantine::{PutTerms, Quarantine, QuarantineKey, SignedPut};
use declaration::{Declaration, IdempotencyKey};
use lambda_http::http::{HeaderValue, StatusCode, header};
use limits::Limits;
use serde::Serialize;
use session::Begun;
use std::{collections::BTreeMap, time::Duration};

struct App {
    registry: Registry,
    quarantine: Quarantine,
    claims: Claims,
    limits: Limits,
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
        claims: Claims::from_env()?,
        limits: Limits::from_env()?,
    };
    airlock_http::serve(|request| handle(app, request)).await.map_err(anyhow::Error::from_boxed)
}

async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let caller = Caller::of(&request, &app.claims)?;
    let idempotency = IdempotencyKey::of(&request)?;
    let declaration = Declaration::of(&request, &app.limits)?;
    let now = Timestamp::now();
    let record = declaration.open(caller, now + app.limits.session_ttl, now);
    match session::begin(&app.registry, &record, &app.limits, idempotency.as_ref()).await? {
        Begun::Created => opened(app, &record, now).await,
        Begun::Replayed(id) => replay(app, &record, id).await,
        Begun::KeyReused => Err(Problem::field(
            Code::IdempotencyKeyReused,
            "Idempotency-Key",
            "was used for another upload; use a new key for a new upload",
        )),
        Begun::OverQuota { detail, retry_after_seconds } => {
            Err(Problem::new(Code::QuotaExceeded, detail).retry_after(retry_after_seconds))
        }
    }
}

/// The same key and the same body as before: the same upload, with a fresh URL while it can be used.
async fn replay(app: &App, asked: &Record, id: ObjectId) -> Result<Response, Problem> {
    let record = app.registry.get(&asked.tenant, id).await?.ok_or_else(Problem::not_found)?;
    if record.state == State::Pending && record.expires_at > asked.created_at {
        opened(app, &record, asked.created_at).await
    } else {
        Ok(answer::json(StatusCode::OK, &Opened::new(&record, None)))
    }
}

async fn opened(app: &App, record: &Record, now: Timestamp) -> Result<Response, Problem> {
    let key = QuarantineKey::new(record.tenant.clone(), record.id);
    let terms = PutTerms {
        size: record.size,
        content_type: &record.content_type,
        sha256: record.sha256,
        ttl: url_ttl(app.limits.url_ttl, record, now),
    };
    let put = app.quarantine.sign_put(&key, terms).await.map_err(quarantine_problem)?;
    let mut response = answer::json(StatusCode::CREATED, &Opened::new(record, Some(&put)));
    if let Ok(location) = HeaderValue::from_str(&format!("/uploads/{}", record.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// A URL outlives its session by no more than the second in which it ends: S3 takes whole seconds.
fn url_ttl(longest: Duration, record: &Record, now: Timestamp) -> Duration {
    let left = record.expires_at.since(now).as_millis().div_ceil(1000);
    longest.min(Duration::from_secs(u64::try_from(left).unwrap_or(u64::MAX).max(1)))
}

/// The answer. `upload` is, as it stands, what Uppy's `getUploadParameters` returns.
#[derive(Serialize)]
struct Opened<'a> {
    upload_id: ObjectId,
    state: State,
    expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<Upload<'a>>,
}

#[derive(Serialize)]
struct Upload<'a> {
    method: &'static str,
    url: &'a str,
    headers: &'a BTreeMap<String, String>,
}

impl<'a> Opened<'a> {
    fn new(record: &Record, put: Option<&'a SignedPut>) -> Self {
        let upload = put.map(|put| Upload { method: "PUT", url: put.url.reveal(), headers: &put.headers });
        Self { upload_id: record.id, state: record.state, expires_at: record.expires_at, upload }
    }
}
