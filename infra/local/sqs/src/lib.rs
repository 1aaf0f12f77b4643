//! The local stack's SQS: standard and FIFO queues over the AWS JSON protocol, with signatures
//! checked and messages kept in a file, so that none is lost when the stack stops.

mod attributes;
mod error;
mod fifo;
mod operations;
mod outgoing;
mod server;
mod store;

pub use error::SqsError;
pub use store::{Depth, Message};

use airlock_local_access::{ACCOUNT, Access, REGION};
use attributes::Attributes;
use outgoing::Outgoing;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use store::{Sent, Store};
use tokio::{net::TcpListener, sync::Notify};

/// The longest that a receive waits (SQS API reference, `WaitTimeSeconds`).
const MAX_WAIT: Duration = Duration::from_secs(20);

/// The group of messages that are sent to a FIFO queue without one.
const DEFAULT_GROUP: &str = "default";

/// A running SQS.
#[derive(Clone)]
pub struct Sqs {
    store: Arc<Mutex<Store>>,
    changed: Arc<Notify>,
    access: Arc<Access>,
    endpoint: String,
}

impl Sqs {
    /// Serves SQS on `listener`, with its messages in a file in `data`.
    ///
    /// # Errors
    /// When the file or the listener cannot be used.
    pub async fn start(listener: TcpListener, data: &Path, access: Arc<Access>) -> Result<Self, SqsError> {
        let sqs = Self {
            store: Arc::new(Mutex::new(Store::open(data)?)),
            changed: Arc::default(),
            access,
            endpoint: format!("http://{}", listener.local_addr()?),
        };
        tokio::spawn(server::serve(listener, sqs.clone()));
        Ok(sqs)
    }

    /// Where it answers: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// The URL of a queue.
    pub fn url(&self, queue: &str) -> String {
        format!("{}/{ACCOUNT}/{queue}", self.endpoint)
    }

    /// The ARN of a queue.
    pub fn arn(&self, queue: &str) -> String {
        arn(queue)
    }

    /// Makes a queue, or gives an existing one these attributes (SQS API reference, `CreateQueue`).
    ///
    /// # Errors
    /// When the name or an attribute is not one of a standard queue.
    pub fn create_queue(&self, name: &str, attributes: &BTreeMap<String, String>) -> Result<(), SqsError> {
        let attributes = Attributes::parse(attributes)?;
        self.store().create(name, &attributes)
    }

    /// Takes up to `max` visible messages, waiting for the first for at most `wait`.
    ///
    /// # Errors
    /// When there is no such queue.
    pub async fn receive(&self, queue: &str, max: usize, wait: Duration) -> Result<Vec<Message>, SqsError> {
        self.take(queue, max, wait, None).await
    }

    pub(crate) async fn take(
        &self,
        queue: &str,
        max: usize,
        wait: Duration,
        hidden_for: Option<Duration>,
    ) -> Result<Vec<Message>, SqsError> {
        let until = tokio::time::Instant::now() + wait.min(MAX_WAIT);
        loop {
            let changed = self.changed.notified();
            let taken = self.store().take(queue, max, hidden_for, now())?;
            if taken.redriven {
                self.changed.notify_waiters();
            }
            if !taken.messages.is_empty() || tokio::time::Instant::now() >= until {
                return Ok(taken.messages);
            }
            let left = until - tokio::time::Instant::now();
            let pause = taken.next_visible.map_or(left, |next| left.min(Duration::from_millis(next)));
            // Either a message came, or one becomes visible, or the wait is over: look again.
            let _ = tokio::time::timeout(pause, changed).await;
        }
    }

    /// Deletes a message.
    ///
    /// # Errors
    /// When there is no such queue, the handle is none, or is one of a FIFO queue that is over.
    pub fn delete(&self, queue: &str, receipt_handle: &str) -> Result<(), SqsError> {
        self.store().delete(queue, receipt_handle, now())?;
        // The next message of its group may be received.
        self.changed.notify_waiters();
        Ok(())
    }

    /// Hides a message for another while.
    ///
    /// # Errors
    /// When the message is not in flight.
    pub fn change_visibility(
        &self,
        queue: &str,
        receipt_handle: &str,
        visible_in: Duration,
    ) -> Result<(), SqsError> {
        self.store().hide(queue, receipt_handle, visible_in, now())?;
        self.changed.notify_waiters();
        Ok(())
    }

    /// Sends a message; answers its id. In a FIFO queue it is one of the group `default`.
    ///
    /// # Errors
    /// When there is no such queue, or the body is empty or too long.
    pub fn send(&self, queue: &str, body: &str) -> Result<String, SqsError> {
        self.send_as(queue, fifo::is_fifo(queue).then_some(DEFAULT_GROUP), body)
    }

    /// Sends a message of a group; answers its id. No message counts as a repetition.
    ///
    /// # Errors
    /// When there is no such queue, the group is no name, or the body is empty or too long.
    pub fn send_to_group(&self, queue: &str, group: &str, body: &str) -> Result<String, SqsError> {
        self.send_as(queue, Some(group), body)
    }

    fn send_as(&self, queue: &str, group: Option<&str>, body: &str) -> Result<String, SqsError> {
        let unique = fifo::is_fifo(queue).then(|| uuid::Uuid::new_v4().to_string());
        let message = Outgoing {
            body,
            delay: None,
            message_attributes: &serde_json::Value::Null,
            group,
            deduplication_id: unique.as_deref(),
        };
        self.put(queue, &message).map(|sent| sent.id)
    }

    pub(crate) fn put(&self, queue: &str, message: &Outgoing<'_>) -> Result<Sent, SqsError> {
        let sent = self.store().put(queue, message, now())?;
        self.changed.notify_waiters();
        Ok(sent)
    }

    /// How many messages a queue has.
    ///
    /// # Errors
    /// When there is no such queue.
    pub fn depth(&self, queue: &str) -> Result<Depth, SqsError> {
        self.store().depth(queue, now())
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")
}

/// Milliseconds since the epoch.
pub(crate) fn now() -> i64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
