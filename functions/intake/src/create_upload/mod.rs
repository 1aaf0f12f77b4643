//! `POST /uploads`: opens an upload and answers the one pre-signed PUT that fits it.
//!
//! AWS calls: one DynamoDB transaction; signing is local.

mod declaration;
mod limits;

use airlock_http::{Caller, Claims, Code, Endpoint, Problem, Request, Response, answer};
use airlock_objects::{
    id::{ObjectId, ObjectRef},
    record::Record,
    registry::{Begun, Registry},
    state::State,
    timestamp::Timestamp,
};
use airlock_quarantine::{PutTerms, Quarantine, QuarantineKey, SignedPut};
use aws_config::SdkConfig;
use declaration::Declaration;
use lambda_http::http::{HeaderValue, StatusCode, header};
use limits::Limits;
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};

/// `POST /uploads`.
#[derive(Debug)]
pub struct CreateUpload {
    registry: Registry,
    quarantine: Quarantine,
    claims: Claims,
    limits: Limits,
}

impl Endpoint for CreateUpload {
    const NAME: &'static str = "create-upload";

    async fn start(aws: &SdkConfig) -> anyhow::Result<Self> {
        let (claims, limits) = (Claims::from_env()?, Limits::from_env()?);
        let (registry, quarantine) = tokio::try_join!(Registry::connect(aws), Quarantine::connect(aws))?;
        Ok(Self { registry, quarantine, claims, limits })
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let caller = Caller::of(&request, &self.claims)?;
        let key = declaration::idempotency_key(&request)?;
        let declaration = Declaration::of(&request, &self.limits)?;
        let now = Timestamp::now();
        let record = declaration.open(caller, now + self.limits.session_ttl, now);
        match self.registry.begin(&record, &self.limits.quotas, key.as_ref()).await? {
            Begun::Created => opened(self, &record, now).await,
            Begun::Replayed(id) => replay(self, &record, id).await,
            Begun::KeyReused => Err(Problem::field(
                Code::IdempotencyKeyReused,
                "Idempotency-Key",
                "was used for another upload; use a new key for a new upload",
            )),
            Begun::TooLarge { most } => {
                let detail =
                    format!("{} bytes are too many; a tenant may have {most} in all", record.declared.size);
                Err(Problem::field(Code::TooLarge, "size", detail))
            }
            Begun::OverQuota(over) => Err(Problem::new(Code::QuotaExceeded, over.to_string())
                .retry_after(over.try_again_in().as_secs())),
        }
    }
}

/// The same key and the same body as before: the same upload, with a fresh URL while it can be used.
async fn replay(app: &CreateUpload, asked: &Record, id: ObjectId) -> Result<Response, Problem> {
    let object = ObjectRef::new(asked.object.tenant.clone(), id);
    let record = app.registry.get(&object).await?.ok_or_else(Problem::not_found)?;
    if record.state == State::Pending && record.expires_at > asked.created_at {
        opened(app, &record, asked.created_at).await
    } else {
        Ok(answer::json(StatusCode::OK, &Opened::new(&record, None)))
    }
}

async fn opened(app: &CreateUpload, record: &Record, now: Timestamp) -> Result<Response, Problem> {
    let key = QuarantineKey::of(&record.object);
    let terms = PutTerms {
        size: record.declared.size,
        content_type: &record.declared.content_type,
        sha256: record.sha256,
        ttl: url_ttl(app.limits.url_ttl, record, now),
    };
    let put = app.quarantine.sign_put(&key, terms).await.map_err(Problem::behind)?;
    let mut response = answer::json(StatusCode::CREATED, &Opened::new(record, Some(&put)));
    if let Ok(location) = HeaderValue::from_str(&format!("/uploads/{}", record.object.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// A URL outlives its session by no more than the second in which it ends: S3 takes whole seconds.
fn url_ttl(longest: Duration, record: &Record, now: Timestamp) -> Duration {
    let left = record.expires_at.since(now).as_millis().div_ceil(1000);
    longest.min(Duration::from_secs(u64::try_from(left).unwrap_or(u64::MAX).max(1)))
}

/// The answer. `upload` is exactly what Uppy's `getUploadParameters` returns.
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
        Self { upload_id: record.object.id, state: record.state, expires_at: record.expires_at, upload }
    }
}
