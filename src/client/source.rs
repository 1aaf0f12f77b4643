//! What is to be uploaded: a file, standard input, or bytes in memory, with all that a declaration says of it.

use super::ClientError;
use airlock_content::media_types;
use clap::Args;
use futures::stream;
use reqwest::Body;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
    sync::oneshot,
};

/// How much is read at a time, in bytes.
const CHUNK: usize = 128 * 1024;
/// The path that means standard input.
const STANDARD_INPUT: &str = "-";

/// What the uploader says of an upload, by option: the fields of `POST /uploads` that are not found in the content.
/// A field that is not said is not sent.
#[derive(Clone, Debug, Default, Args, Serialize)]
pub(crate) struct Declared {
    /// Name of the upload, if it is not that of the file; standard input needs one
    #[arg(long = "name", value_name = "NAME")]
    pub(crate) file_name: Option<String>,
    /// Media type, if it is not the usual one of the file's extension
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
}

/// Something to upload.
#[derive(Debug)]
pub(crate) struct Source {
    declared: Declared,
    /// The size, in bytes.
    pub(crate) size: u64,
    /// SHA-256 of the content, in lower-case hex.
    pub(crate) sha256: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Path(PathBuf),
    /// What came from standard input, in a file without a name.
    Kept(std::fs::File),
    Memory(Vec<u8>),
}

impl Source {
    /// Reads a file once for its size and SHA-256, or standard input if `path` is `-`; `progress` is told how many
    /// bytes each time.
    ///
    /// # Errors
    /// [`ClientError::NoType`] when neither `declared` nor the name says the media type; [`ClientError::NoName`] for
    /// standard input without a name; [`ClientError::Unreadable`] when it cannot be read.
    pub(crate) async fn read(
        path: &Path,
        declared: Declared,
        progress: impl Fn(u64),
    ) -> Result<Self, ClientError> {
        let failed = |source| ClientError::Unreadable { path: path.to_owned(), source };
        let (declared, content) = if path == Path::new(STANDARD_INPUT) {
            let name = declared.file_name.clone().ok_or(ClientError::NoName)?;
            (named(declared, &name)?, Content::Kept(keep(|| Ok(io::stdin())).await.map_err(failed)?))
        } else {
            let found = tokio::fs::metadata(path).await.map_err(failed)?;
            let name = path.file_name().filter(|_| !found.is_dir());
            let name = name.ok_or_else(|| failed(io::ErrorKind::IsADirectory.into()))?;
            let declared = named(declared, &name.to_string_lossy())?;
            // What is no file, such as a pipe, can be read once only.
            let content = if found.is_file() {
                Content::Path(path.to_owned())
            } else {
                let path = path.to_owned();
                Content::Kept(keep(move || std::fs::File::open(path)).await.map_err(failed)?)
            };
            (declared, content)
        };
        let (size, sha256) = digest(content.open().await.map_err(failed)?, progress).await.map_err(failed)?;
        Ok(Self { declared, size, sha256, content })
    }

    /// Takes bytes as the content of a file.
    ///
    /// # Errors
    /// [`ClientError::NoType`] when the name does not say the media type.
    pub(crate) fn memory(file_name: &str, bytes: Vec<u8>) -> Result<Self, ClientError> {
        Ok(Self {
            declared: named(Declared::default(), file_name)?,
            size: bytes.len() as u64,
            sha256: hex::encode(Sha256::digest(&bytes)),
            content: Content::Memory(bytes),
        })
    }

    /// The name, without folders.
    pub(crate) fn file_name(&self) -> &str {
        self.declared.file_name.as_deref().unwrap_or_default()
    }

    /// The media type.
    pub(crate) fn content_type(&self) -> &str {
        self.declared.content_type.as_deref().unwrap_or_default()
    }

    /// The body of `POST /uploads`.
    pub(super) fn declaration(&self) -> Value {
        let mut body = json!(self.declared);
        body["size"] = json!(self.size);
        body["sha256"] = json!(self.sha256);
        if let Some(fields) = body.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        body
    }

    /// The content as a request's body; `progress` is told how many bytes each time.
    ///
    /// # Errors
    /// [`ClientError::Unreadable`] when the file cannot be opened any more.
    pub(super) async fn body(
        &self,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<Body, ClientError> {
        if let Content::Memory(bytes) = &self.content {
            progress(self.size);
            return Ok(bytes.clone().into());
        }
        let file = self.content.open().await;
        let file =
            file.map_err(|source| ClientError::Unreadable { path: self.file_name().into(), source })?;
        // No more than was declared, should the file grow meanwhile.
        let file = file.take(self.size);
        let chunks = stream::try_unfold((file, progress), |(mut file, progress)| async {
            let mut chunk = vec![0; CHUNK];
            let read = file.read(&mut chunk).await?;
            chunk.truncate(read);
            progress(read as u64);
            Ok::<_, io::Error>((read > 0).then_some((chunk, (file, progress))))
        });
        Ok(Body::wrap_stream(chunks))
    }
}

impl Content {
    /// The content from its beginning on; of what is in memory, nothing.
    async fn open(&self) -> io::Result<File> {
        match self {
            Self::Path(path) => File::open(path).await,
            Self::Kept(file) => {
                let mut file = File::from_std(file.try_clone()?);
                file.rewind().await?;
                Ok(file)
            }
            Self::Memory(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

/// `declared` with what the name says, unless something else is declared: the name itself, and the usual type of its
/// extension. Whether a type can be uploaded is not decided here: the API knows.
fn named(mut declared: Declared, name: &str) -> Result<Declared, ClientError> {
    let file_name = declared.file_name.take().unwrap_or_else(|| name.to_owned());
    let usual = || media_types::of_file_name(&file_name).map(|known| known.name.to_owned());
    declared.content_type = Some(declared.content_type.take().or_else(usual).ok_or(ClientError::NoType)?);
    declared.file_name = Some(file_name);
    Ok(declared)
}

/// All that `from` opens, in a file without a name. It is read in a thread that nobody waits for, as it may never end.
async fn keep<R: Read>(from: impl FnOnce() -> io::Result<R> + Send + 'static) -> io::Result<std::fs::File> {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let kept = from().and_then(|mut from| {
            let mut file = tempfile::tempfile()?;
            io::copy(&mut from, &mut file)?;
            Ok(file)
        });
        // Who asked may be gone.
        let _ = tell.send(kept);
    });
    told.await.map_err(io::Error::other)?
}

/// Reads a file to its end; answers how many bytes there were, and their SHA-256.
async fn digest(mut file: File, progress: impl Fn(u64)) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk).await?;
        if read == 0 {
            return Ok((size, hex::encode(hash.finalize())));
        }
        hash.update(&chunk[..read]);
        size += read as u64;
        progress(read as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    #[test]
    fn the_extension_says_the_type_unless_it_is_said() {
        let usual = |name: &str| named(Declared::default(), name).ok()?.content_type;
        for (name, expected) in [
            ("report.PDF", Some("application/pdf")),
            ("photo.jpeg", Some("image/jpeg")),
            ("backup.tar.gz", Some("application/gzip")),
            ("page.html", None),
            ("README", None),
            (".pdf", None),
        ] {
            assert_eq!(usual(name).as_deref(), expected, "{name}");
        }
        let html = Declared { content_type: Some("text/html".to_owned()), ..Declared::default() };
        let declared = named(html, "page.pdf").ok().and_then(|declared| declared.content_type);
        assert_eq!(declared.as_deref(), Some("text/html"));
    }

    #[tokio::test]
    async fn a_file_and_the_same_bytes_are_declared_alike() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("large.csv");
        let bytes = vec![b'7'; CHUNK * 2 + 5];
        std::fs::write(&path, &bytes)?;
        let told = Arc::new(AtomicU64::new(0));
        let file = Source::read(&path, Declared::default(), |read| {
            told.fetch_add(read, Ordering::Relaxed);
        })
        .await?;
        let memory = Source::memory("large.csv", bytes)?;
        assert_eq!(file.declaration(), memory.declaration());
        assert_eq!(told.load(Ordering::Relaxed), file.size);
        Ok(())
    }

    #[tokio::test]
    async fn a_folder_is_not_a_file() {
        let folder = Source::read(Path::new("."), Declared::default(), |_| ()).await;
        assert!(matches!(folder, Err(ClientError::Unreadable { .. })));
    }
}
