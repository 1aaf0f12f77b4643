//! Reads exactly the bytes that are meant, in parallel pieces, hashing them on the way to where
//! nobody can change them any more.

use airlock_jail::{Draft, Sealed};
use airlock_objects::checksum::Sha256;
use aws_sdk_s3::{
    Client, error::SdkError, operation::get_object::GetObjectError, primitives::ByteStreamError,
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use sha2::Digest;
use std::io::{self, Write};

/// How much one request asks for. An object of at most this size is one request.
const PIECE: u64 = 8 << 20;
/// How many requests are under way at a time; their pieces are all that is ever held in memory.
const PARALLEL: usize = 4;

/// Which bytes.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    /// The bucket.
    pub(crate) bucket: &'a str,
    /// The key in it.
    pub(crate) key: String,
    /// The entity tag that every piece must have.
    pub(crate) etag: &'a str,
    /// The version, if the bucket keeps versions.
    pub(crate) version_id: Option<&'a str>,
    /// The size, in bytes.
    pub(crate) size: u64,
}

/// An object on this machine.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// Its bytes.
    pub(crate) object: Sealed,
    /// Their checksum.
    pub(crate) sha256: Sha256,
}

/// Why the bytes could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// There is nothing under the key, or something else than what is meant.
    #[error("what was finalized is not there any more")]
    Gone,
    /// S3 refused or could not be reached.
    #[error("the bucket could not be read")]
    Unavailable(#[source] Box<aws_sdk_s3::Error>),
    /// The connection broke.
    #[error("the object could not be read to its end")]
    Broken(#[from] ByteStreamError),
    /// It could not be kept.
    #[error("there is no room for the object")]
    NoRoom(#[from] io::Error),
}

impl From<SdkError<GetObjectError>> for FetchError {
    fn from(error: SdkError<GetObjectError>) -> Self {
        match error.raw_response().map(|response| response.status().as_u16()) {
            Some(404 | 412 | 416) => Self::Gone,
            _ => Self::Unavailable(Box::new(error.into())),
        }
    }
}

/// Fetches an object. Calls: one GetObject with `If-Match` for each 8 MiB begun.
pub(crate) async fn fetch(client: &Client, source: &Source<'_>) -> Result<Fetched, FetchError> {
    let starts = (0..source.size.max(1)).step_by(PIECE as usize);
    let mut pieces = stream::iter(starts).map(|start| piece(client, source, start)).buffered(PARALLEL);
    let mut draft = Draft::new(source.size)?;
    let mut hash = sha2::Sha256::new();
    while let Some(bytes) = pieces.try_next().await? {
        hash.update(&bytes);
        draft.write_all(&bytes)?;
    }
    Ok(Fetched { object: draft.seal()?, sha256: Sha256::from(<[u8; 32]>::from(hash.finalize())) })
}

/// The bytes from `start` on, at most [`PIECE`] of them.
async fn piece(client: &Client, source: &Source<'_>, start: u64) -> Result<Bytes, FetchError> {
    let end = source.size.min(start + PIECE);
    // A range of an empty object does not exist, and one of a whole object says nothing.
    let range = (source.size > PIECE).then(|| format!("bytes={start}-{}", end - 1));
    let answer = client
        .get_object()
        .bucket(source.bucket)
        .key(&source.key)
        .if_match(source.etag)
        .set_version_id(source.version_id.map(str::to_owned))
        .set_range(range)
        .send()
        .await?;
    let bytes = answer.body.collect().await?.into_bytes();
    if bytes.len() as u64 == end - start { Ok(bytes) } else { Err(FetchError::Gone) }
}
