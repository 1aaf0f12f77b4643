//! What is to be uploaded: a file, or bytes in memory, with all that a declaration says of it.

use super::ClientError;
use airlock_content::media_types;
use futures::stream;
use reqwest::Body;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use tokio::{fs::File, io::AsyncReadExt};

/// How much is read at a time, in bytes.
const CHUNK: usize = 128 * 1024;

/// Something to upload.
#[derive(Debug)]
pub(crate) struct Source {
    /// The name, without folders.
    pub(crate) file_name: String,
    /// The media type, guessed from the name.
    pub(crate) content_type: &'static str,
    /// The size, in bytes.
    pub(crate) size: u64,
    /// SHA-256 of the content, in lower-case hex.
    pub(crate) sha256: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    File(PathBuf),
    Memory(Vec<u8>),
}

impl Source {
    /// Reads the file once for its size and SHA-256; `progress` is told how many bytes each time.
    ///
    /// # Errors
    /// [`ClientError::Unreadable`] when it cannot be read.
    pub(crate) async fn file(path: &Path, progress: impl Fn(u64)) -> Result<Self, ClientError> {
        let failed = |source| ClientError::Unreadable { path: path.to_owned(), source };
        let name = path.file_name().ok_or_else(|| failed(std::io::ErrorKind::IsADirectory.into()))?;
        let mut file = File::open(path).await.map_err(failed)?;
        let mut hash = Sha256::new();
        let mut size = 0;
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = file.read(&mut chunk).await.map_err(failed)?;
            if read == 0 {
                break;
            }
            hash.update(&chunk[..read]);
            size += read as u64;
            progress(read as u64);
        }
        let file_name = name.to_string_lossy().into_owned();
        Ok(Self {
            content_type: content_type(&file_name),
            file_name,
            size,
            sha256: hex::encode(hash.finalize()),
            content: Content::File(path.to_owned()),
        })
    }

    /// Takes bytes as the content of a file.
    pub(crate) fn memory(file_name: &str, bytes: Vec<u8>) -> Self {
        Self {
            file_name: file_name.to_owned(),
            content_type: content_type(file_name),
            size: bytes.len() as u64,
            sha256: hex::encode(Sha256::digest(&bytes)),
            content: Content::Memory(bytes),
        }
    }

    /// The content as a request's body; `progress` is told how many bytes each time.
    ///
    /// # Errors
    /// [`ClientError::Unreadable`] when the file cannot be opened any more.
    pub(super) async fn body(
        &self,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<Body, ClientError> {
        match &self.content {
            Content::Memory(bytes) => {
                progress(self.size);
                Ok(bytes.clone().into())
            }
            Content::File(path) => {
                let file = File::open(path)
                    .await
                    .map_err(|source| ClientError::Unreadable { path: path.clone(), source })?;
                // No more than was declared, should the file grow meanwhile.
                let chunks =
                    stream::try_unfold((file.take(self.size), progress), |(mut file, progress)| async {
                        let mut chunk = vec![0; CHUNK];
                        let read = file.read(&mut chunk).await?;
                        chunk.truncate(read);
                        progress(read as u64);
                        Ok::<_, std::io::Error>((read > 0).then_some((chunk, (file, progress))))
                    });
                Ok(Body::wrap_stream(chunks))
            }
        }
    }
}

/// The media type that a file of this name usually has. What is not known is declared as bytes of
/// no type, and it is the API that says no.
fn content_type(file_name: &str) -> &'static str {
    media_types::extension(file_name)
        .and_then(|found| {
            media_types::DEFAULT.iter().find(|known| known.extensions.contains(&found.as_str()))
        })
        .map_or("application/octet-stream", |known| known.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    #[test]
    fn the_extension_says_the_type() {
        for (name, expected) in [
            ("report.PDF", "application/pdf"),
            ("photo.jpeg", "image/jpeg"),
            ("backup.tar.gz", "application/gzip"),
            ("notes.md", "text/markdown"),
            ("letter.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("page.html", "application/octet-stream"),
            ("README", "application/octet-stream"),
            (".pdf", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn a_file_and_the_same_bytes_are_declared_alike() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("large.csv");
        let bytes = vec![b'7'; CHUNK * 2 + 5];
        std::fs::write(&path, &bytes)?;
        let told = Arc::new(AtomicU64::new(0));
        let file = Source::file(&path, |read| {
            told.fetch_add(read, Ordering::Relaxed);
        })
        .await?;
        let memory = Source::memory("large.csv", bytes.clone());
        assert_eq!(
            (&file.file_name, file.content_type, file.size),
            (&memory.file_name, "text/csv", memory.size)
        );
        assert_eq!(file.sha256, memory.sha256);
        assert_eq!(told.load(Ordering::Relaxed), file.size);
        Ok(())
    }

    #[tokio::test]
    async fn a_folder_is_not_a_file() {
        let folder = Source::file(Path::new("."), |_| ()).await;
        assert!(matches!(folder, Err(ClientError::Unreadable { .. })));
    }
}
