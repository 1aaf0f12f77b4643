//! A typed client of the Airlock API: one method per call of the HTTP contract, plus the two that
//! go straight to storage with a pre-signed URL ([`storage`]).
//!
//! What can be asked twice without harm is asked again when the connection fails ([`patiently`]).

pub(crate) mod answer;
pub(crate) mod content_disposition;
pub(crate) mod error;
pub(crate) mod issuer;
pub(crate) mod local;
pub(crate) mod poll;
pub(crate) mod rescan;
pub(crate) mod source;
pub(crate) mod storage;

use answer::{DownloadUrl, Finalized, ObjectPage, Opened, Record};
pub(crate) use error::ClientError;
use reqwest::{Method, RequestBuilder, Response, Url, redirect};
use serde::de::DeserializeOwned;
use source::Source;
use std::{fmt, str::FromStr, time::Duration};

/// The API that commands talk to unless told otherwise: the local stack's.
pub(crate) const DEFAULT_API: &str = "http://127.0.0.1:8787";

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one call may take; API Gateway gives up after 30 s.
const CALL_TIMEOUT: Duration = Duration::from_secs(35);
/// How often a call is tried.
const TRIES: u32 = 4;
/// The pause after the first try; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// How many objects a page of the list has: the most that the API gives.
const PAGE: &str = "200";

/// The base URL of an API.
#[derive(Clone, Debug)]
pub(crate) struct ApiUrl(Url);

impl FromStr for ApiUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|why| why.to_string())?;
        if matches!(url.scheme(), "http" | "https") && url.has_host() {
            Ok(Self(url))
        } else {
            Err("must start with http:// or https://".to_owned())
        }
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl ApiUrl {
    /// The port, if this is on this machine.
    fn loopback_port(&self) -> Option<u16> {
        let loopback = matches!(self.0.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        self.0.port_or_known_default().filter(|_| loopback)
    }

    /// The URL of a path below the API. A segment is one segment, whatever characters are in it.
    fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

/// A bearer token. It has no `Display`, and `Debug` hides it.
#[derive(Clone)]
pub(crate) struct Token(String);

impl FromStr for Token {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        // RFC 6750, section 2.1.
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if !text.is_empty() && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(
                "what is given as a token is none: a token is letters, digits and -._~+/=, without \"Bearer\" and line ends",
            )
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// An API, and who asks it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    api: ApiUrl,
    token: Token,
}

impl Client {
    /// A client of `api` that shows `token`.
    ///
    /// # Errors
    /// [`ClientError::Unusable`] when this machine has no way to verify TLS certificates.
    pub(crate) fn new(api: ApiUrl, token: Token) -> Result<Self, ClientError> {
        Ok(Self { http: connect(&api)?, api, token })
    }

    /// `POST /uploads`: opens an upload of `source`. Asked once; the same key with the same file is the same
    /// upload, with a fresh URL.
    pub(crate) async fn create_upload(&self, source: &Source, key: &str) -> Result<Opened, ClientError> {
        let request = self.request(Method::POST, &["uploads"]);
        ask_once(request.header("idempotency-key", key).json(&source.declaration()), &self.api).await
    }

    /// `POST /uploads/{upload_id}/finalize`: harmless to repeat.
    pub(crate) async fn finalize(&self, upload_id: &str) -> Result<Finalized, ClientError> {
        self.ask(|| self.request(Method::POST, &["uploads", upload_id, "finalize"])).await
    }

    /// `GET /uploads/{upload_id}`.
    pub(crate) async fn upload(&self, upload_id: &str) -> Result<Record, ClientError> {
        self.ask(|| self.request(Method::GET, &["uploads", upload_id])).await
    }

    /// `GET /objects`: one page, newest first, from `cursor` on.
    pub(crate) async fn objects(&self, cursor: Option<&str>) -> Result<ObjectPage, ClientError> {
        let cursor = cursor.map(|cursor| ("cursor", cursor));
        self.ask(|| {
            self.request(Method::GET, &["objects"]).query(&[("limit", PAGE)]).query(cursor.as_slice())
        })
        .await
    }

    /// `GET /objects/{object_id}`.
    pub(crate) async fn object(&self, object_id: &str) -> Result<Record, ClientError> {
        self.ask(|| self.request(Method::GET, &["objects", object_id])).await
    }

    /// `POST /objects/{object_id}/download-url`: a short-lived URL for one GET.
    pub(crate) async fn download_url(&self, object_id: &str) -> Result<DownloadUrl, ClientError> {
        self.ask(|| self.request(Method::POST, &["objects", object_id, "download-url"])).await
    }

    /// `DELETE /objects/{object_id}`. Asked once: a second DELETE of the same object is a 404.
    pub(crate) async fn delete(&self, object_id: &str) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &["objects", object_id]);
        let answer = send(request, &self.api).await?;
        match answer.status() {
            reqwest::StatusCode::NO_CONTENT => Ok(()),
            status => {
                let message = "which is no answer to a DELETE".to_owned();
                Err(ClientError::Unexpected { who: self.api.to_string(), status, message })
            }
        }
    }

    fn request(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        self.http.request(method, self.api.join(segments)).bearer_auth(&self.token.0).timeout(CALL_TIMEOUT)
    }

    /// Sends a request that is safe to repeat, and reads the answer.
    async fn ask<T: DeserializeOwned>(&self, request: impl Fn() -> RequestBuilder) -> Result<T, ClientError> {
        patiently(|| ask_once(request(), &self.api)).await
    }
}

/// Makes a call, and makes it again a few times while what stands in its way may pass in a moment.
pub(crate) async fn patiently<T, F>(call: impl Fn() -> F) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, ClientError>>,
{
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match call().await {
            Err(error) if error.is_transient() => tokio::time::sleep(pause).await,
            answer => return answer,
        }
        pause *= 2;
    }
    call().await
}

async fn ask_once<T: DeserializeOwned>(request: RequestBuilder, api: &ApiUrl) -> Result<T, ClientError> {
    let response = send(request, api).await?;
    let status = response.status();
    let body = response.bytes().await.map_err(|error| ClientError::unreachable(api, &error))?;
    serde_json::from_slice(&body).map_err(|why| ClientError::Unexpected {
        who: api.to_string(),
        status,
        message: why.to_string(),
    })
}

/// Sends a request once, and makes an error of everything but success.
async fn send(request: RequestBuilder, api: &ApiUrl) -> Result<Response, ClientError> {
    let response = request.send().await.map_err(|error| ClientError::unreachable(api, &error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = response.bytes().await.map_err(|error| ClientError::unreachable(api, &error))?;
    Err(ClientError::refused(api, status, &body))
}

/// An HTTP client for `api` and the storage behind it. It follows no redirect: neither ever
/// redirects, and what it carries is for them alone.
fn connect(api: &ApiUrl) -> Result<reqwest::Client, ClientError> {
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("airlock/", env!("CARGO_PKG_VERSION")));
    // No proxy leads back to this machine.
    let builder = if api.loopback_port().is_some() { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| ClientError::Unusable(error::root_cause(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_api_is_an_http_url() {
        for text in ["", "127.0.0.1:8787", "ftp://host/", "file:///etc", "http://"] {
            assert!(text.parse::<ApiUrl>().is_err(), "{text}");
        }
        let shown = |text: &str| text.parse::<ApiUrl>().map(|api| api.to_string());
        assert_eq!(shown(DEFAULT_API).as_deref(), Ok(DEFAULT_API));
        assert_eq!(shown("https://host/prod/").as_deref(), Ok("https://host/prod"));
    }

    #[test]
    fn c06_a_token_is_not_shown() {
        let token: Result<Token, _> = "abc.DEF-1".parse();
        assert_eq!(format!("{token:?}"), "Ok(Token(redacted))");
        assert!("abc\r\nx: y".parse::<Token>().is_err());
    }

    proptest! {
        #[test]
        fn an_id_stays_within_its_segment(id in any::<String>()) {
            let api: ApiUrl = "https://host/prod".parse().map_err(TestCaseError::fail)?;
            let url = api.join(&["objects", &id, "download-url"]);
            prop_assert_eq!(url.host_str(), Some("host"));
            prop_assert_eq!(url.query(), None);
            prop_assert!(url.path().starts_with("/prod/objects/"));
            prop_assert!(url.path_segments().is_some_and(|path| path.count() <= 4));
        }
    }
}
