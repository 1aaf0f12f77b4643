//! The quarantine bucket: signing one PUT into it, looking at what arrived, and closing a key for good.

use crate::{HeldKey, QuarantineKey};
use airlock_aws::{
    CallError, Fault, OnlyConnect,
    setting::{SettingError, required},
};
use airlock_objects::{checksum::Sha256, record::Pin, signed_url::SignedUrl};
use aws_config::SdkConfig;
use aws_sdk_s3::{
    Client, Config,
    config::retry::RetryConfig,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    presigning::{PresigningConfig, PresigningConfigError},
    types::ChecksumMode,
};
use std::{collections::BTreeMap, time::Duration};

/// The bucket and the client that reaches it.
#[derive(Clone, Debug)]
pub struct Quarantine {
    client: Client,
    bucket: String,
}

/// Why quarantine did not answer.
#[derive(Debug, thiserror::Error)]
pub enum QuarantineError {
    /// S3 did not do what it was asked.
    #[error("the quarantine bucket cannot be reached")]
    Call(#[from] CallError),
    /// No URL could be signed.
    #[error("an upload URL could not be signed: {0}")]
    Signing(String),
    /// S3 answered without something it always answers.
    #[error("the quarantine bucket answered without {0}")]
    Incomplete(&'static str),
}

impl Fault for QuarantineError {
    fn is_outage(&self) -> bool {
        match self {
            Self::Call(error) => error.is_outage(),
            Self::Signing(_) | Self::Incomplete(_) => false,
        }
    }
}

impl From<PresigningConfigError> for QuarantineError {
    fn from(error: PresigningConfigError) -> Self {
        Self::Signing(error.to_string())
    }
}

/// Everything that an upload URL is bound to.
#[derive(Clone, Debug)]
pub struct PutTerms<'a> {
    /// The exact length of the body, in bytes.
    pub size: u64,
    /// The exact `content-type`.
    pub content_type: &'a str,
    /// The checksum that S3 verifies, if the client declared one.
    pub sha256: Option<Sha256>,
    /// How long a request may start with the URL.
    pub ttl: Duration,
}

/// A signed upload: the URL, and the headers that must be sent exactly so.
#[derive(Clone, Debug)]
pub struct SignedPut {
    /// Where to PUT.
    pub url: SignedUrl,
    /// What to send. `host` and `content-length` are signed as well; every HTTP client sends those
    /// by itself, and browsers allow nobody to set them.
    pub headers: BTreeMap<String, String>,
}

/// What lies in quarantine under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its identity.
    pub pin: Pin,
    /// Its length, in bytes.
    pub size: u64,
    /// Its `content-type`.
    pub content_type: Option<String>,
    /// Its checksum, as S3 verified it on arrival.
    pub sha256: Option<Sha256>,
}

impl Quarantine {
    /// Quarantine in `bucket`.
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// The bucket in `QUARANTINE_BUCKET`, with its connection open.
    ///
    /// # Errors
    /// [`SettingError`] when the variable is not set.
    pub async fn connect(aws: &SdkConfig) -> Result<Self, SettingError> {
        let quarantine = Self::new(Client::new(aws), required("QUARANTINE_BUCKET")?);
        quarantine.open().await;
        Ok(quarantine)
    }

    async fn open(&self) {
        let call = self.client.head_bucket().bucket(&self.bucket).customize();
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let _refusal = call.interceptor(OnlyConnect).config_override(once).send().await;
    }

    /// Signs the one PUT that `terms` allow. It works once: `if-none-match: *` is part of the
    /// signature (S3 conditional writes). No call; signing is local.
    ///
    /// # Errors
    /// [`QuarantineError::Signing`] when there are no credentials to sign with.
    pub async fn sign_put(
        &self,
        key: &QuarantineKey,
        terms: PutTerms<'_>,
    ) -> Result<SignedPut, QuarantineError> {
        let length = i64::try_from(terms.size)
            .map_err(|_| QuarantineError::Signing("the size is out of range".to_owned()))?;
        let signed = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .content_length(length)
            .content_type(terms.content_type)
            .if_none_match("*")
            .set_checksum_sha256(terms.sha256.map(Sha256::to_base64))
            .metadata("tenant-id", key.object().tenant.as_str())
            .metadata("upload-id", key.object().id.to_string())
            .presigned(PresigningConfig::expires_in(terms.ttl)?)
            .await
            .map_err(|error| QuarantineError::Signing(DisplayErrorContext(error).to_string()))?;
        let names = signed_headers(signed.uri());
        let headers = signed
            .headers()
            // The SDK adds headers of its own, such as a trace id, that are not part of the signature.
            .filter(|(name, _)| names.contains(name) && !matches!(*name, "host" | "content-length"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(SignedPut { url: SignedUrl::new(signed.uri()), headers })
    }

    /// Looks at what lies under `key`; `None` if nothing does. One call: HeadObject.
    ///
    /// # Errors
    /// [`QuarantineError`] when S3 does not answer.
    pub async fn head(&self, key: &QuarantineKey) -> Result<Option<Found>, QuarantineError> {
        let sent = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await;
        let head = match sent {
            Ok(head) => head,
            // A HEAD has no body, so S3 tells an absent object by status alone.
            Err(error) if is_status(&error, &[404]) => return Ok(None),
            Err(error) => return Err(CallError::from(error).into()),
        };
        let etag = head.e_tag.ok_or(QuarantineError::Incomplete("an ETag"))?;
        let size = head.content_length.and_then(|length| u64::try_from(length).ok());
        Ok(Some(Found {
            pin: Pin { etag, version_id: head.version_id },
            size: size.ok_or(QuarantineError::Incomplete("a length"))?,
            content_type: head.content_type,
            sha256: head.checksum_sha256.as_deref().and_then(|sum| Sha256::from_base64(sum).ok()),
        }))
    }

    /// Removes the object `pin` that lies under `key`, and closes the key: an empty object takes its place, so
    /// that the key's URL, as long as it lives, meets an object and is refused (`If-None-Match: *` passes where
    /// nothing is, and over a delete marker: S3 User Guide, "Conditional writes"). The bucket's lifecycle removes
    /// the empty object. Calls: PutObject, and in a versioned bucket DeleteObject of the very version.
    ///
    /// # Errors
    /// [`QuarantineError`] when S3 does not answer.
    pub async fn close(&self, key: &QuarantineKey, pin: &Pin) -> Result<(), QuarantineError> {
        let closed = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            // Only in the place of this object: neither twice nor where a lifecycle was faster.
            .if_match(&pin.etag)
            .content_length(0)
            .send()
            .await;
        if let Err(error) = closed
            && !is_status(&error, &[404, 412])
        {
            return Err(CallError::from(error).into());
        }
        let Some(version_id) = &pin.version_id else { return Ok(()) };
        self.client
            .delete_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .version_id(version_id)
            .send()
            .await
            .map_err(CallError::from)?;
        Ok(())
    }

    /// Removes what is held under `key`: for good if its version is named, otherwise the bucket's lifecycle ends
    /// what is then no longer current. One call: DeleteObject.
    ///
    /// # Errors
    /// [`QuarantineError`] when S3 does not answer.
    pub async fn let_go(&self, key: &HeldKey, version_id: Option<&str>) -> Result<(), QuarantineError> {
        self.client
            .delete_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .set_version_id(version_id.map(str::to_owned))
            .send()
            .await
            .map_err(CallError::from)?;
        Ok(())
    }

    /// The name of the bucket, which the scan reads from.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }
}

/// The names in `X-Amz-SignedHeaders` of a pre-signed URL (Signature Version 4, query parameters).
fn signed_headers(url: &str) -> Vec<&str> {
    let value = url.split(['?', '&']).find_map(|parameter| parameter.strip_prefix("X-Amz-SignedHeaders="));
    value.unwrap_or_default().split("%3B").collect()
}

fn is_status<E: ProvideErrorMetadata>(error: &SdkError<E>, statuses: &[u16]) -> bool {
    error.raw_response().is_some_and(|response| statuses.contains(&response.status().as_u16()))
}

#[cfg(test)]
mod tests;
