//! Fetches exactly the pinned bytes, in parallel pieces, and hashes them on the way into a sealed object.

use crate::gone::is_gone;
use airlock_jail::{Draft, Sealed};
use airlock_objects::checksum::Sha256;
use aws_sdk_s3::{
    Client, error::SdkError, operation::get_object::GetObjectError, primitives::ByteStreamError,
};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use sha2::Digest;
use std::{
    io::{self, Write},
    ops::Range,
    pin::pin,
};
use tokio::{sync::mpsc, task::spawn_blocking};

/// How much one request asks for. An object of at most this size is one request.
const PIECE: u64 = 8 << 20;
/// How many requests are under way at a time.
const PARALLEL: usize = 4;
/// How many pieces wait until they are written. Besides these, one is written, and one waits for a place.
const WAITING: usize = 2;

/// Which bytes are fetched.
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
    /// There is nothing under the key, or another object.
    #[error("what was finalized is not there any more")]
    Gone,
    /// S3 refused or could not be reached.
    #[error("the bucket could not be read")]
    Unavailable(#[source] Box<aws_sdk_s3::Error>),
    /// The connection broke.
    #[error("the object could not be read to its end")]
    Broken(#[from] ByteStreamError),
    /// It could not be written, for want of room perhaps.
    #[error("the object could not be written")]
    NotWritten(#[from] io::Error),
}

impl From<SdkError<GetObjectError>> for FetchError {
    fn from(error: SdkError<GetObjectError>) -> Self {
        if is_gone(&error) { Self::Gone } else { Self::Unavailable(Box::new(error.into())) }
    }
}

/// Fetches an object. Calls: one GetObject with `If-Match` for each 8 MiB begun.
pub(crate) async fn fetch(client: &Client, source: &Source<'_>) -> Result<Fetched, FetchError> {
    let pieces = ranges(source.size).map(|range| piece(client, source, range));
    let (draft, sha256) = keep(stream::iter(pieces).buffered(PARALLEL), Draft::new(source.size)?).await?;
    Ok(Fetched { object: draft.seal()?, sha256 })
}

/// The ranges that an object of `size` bytes is asked for in. An empty object is one empty range.
fn ranges(size: u64) -> impl Iterator<Item = Range<u64>> {
    (0..size.max(1)).step_by(PIECE as usize).map(move |start| start..size.min(start + PIECE))
}

/// Hashes and writes pieces in a thread of its own, so that the runtime's only thread goes on reading meanwhile.
async fn keep<W: Write + Send + 'static>(
    pieces: impl Stream<Item = Result<Bytes, FetchError>>,
    mut to: W,
) -> Result<(W, Sha256), FetchError> {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(WAITING);
    let writing = spawn_blocking(move || {
        let mut hash = sha2::Sha256::new();
        while let Some(piece) = receiver.blocking_recv() {
            hash.update(&piece);
            to.write_all(&piece)?;
        }
        Ok((to, Sha256::from(<[u8; 32]>::from(hash.finalize()))))
    });
    let mut pieces = pin!(pieces);
    while let Some(piece) = pieces.try_next().await? {
        if sender.send(piece).await.is_err() {
            // Writing has ended with an error.
            break;
        }
    }
    drop(sender);
    writing.await.map_err(io::Error::from)?
}

/// The bytes of `range`.
async fn piece(client: &Client, source: &Source<'_>, range: Range<u64>) -> Result<Bytes, FetchError> {
    let answer = client
        .get_object()
        .bucket(source.bucket)
        .key(&source.key)
        .if_match(source.etag)
        .set_version_id(source.version_id.map(str::to_owned))
        .set_range(header(&range, source.size))
        .send()
        .await?;
    let bytes = answer.body.collect().await?.into_bytes();
    if bytes.len() as u64 == range.end - range.start { Ok(bytes) } else { Err(FetchError::Gone) }
}

/// The header that asks for a range of an object of `size` bytes. `None` asks for the whole object: an empty object
/// has no range.
fn header(range: &Range<u64>, size: u64) -> Option<String> {
    (size > PIECE).then(|| format!("bytes={}-{}", range.start, range.end - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering::SeqCst},
            mpsc as blocking,
        },
        thread::{self, ThreadId},
    };

    #[test]
    fn ranges_cover_an_object_and_no_more() {
        let asked =
            |size| -> Vec<_> { ranges(size).map(|range| (range.clone(), header(&range, size))).collect() };
        assert_eq!(asked(0), [(0..0, None)]);
        assert_eq!(asked(1), [(0..1, None)]);
        assert_eq!(asked(PIECE), [(0..PIECE, None)]);
        let first = (0..PIECE, Some("bytes=0-8388607".to_owned()));
        assert_eq!(
            asked(PIECE + 1),
            [first.clone(), (PIECE..PIECE + 1, Some("bytes=8388608-8388608".to_owned()))]
        );
        assert_eq!(asked(2 * PIECE), [first, (PIECE..2 * PIECE, Some("bytes=8388608-16777215".to_owned()))]);
        assert_eq!(ranges(5 << 30).count(), 640);
    }

    /// Writes the first piece only when it is told to, and nothing on the runtime's thread.
    struct Slow {
        runtime: ThreadId,
        go: blocking::Receiver<()>,
        written: Arc<AtomicUsize>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert_ne!(thread::current().id(), self.runtime, "the runtime's thread would wait");
            if self.written.load(SeqCst) == 0 {
                self.go.recv().unwrap();
            }
            self.written.fetch_add(1, SeqCst);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_slow_write_neither_stops_the_reading_nor_lets_it_run_away() {
        const COUNT: usize = 100;
        // What is read, waits for a place, waits to be written, and is written.
        const MOST: usize = PARALLEL + WAITING + 2;
        let (tell, go) = blocking::channel();
        let (written, most) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
        let slow = Slow { runtime: thread::current().id(), go, written: written.clone() };
        let piece = |number: usize| {
            most.fetch_max(number + 1 - written.load(SeqCst), SeqCst);
            // All that may be read is, while the first piece is still not written.
            if number + 1 == MOST - 1 {
                tell.send(()).unwrap();
            }
            async move { Ok(Bytes::from(vec![number as u8; 10])) }
        };
        let pieces = stream::iter((0..COUNT).map(piece)).buffered(PARALLEL);
        let (_, sha256) = keep(pieces, slow).await.unwrap();
        let all: Vec<u8> = (0..COUNT).flat_map(|number| [number as u8; 10]).collect();
        assert_eq!(sha256, Sha256::from(<[u8; 32]>::from(sha2::Sha256::digest(all))));
        assert_eq!(written.load(SeqCst), COUNT);
        assert!(most.load(SeqCst) <= MOST, "{most:?} pieces in memory");
    }

    #[tokio::test]
    async fn what_cannot_be_read_or_written_is_an_error() {
        let pieces = |count: usize| stream::iter((0..count).map(|_| Ok(Bytes::from_static(b"12345"))));
        let full = keep(pieces(100), Draft::new(7).unwrap()).await;
        assert!(matches!(full, Err(FetchError::NotWritten(_))), "{full:?}");
        let gone = keep(pieces(1).chain(stream::iter([Err(FetchError::Gone)])), Draft::new(7).unwrap()).await;
        assert!(matches!(gone, Err(FetchError::Gone)), "{gone:?}");
        let (draft, _) = keep(pieces(1), Draft::new(5).unwrap()).await.unwrap();
        assert_eq!(draft.seal().unwrap().size(), 5);
    }
}
