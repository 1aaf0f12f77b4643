//! A door at which every call of a function stops, so that a test runs its processes step by step.

use crate::{Access, Call, Principal, lock};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};
use tokio::sync::{oneshot, watch};

pub(crate) struct Door {
    principal: Principal,
    /// Calls that arrived and that the test has not taken yet, oldest first.
    arrived: Mutex<VecDeque<Standing>>,
    /// How many calls wait here, taken by the test or not.
    standing: watch::Sender<usize>,
}

impl Door {
    pub(crate) fn new(principal: Principal) -> Self {
        Self { principal, arrived: Mutex::default(), standing: watch::Sender::new(0) }
    }

    pub(crate) fn catches(&self, call: &Call) -> bool {
        // The holder of a presigned URL makes its calls, not a process of the function.
        call.principal == self.principal && !call.presigned
    }

    /// Puts a call into the line. The call goes on when the answer of this resolves, with an error or without.
    pub(crate) fn arrive(self: &Arc<Self>, call: &Call) -> Waiting {
        let (go, may_go) = oneshot::channel();
        lock(&self.arrived).push_back(Standing { call: call.clone(), go });
        self.standing.send_modify(|count| *count += 1);
        Waiting { door: self.clone(), may_go }
    }
}

/// A call at the door. It leaves by being let go, or because its caller is gone.
pub(crate) struct Waiting {
    door: Arc<Door>,
    may_go: oneshot::Receiver<()>,
}

impl Waiting {
    pub(crate) async fn wait(mut self) {
        // An error means that the test dropped its side, which lets the call go as well.
        let _ = (&mut self.may_go).await;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // Closed first, so that a reader of the smaller number does not find this call any more.
        self.may_go.close();
        self.door.standing.send_modify(|count| *count -= 1);
    }
}

/// A call that waits for the test to let it go. Dropping it lets it go as well.
#[derive(Debug)]
pub struct Standing {
    call: Call,
    go: oneshot::Sender<()>,
}

impl Standing {
    /// The whole call.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// The key that signed it, which tells processes of one function apart.
    pub fn access_key_id(&self) -> &str {
        &self.call.access_key_id
    }

    /// Such as `s3:PutObject`.
    pub fn operation(&self) -> &str {
        &self.call.operation
    }

    /// Such as `bucket/key`.
    pub fn resource(&self) -> &str {
        &self.call.resource
    }

    /// Lets the call go on.
    pub fn go(self) {
        // The caller may be gone, which is no concern of the test here.
        let _ = self.go.send(());
    }
}

/// Stops every call that one principal makes itself. Dropping it stops no more calls, and lets those go on that the
/// test does not hold.
pub struct Gate {
    access: Arc<Access>,
    door: Arc<Door>,
}

impl Gate {
    pub(crate) fn new(access: Arc<Access>, door: Arc<Door>) -> Self {
        Self { access, door }
    }

    /// The next call that waits here, in order of arrival; waits until there is one. Skips calls whose
    /// callers are gone.
    pub async fn next(&self) -> Standing {
        let mut standing = self.door.standing.subscribe();
        loop {
            standing.mark_unchanged();
            if let Some(next) = self.first() {
                return next;
            }
            // The door lives as long as this gate, so there is no error.
            let _ = standing.changed().await;
        }
    }

    /// The next call that waits here, if there is one now.
    pub fn first(&self) -> Option<Standing> {
        let mut arrived = lock(&self.door.arrived);
        std::iter::from_fn(|| arrived.pop_front()).find(|standing| !standing.go.is_closed())
    }

    /// How many calls wait here, with those that the test took and has not let go.
    pub fn waiting(&self) -> usize {
        *self.door.standing.borrow()
    }

    /// Waits until so many calls wait here at once.
    pub async fn gathered(&self, count: usize) {
        // The door lives as long as this gate, so there is no error.
        let _ = self.door.standing.subscribe().wait_for(|standing| *standing >= count).await;
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.access.open_gate(&self.door);
        lock(&self.door.arrived).clear();
    }
}
