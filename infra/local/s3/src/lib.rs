//! The local stack's S3.
//!
//! The protocol is the `s3s` crate's; the store behind it is ours and keeps objects as files, so
//! that a restart with the same folder finds everything again. Nothing holds a whole object in
//! memory, except form uploads (`POST` with a policy), which are limited to 64 MiB.
//!
//! It is stricter than `s3s` alone where S3 is: see `signature` and `policy`.

mod auth;
mod body;
mod checksum;
mod cors;
mod event;
mod incoming;
mod operations;
mod policy;
mod refusal;
mod server;
mod settings;
mod signature;
mod store;

use airlock_local_access::Access;
pub use event::ObjectCreated;
pub use policy::PolicyError;
pub use settings::{BucketSettings, CorsRule, LifecycleRule, Notification};
use std::{io, path::PathBuf, sync::Arc, time::SystemTime};
use store::Store;
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};

/// Why S3 could not do what the stack asked of it.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// The data folder or the listener cannot be used.
    #[error("S3 cannot use its files or its port: {0}")]
    Io(#[from] io::Error),
    /// Not a name that S3 allows.
    #[error("{0} is not a name for a bucket")]
    BucketName(String),
    /// The bucket policy says something that this S3 could not enforce.
    #[error("the policy of bucket {bucket}: {error}")]
    Policy {
        /// The bucket's name.
        bucket: String,
        /// What is not understood.
        error: PolicyError,
    },
}

/// A running S3. It stops when the last clone is dropped.
#[derive(Clone)]
pub struct S3 {
    endpoint: String,
    store: Arc<Store>,
    _server: Arc<Server>,
}

struct Server(JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl S3 {
    /// Serves on `listener`, keeping everything in the folder `data`, which no other process may
    /// use. Each object that is created comes out of the receiver, in the order of its creation,
    /// whether or not a notification asks for it.
    ///
    /// # Errors
    /// [`S3Error::Io`] when the folder cannot be read or written.
    pub async fn start(
        listener: TcpListener,
        data: PathBuf,
        access: Arc<Access>,
    ) -> Result<(Self, mpsc::UnboundedReceiver<ObjectCreated>), S3Error> {
        let endpoint = format!("http://{}", listener.local_addr()?);
        let (sender, created) = mpsc::unbounded_channel();
        let store = Arc::new(Store::open(data, sender)?);
        let server = Server(tokio::spawn(server::run(listener, store.clone(), access)));
        Ok((Self { endpoint, store, _server: Arc::new(server) }, created))
    }

    /// Where it answers, such as `http://127.0.0.1:4566`, in path style.
    pub fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// Makes a bucket with these settings; one that is there keeps its objects and gets them too.
    ///
    /// # Errors
    /// Any [`S3Error`].
    pub fn put_bucket(&self, name: &str, settings: BucketSettings) -> Result<(), S3Error> {
        if !s3s::path::check_bucket_name(name) {
            return Err(S3Error::BucketName(name.to_owned()));
        }
        if let Some(document) = &settings.policy {
            policy::Policy::read(document)
                .map_err(|error| S3Error::Policy { bucket: name.to_owned(), error })?;
        }
        Ok(self.store.configure_bucket(name, settings)?)
    }

    /// Applies the lifecycle rules of all buckets as if it were `now`.
    pub fn expire(&self, now: SystemTime) {
        self.store.expire(now.into());
    }
}
