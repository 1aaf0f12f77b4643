//! The local stack's S3: the protocol is `s3s`, the store behind it is ours. Objects are files,
//! what is known of them stands in SQLite; no object is ever held in memory.

mod auth;
mod event;
mod operations;
mod policy;
mod server;
mod settings;
mod store;

pub use event::ObjectCreated;
pub use settings::{BucketSettings, CorsRule, LifecycleRule, Notification};

use airlock_local_access::Access;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use store::Store;
use tokio::{net::TcpListener, sync::mpsc};

/// Why S3 does not run.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// The index of objects cannot be used.
    #[error("the index of objects cannot be used: {0}")]
    Index(#[from] rusqlite::Error),
    /// A file, a folder or the listener cannot be used.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// What the index says of a bucket cannot be read.
    #[error("the index of objects holds something unreadable: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// A running S3.
#[derive(Clone)]
pub struct S3 {
    backend: Backend,
    endpoint: String,
}

/// What the operations share.
#[derive(Clone)]
pub(crate) struct Backend {
    store: Arc<Mutex<Store>>,
    events: mpsc::UnboundedSender<ObjectCreated>,
}

impl Backend {
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl S3 {
    /// Serves S3 on `listener`, with everything it keeps in `data`. Each object that is created
    /// comes out of the receiver, with the targets that its bucket notifies.
    ///
    /// # Errors
    /// When the folder or the listener cannot be used.
    pub async fn start(
        listener: TcpListener,
        data: PathBuf,
        access: Arc<Access>,
    ) -> Result<(Self, mpsc::UnboundedReceiver<ObjectCreated>), S3Error> {
        let (events, created) = mpsc::unbounded_channel();
        let backend = Backend { store: Arc::new(Mutex::new(Store::open(&data)?)), events };
        let endpoint = format!("http://{}", listener.local_addr()?);
        tokio::spawn(server::serve(listener, backend.clone(), access));
        Ok((Self { backend, endpoint }, created))
    }

    /// Where it answers: `http://127.0.0.1:PORT`, in path style.
    pub fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// Makes a bucket, or gives an existing one these settings.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn put_bucket(&self, name: &str, settings: BucketSettings) -> Result<(), S3Error> {
        self.backend.store().put_bucket(name, &settings)
    }

    /// Removes what the buckets' lifecycle rules say is past its time at `now`.
    pub fn expire(&self, now: SystemTime) {
        if let Err(error) = self.backend.store().expire(now) {
            tracing::warn!(%error, "objects past their time were not removed");
        }
    }
}
