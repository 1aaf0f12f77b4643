//! `POST /objects/{object_id}/download-url`: a short-lived URL for one published object.
//!
//! AWS calls: GetItem, one transaction that checks the state again and writes the audit record;
//! signing is local.

use crate::published;
use airlock_aws::setting::{SettingError, required};
use airlock_http::{Caller, Claims, Code, Endpoint, Fields, Problem, Request, Response, answer, path};
use airlock_objects::{
    registry::{Changed, Registry},
    timestamp::Timestamp,
};
use airlock_published::{GetTerms, Published, PublishedKey};
use aws_config::SdkConfig;
use lambda_http::http::StatusCode;
use serde::Serialize;
use std::{ops::RangeInclusive, str::FromStr, time::Duration};

/// How long a download URL may live, in seconds (C-04).
const TTL_SECONDS: RangeInclusive<u64> = 60..=300;

/// `POST /objects/{object_id}/download-url`.
#[derive(Debug)]
pub struct CreateDownloadUrl {
    registry: Registry,
    published: Published,
    claims: Claims,
    default_ttl: Duration,
}

impl Endpoint for CreateDownloadUrl {
    const NAME: &'static str = "create-download-url";

    async fn start(aws: &SdkConfig) -> anyhow::Result<Self> {
        let (claims, default_ttl) = (Claims::from_env()?, default_ttl()?);
        let (registry, published) = tokio::try_join!(Registry::connect(aws), Published::connect(aws))?;
        Ok(Self { registry, published, claims, default_ttl })
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let caller = Caller::of(&request, &self.claims)?;
        let object = path::object(&request, &caller, "object_id")?;
        let wish = Wish::of(&request)?;
        let record = published(self.registry.get(&object).await?)?;
        if wish.disposition == Disposition::Inline {
            let detail = "no rendition of this object is safe to show inline; ask for an attachment";
            return Err(Problem::field(Code::NoSafeRendition, "disposition", detail));
        }
        let now = Timestamp::now();
        // Once a DELETE has been answered, no URL is made.
        let Changed::Done = self.registry.issue_url(&record, &caller.user, now).await? else {
            return Err(Problem::not_found());
        };
        let ttl = wish.ttl.unwrap_or(self.default_ttl);
        let declared = &record.declared;
        let terms = GetTerms { file_name: &declared.file_name, content_type: &declared.content_type, ttl };
        let url =
            self.published.sign_get(&PublishedKey::of(&object), terms).await.map_err(Problem::behind)?;
        Ok(answer::json(StatusCode::OK, &DownloadUrl { url: url.reveal(), expires_at: now + ttl }))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_http::Body;

    fn wish(body: &str) -> Result<Wish, String> {
        let mut request = Request::new(Body::Text(body.to_owned()));
        let json = lambda_http::http::HeaderValue::from_static("application/json");
        request.headers_mut().insert("content-type", json);
        Wish::of(&request).map_err(|problem| problem.detail().to_owned())
    }

    #[test]
    fn c04_a_url_lives_for_60_to_300_seconds() {
        for seconds in [60, 61, 299, 300] {
            let wish = wish(&format!(r#"{{"ttl_seconds":{seconds}}}"#)).expect("a wish");
            assert_eq!(wish.ttl, Some(Duration::from_secs(seconds)));
        }
        for seconds in ["0", "59", "301", "-60", "18446744073709551616"] {
            let detail = wish(&format!(r#"{{"ttl_seconds":{seconds}}}"#)).err().expect("a problem");
            assert!(detail.starts_with("ttl_seconds: "), "{detail}");
        }
    }

    #[test]
    fn without_a_wish_it_is_an_attachment() {
        for body in ["", "{}", r#"{"disposition":"attachment"}"#] {
            let wish = wish(body).expect("a wish");
            assert!(wish.ttl.is_none() && wish.disposition == Disposition::Attachment, "{body}");
        }
        assert!(
            wish(r#"{"disposition":"inline"}"#).is_ok_and(|wish| wish.disposition == Disposition::Inline)
        );
        let detail = wish(r#"{"disposition":"open"}"#).err().expect("a problem");
        assert_eq!(detail, r#"disposition: must be "attachment" or "inline""#);
    }
}
