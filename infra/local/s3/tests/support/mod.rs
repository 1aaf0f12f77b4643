//! A running S3 in a temporary folder, and clients of it.

use airlock_local_access::{Access, Credentials, Principal, REGION};
use airlock_local_s3::{BucketSettings, ObjectCreated, S3};
use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials as SdkCredentials, Region, retry::RetryConfig},
    error::{ProvideErrorMetadata, SdkError},
    presigning::{PresignedRequest, PresigningConfig},
};
use std::{path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::mpsc::UnboundedReceiver};

pub const BUCKET: &str = "quarantine";
/// The checksum of `hello`, as S3 spells it.
pub const SHA256_HELLO: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

/// A bucket that keeps versions.
pub fn versioned() -> BucketSettings {
    BucketSettings { versioned: true, ..BucketSettings::default() }
}

/// A refusal, as [`refused`] answers it.
pub fn error(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

pub struct Running {
    pub s3: S3,
    pub access: Arc<Access>,
    pub created: UnboundedReceiver<ObjectCreated>,
    pub client: Client,
    pub http: reqwest::Client,
    pub data: TempDir,
}

impl Running {
    /// With one bucket.
    pub async fn start(settings: BucketSettings) -> Self {
        let running = Self::start_in(TempDir::new().unwrap()).await;
        running.s3.put_bucket(BUCKET, settings).unwrap();
        running
    }

    /// With what is in a folder.
    pub async fn start_in(data: TempDir) -> Self {
        let access = Access::new();
        let credentials = access.issue(Principal::Function("Test".to_owned()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (s3, created) = S3::start(listener, data.path().to_owned(), access.clone()).await.unwrap();
        let client = client(&s3.endpoint(), &credentials);
        Self { s3, access, created, client, http: reqwest::Client::new(), data }
    }

    /// Stops, and starts again with the same folder.
    pub async fn restart(self) -> Self {
        let data = self.data;
        drop((self.s3, self.client, self.http));
        Self::start_in(data).await
    }

    pub async fn put(&self, key: &str, body: &'static [u8]) -> Option<String> {
        let put = self.client.put_object().bucket(BUCKET).key(key).body(body.to_vec().into());
        put.send().await.unwrap().version_id
    }

    /// `None` when there is no such object.
    pub async fn get(&self, key: &str) -> Option<Vec<u8>> {
        match self.client.get_object().bucket(BUCKET).key(key).send().await {
            Ok(found) => Some(found.body.collect().await.unwrap().to_vec()),
            Err(error) if error.code() == Some("NoSuchKey") => None,
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Sends a presigned request as it is, with more headers.
    pub async fn send(
        &self,
        request: &PresignedRequest,
        body: &[u8],
        more: &[(&str, &str)],
    ) -> (u16, String) {
        let method = request.method().parse().unwrap();
        let mut sent = self.http.request(method, request.uri()).body(body.to_vec());
        for (name, value) in request.headers().chain(more.iter().copied()) {
            sent = sent.header(name, value);
        }
        read(sent.send().await.unwrap()).await
    }
}

/// The status, and the code of the error if there is one.
pub async fn read(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    (status, code.map(|(code, _)| code.to_owned()).unwrap_or_default())
}

pub fn client(endpoint: &str, credentials: &Credentials) -> Client {
    let secret = credentials.secret_access_key.expose();
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .retry_config(RetryConfig::disabled())
        .credentials_provider(SdkCredentials::new(&credentials.access_key_id, secret, None, None, "test"))
        .build();
    Client::from_conf(config)
}

pub fn for_five_minutes() -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(300)).unwrap()
}

/// The status and code of an answer that must be an error.
pub fn refused<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, SdkError<E>>,
) -> (u16, String) {
    let error = result.unwrap_err();
    let status = error.raw_response().unwrap_or_else(|| panic!("{error:?}")).status().as_u16();
    (status, error.code().unwrap_or_default().to_owned())
}

/// How many files are below a folder.
pub fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}
