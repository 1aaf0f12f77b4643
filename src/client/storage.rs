//! The two requests that go straight to storage, past the API, each with a pre-signed URL. No
//! error of theirs shows the URL.

use super::{
    Client, ClientError,
    answer::{DownloadUrl, SignedPut},
    content_disposition::{self, ContentDisposition},
    patiently,
    source::Source,
};
use airlock_objects::signed_url::SignedUrl;
use reqwest::{RequestBuilder, Response, StatusCode, Url, header};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::timeout;

/// How long storage may send nothing in the middle of a download.
const STALL: Duration = Duration::from_secs(60);

/// A download that has begun.
#[derive(Debug)]
pub(crate) struct Download {
    response: Response,
    host: String,
}

impl Client {
    /// PUTs `source` where `signed` says; `progress` is told how many bytes each time.
    ///
    /// # Errors
    /// [`ClientError::Storage`] when storage refuses: 412 when the URL was used before, 400 when
    /// the bytes are not those that were declared, 403 when the URL is too old.
    pub(crate) async fn put(
        &self,
        signed: &SignedPut,
        source: &Source,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<(), ClientError> {
        let (url, host) = target(&signed.url)?;
        let request =
            self.http.put(url).header(header::CONTENT_LENGTH, source.size).body(source.body(progress).await?);
        accepted(with(request, &signed.headers), &host).await.map(drop)
    }

    /// GETs what `signed` says; a connection that fails is tried again.
    ///
    /// # Errors
    /// [`ClientError::Storage`] when storage refuses.
    pub(crate) async fn get(&self, signed: &DownloadUrl) -> Result<Download, ClientError> {
        let (url, host) = target(&signed.url)?;
        let get = || accepted(with(self.http.get(url.clone()), &signed.headers), &host);
        let response = patiently(get).await?;
        Ok(Download { response, host })
    }
}

impl Download {
    /// How to save it.
    pub(crate) fn disposition(&self) -> Option<ContentDisposition> {
        let value = self.response.headers().get(header::CONTENT_DISPOSITION)?;
        content_disposition::parse(value.to_str().ok()?)
    }

    /// The next bytes, or none at the end.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when the connection breaks, or nothing comes for a minute.
    pub(crate) async fn chunk(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, ClientError> {
        match timeout(STALL, self.response.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| ClientError::unreachable(&self.host, &error)),
            Err(_) => Err(ClientError::Unreachable {
                who: self.host.clone(),
                why: format!("nothing came for {} seconds", STALL.as_secs()),
            }),
        }
    }
}

impl SignedPut {
    /// How long the URL lives, in seconds.
    pub(crate) fn lifetime_seconds(&self) -> Option<u64> {
        lifetime_seconds(&self.url)
    }
}

impl DownloadUrl {
    /// How long the URL lives, in seconds.
    pub(crate) fn lifetime_seconds(&self) -> Option<u64> {
        lifetime_seconds(&self.url)
    }
}

/// `X-Amz-Expires` of a URL signed with Signature Version 4.
fn lifetime_seconds(url: &SignedUrl) -> Option<u64> {
    let url = Url::parse(url.reveal()).ok()?;
    let found = url.query_pairs().find(|(name, _)| name == "X-Amz-Expires");
    found.and_then(|(_, value)| value.parse().ok())
}

/// The URL, and the part of it that may be shown.
fn target(url: &SignedUrl) -> Result<(Url, String), ClientError> {
    let url = Url::parse(url.reveal()).map_err(|why| ClientError::Unreachable {
        who: "storage".to_owned(),
        why: format!("the signed URL is not one: {why}"),
    })?;
    let host = url.origin().ascii_serialization();
    Ok((url, host))
}

fn with(request: RequestBuilder, headers: &BTreeMap<String, String>) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(name, value))
}

async fn accepted(request: RequestBuilder, host: &str) -> Result<Response, ClientError> {
    let response = request.send().await.map_err(|error| ClientError::unreachable(host, &error))?;
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(response);
    }
    let body = response.text().await.unwrap_or_default();
    Err(ClientError::Storage { status, code: error_code(&body).to_owned() })
}

/// The `Code` of an S3 error document. The rest of it can repeat what was signed, and is dropped.
fn error_code(body: &str) -> &str {
    let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let is_code = |text: &&str| text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    code.map(|(code, _)| code).filter(is_code).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c06_an_error_of_storage_is_its_code_alone() {
        let body = "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>X-Amz-Credential=AK</StringToSign></Error>";
        assert_eq!(error_code(body), "SignatureDoesNotMatch");
        for body in ["", "<Code>", "<Code>a b</Code>", "<html>"] {
            assert_eq!(error_code(body), "", "{body}");
        }
    }

    #[test]
    fn c04_the_lifetime_stands_in_the_url() {
        let seconds = |url: &str| lifetime_seconds(&SignedUrl::new(url));
        assert_eq!(seconds("https://b/k?X-Amz-Date=1&X-Amz-Expires=120&X-Amz-Signature=a"), Some(120));
        assert_eq!(seconds("https://b/k"), None);
    }
}
