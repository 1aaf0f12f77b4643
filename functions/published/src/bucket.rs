//! The published bucket: signing one GET from it, and removing from it.

use crate::{PublishedKey, attachment};
use airlock_aws::{
    CallError, Fault, OnlyConnect,
    setting::{SettingError, required},
};
use airlock_objects::{file_name::FileName, signed_url::SignedUrl};
use aws_config::SdkConfig;
use aws_sdk_s3::{
    Client, Config,
    config::retry::RetryConfig,
    error::DisplayErrorContext,
    presigning::{PresigningConfig, PresigningConfigError},
};
use std::time::Duration;

/// The bucket and the client that reaches it.
#[derive(Clone, Debug)]
pub struct Published {
    client: Client,
    bucket: String,
}

/// Why the published bucket did not answer.
#[derive(Debug, thiserror::Error)]
pub enum PublishedError {
    /// S3 did not do what it was asked.
    #[error("the published bucket cannot be reached")]
    Call(#[from] CallError),
    /// No URL could be signed.
    #[error("a download URL could not be signed: {0}")]
    Signing(String),
}

impl Fault for PublishedError {
    fn is_outage(&self) -> bool {
        match self {
            Self::Call(error) => error.is_outage(),
            Self::Signing(_) => false,
        }
    }
}

impl From<PresigningConfigError> for PublishedError {
    fn from(error: PresigningConfigError) -> Self {
        Self::Signing(error.to_string())
    }
}

/// How an object is served through one URL.
#[derive(Clone, Copy, Debug)]
pub struct GetTerms<'a> {
    /// The name it is saved under.
    pub file_name: &'a FileName,
    /// The media type it is served as.
    pub content_type: &'a str,
    /// How long a request may start with the URL.
    pub ttl: Duration,
}

impl Published {
    /// The published objects in `bucket`.
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// The bucket in `PUBLISHED_BUCKET`, with its connection open.
    ///
    /// # Errors
    /// [`SettingError`] when the variable is not set.
    pub async fn connect(aws: &SdkConfig) -> Result<Self, SettingError> {
        let published = Self::new(Client::new(aws), required("PUBLISHED_BUCKET")?);
        let call = published.client.head_bucket().bucket(&published.bucket).customize();
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let _refusal = call.interceptor(OnlyConnect).config_override(once).send().await;
        Ok(published)
    }

    /// Signs one GET, as an attachment that no cache keeps. No call; signing is local.
    ///
    /// S3 can override these headers on a signed GET, but not add `nosniff`: that takes the CDN.
    ///
    /// # Errors
    /// [`PublishedError::Signing`] when there are no credentials to sign with.
    pub async fn sign_get(
        &self,
        key: &PublishedKey,
        terms: GetTerms<'_>,
    ) -> Result<SignedUrl, PublishedError> {
        let signed = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .response_content_disposition(attachment(terms.file_name))
            .response_content_type(terms.content_type)
            .response_cache_control("private, no-store")
            .presigned(PresigningConfig::expires_in(terms.ttl)?)
            .await
            .map_err(|error| PublishedError::Signing(DisplayErrorContext(error).to_string()))?;
        Ok(SignedUrl::new(signed.uri()))
    }

    /// Removes an object, if it is there. One call: DeleteObject.
    ///
    /// # Errors
    /// [`PublishedError::Call`] when S3 does not answer.
    pub async fn remove(&self, key: &PublishedKey) -> Result<(), PublishedError> {
        self.client
            .delete_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .send()
            .await
            .map_err(CallError::from)?;
        Ok(())
    }

    /// The name of the bucket, which the scan copies into.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }
}
