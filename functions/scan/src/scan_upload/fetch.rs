//! Reads exactly the bytes that were finalized, hashing them on the way into a file that has no
//! name.

use super::quarantine_key;
use airlock_objects::{
    checksum::Sha256,
    record::{Pin, Record},
};
use aws_sdk_s3::{Client, error::SdkError, operation::get_object::GetObjectError};
use sha2::Digest;
use std::{
    fs::File,
    io::{self, Seek, Write},
};

/// An object on this machine.
#[derive(Debug)]
pub(super) struct Fetched {
    /// Its bytes, from the start. The file is gone when this is dropped, and when the process dies.
    pub(super) file: File,
    /// How many bytes were read.
    pub(super) size: u64,
    /// Their checksum.
    pub(super) sha256: Sha256,
}

/// Why the bytes could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// There is nothing under the key, or something else than what was finalized.
    #[error("what was finalized is not in quarantine any more")]
    Gone,
    /// S3 refused or could not be reached.
    #[error("quarantine could not be read")]
    Unavailable(#[source] Box<aws_sdk_s3::Error>),
    /// The connection broke.
    #[error("the object could not be read to its end")]
    Broken(#[from] aws_sdk_s3::primitives::ByteStreamError),
    /// The file could not be written.
    #[error("there is no room for the object")]
    Disk(#[from] io::Error),
}

impl From<SdkError<GetObjectError>> for FetchError {
    fn from(error: SdkError<GetObjectError>) -> Self {
        match error.raw_response().map(|response| response.status().as_u16()) {
            Some(404 | 412) => Self::Gone,
            _ => Self::Unavailable(Box::new(error.into())),
        }
    }
}

/// Fetches the object of `record` as `pin` identifies it. One call: GetObject with `If-Match`.
pub(super) async fn fetch(
    client: &Client,
    bucket: &str,
    record: &Record,
    pin: &Pin,
) -> Result<Fetched, FetchError> {
    let mut body = client
        .get_object()
        .bucket(bucket)
        .key(quarantine_key(record).to_string())
        .if_match(&pin.etag)
        .set_version_id(pin.version_id.clone())
        .send()
        .await?
        .body;
    let mut file = tempfile::tempfile()?;
    let mut hash = sha2::Sha256::new();
    let mut size = 0;
    while let Some(bytes) = body.try_next().await? {
        hash.update(&bytes);
        file.write_all(&bytes)?;
        size += bytes.len() as u64;
    }
    file.rewind()?;
    Ok(Fetched { file, size, sha256: Sha256::from(<[u8; 32]>::from(hash.finalize())) })
}
