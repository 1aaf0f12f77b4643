//! A door that a test closes to stop a function at an exact call.

use crate::{Access, Call, Principal};
use std::sync::Arc;
use tokio::sync::watch;

pub(crate) struct Waiting {
    principal: Principal,
    operation: String,
    arrived: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Waiting {
    pub(crate) fn new(principal: Principal, operation: String) -> Self {
        Self { principal, operation, arrived: watch::Sender::new(0), open: watch::Sender::new(false) }
    }

    pub(crate) fn catches(&self, call: &Call) -> bool {
        call.principal == self.principal && call.operation == self.operation
    }

    pub(crate) async fn wait(&self) {
        self.arrived.send_modify(|count| *count += 1);
        // An error means that the door is gone, which opens it.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }

    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }
}

/// A hold on one operation of one principal; dropping it lets the waiting calls go on.
pub struct Hold {
    access: Arc<Access>,
    waiting: Arc<Waiting>,
}

impl Hold {
    pub(crate) fn new(access: Arc<Access>, waiting: Arc<Waiting>) -> Self {
        Self { access, waiting }
    }

    /// Waits until a call is at the door.
    pub async fn arrived(&self) {
        // An error means that nothing can arrive any more; the caller's next step will show it.
        let _ = self.waiting.arrived.subscribe().wait_for(|count| *count > 0).await;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.access.release(&self.waiting);
    }
}
