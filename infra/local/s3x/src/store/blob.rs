//! Files of objects: written once, hashed on the way, never changed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use md5::Md5;
use s3s::{S3Result, dto::StreamingBlob, s3_error};
use sha2::{Digest, Sha256};
use std::{
    io::{self, SeekFrom},
    path::{Path, PathBuf},
};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufWriter},
};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

/// A complete file that the index does not name yet. Dropping it removes the file.
pub(crate) struct Blob {
    path: PathBuf,
    pub(crate) name: String,
    pub(crate) size: u64,
    /// MD5 in hex.
    pub(crate) md5: String,
    /// SHA-256 in base64.
    pub(crate) sha256: String,
    kept: bool,
}

impl Blob {
    /// The index names it now.
    pub(crate) fn keep(mut self) -> String {
        self.kept = true;
        self.name.clone()
    }

    /// Fails with `BadDigest` unless the checksums are those that were sent, both in base64.
    pub(crate) fn check(&self, md5: Option<&str>, sha256: Option<&str>) -> S3Result<()> {
        let own = hex::decode(&self.md5).map(|bytes| STANDARD.encode(bytes)).unwrap_or_default();
        if md5.is_some_and(|sent| sent != own) {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
        if sha256.is_some_and(|sent| sent != self.sha256) {
            return Err(s3_error!(
                BadDigest,
                "The SHA256 you specified did not match the calculated checksum."
            ));
        }
        Ok(())
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        if !self.kept {
            // If this fails, the next start removes it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Writes a stream to a new file in `folder`.
pub(crate) async fn write<E>(
    folder: &Path,
    mut chunks: impl Stream<Item = Result<Bytes, E>> + Unpin,
    failed: impl Fn(E) -> s3s::S3Error,
) -> S3Result<Blob> {
    let name = Uuid::new_v4().simple().to_string();
    let mut blob = Blob {
        path: folder.join(&name),
        name,
        size: 0,
        md5: String::new(),
        sha256: String::new(),
        kept: false,
    };
    let mut file = BufWriter::with_capacity(1 << 18, File::create_new(&blob.path).await.map_err(internal)?);
    let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(&failed)?;
        md5.update(&chunk);
        sha256.update(&chunk);
        blob.size += chunk.len() as u64;
        file.write_all(&chunk).await.map_err(internal)?;
    }
    file.flush().await.map_err(internal)?;
    blob.md5 = hex::encode(md5.finalize());
    blob.sha256 = STANDARD.encode(sha256.finalize());
    Ok(blob)
}

/// Writes a request body to a new file.
pub(crate) async fn receive(folder: &Path, body: Option<StreamingBlob>) -> S3Result<Blob> {
    let failed = |error: s3s::StdError| match error.downcast_ref::<s3s::S3Error>() {
        Some(error) => s3s::S3Error::new(error.code().clone()),
        None => s3_error!(IncompleteBody),
    };
    match body {
        Some(body) => write(folder, body, failed).await,
        None => write(folder, futures::stream::empty(), failed).await,
    }
}

/// A piece of a file, as a stream.
pub(crate) async fn read(path: &Path, start: u64, length: u64) -> S3Result<StreamingBlob> {
    let mut file = File::open(path).await.map_err(internal)?;
    file.seek(SeekFrom::Start(start)).await.map_err(internal)?;
    Ok(StreamingBlob::wrap(ReaderStream::with_capacity(file.take(length), 1 << 17)))
}

/// The same content under another name, without a copy where the file system can.
pub(crate) fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::hard_link(from, to).or_else(|_| std::fs::copy(from, to).map(drop))
}

fn internal(error: io::Error) -> s3s::S3Error {
    s3s::S3Error::internal_error(error)
}
