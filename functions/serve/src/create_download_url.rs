//! `POST /objects/{object_id}/download-url`: a short-lived URL for one published object.
//!
//! AWS calls: GetItem, one transaction that checks the state again and writes the audit record;
//! signing is local.

use crate::{published, published_problem};
use airlock_http::{Caller, Claims, Code, Fields, Problem, Request, Response, answer, path};
use airlock_objects::{
    record::Record,
    registry::{
        Actor, Registry, RegistryError, Transaction, audit_put,
        row::{PK, SK, object_key, string},
    },
    setting::{SettingError, required},
    state::State,
    timestamp::Timestamp,
};
use airlock_published::{GetTerms, Published, PublishedKey};
use aws_sdk_dynamodb::types::ConditionCheck;
use lambda_http::http::StatusCode;
use serde::Serialize;
use std::{ops::RangeInclusive, str::FromStr, time::Duration};

/// How long a download URL may live, in seconds (C-04).
const TTL_SECONDS: RangeInclusive<u64> = 60..=300;

struct App {
    registry: Registry,
    published: Published,
    claims: Claims,
    default_ttl: Duration,
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
        published: Published::from_env(&config)?,
        claims: Claims::from_env()?,
        default_ttl: default_ttl()?,
    };
    airlock_http::serve(|request| handle(app, request)).await.map_err(anyhow::Error::from_boxed)
}

fn default_ttl() -> Result<Duration, SettingError> {
    let name = "DOWNLOAD_URL_TTL_SECONDS";
    match required(name)? {
        seconds if TTL_SECONDS.contains(&seconds) => Ok(Duration::from_secs(seconds)),
        seconds => Err(SettingError::Wrong { name, why: format!("{seconds} is not within 60 to 300") }),
    }
}

#[derive(Serialize)]
struct DownloadUrl<'a> {
    url: &'a str,
    expires_at: Timestamp,
}

async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let caller = Caller::of(&request, &app.claims)?;
    let id = path::object_id(&request, "object_id")?;
    let wish = Wish::of(&request)?;
    let record = published(app.registry.get(&caller.tenant, id).await?)?;
    if wish.disposition == Disposition::Inline {
        let detail = "no rendition of this object is safe to show inline; ask for an attachment";
        return Err(Problem::field(Code::NoSafeRendition, "disposition", detail));
    }
    let now = Timestamp::now();
    note(&app.registry, &record, &caller, now).await?;
    let ttl = wish.ttl.unwrap_or(app.default_ttl);
    let key = PublishedKey::new(record.tenant.clone(), record.id);
    let terms = GetTerms { file_name: &record.file_name, content_type: &record.content_type, ttl };
    let url = app.published.sign_get(&key, terms).await.map_err(published_problem)?;
    Ok(answer::json(StatusCode::OK, &DownloadUrl { url: url.reveal(), expires_at: now + ttl }))
}

/// Writes down who gets a URL (never the URL), if the object is still published: after a DELETE has
/// been answered no URL is made any more.
async fn note(registry: &Registry, record: &Record, caller: &Caller, now: Timestamp) -> Result<(), Problem> {
    let (pk, sk) = object_key(&record.tenant, record.id);
    let check = ConditionCheck::builder()
        .table_name(registry.table())
        .key(PK, string(pk))
        .key(SK, string(sk))
        .condition_expression("#state = :published")
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":published", string(State::Published))
        .build()
        .map_err(RegistryError::unavailable)?;
    let audit = audit_put(registry.table(), record, "download_url_issued", Actor::User(&caller.user), now)
        .build()
        .map_err(RegistryError::unavailable)?;
    registry.write(Transaction::default().check(check).put(audit)).await?.map_err(|_| Problem::not_found())
}

/// What the caller asks for.
struct Wish {
    ttl: Option<Duration>,
    disposition: Disposition,
}

impl Wish {
    fn of(request: &Request) -> Result<Self, Problem> {
        let mut fields = Fields::of(request, true)?;
        let seconds = fields.optional_number("ttl_seconds");
        let disposition = fields.optional("disposition").unwrap_or(Disposition::Attachment);
        if seconds.is_some_and(|seconds| !TTL_SECONDS.contains(&seconds)) {
            fields.refuse("ttl_seconds", "must be within 60 to 300");
        }
        fields.finish()?;
        Ok(Self { ttl: seconds.map(Duration::from_secs), disposition })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Disposition {
    Attachment,
    Inline,
}

impl FromStr for Disposition {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "attachment" => Ok(Self::Attachment),
            "inline" => Ok(Self::Inline),
            _ => Err("must be \"attachment\" or \"inline\""),
        }
    }
}
