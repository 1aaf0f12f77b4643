//! Ends the scan of an object that is not published.

use super::{FUNCTION, copy_source};
use crate::{
    held,
    worker::{Worker, quarantine_key},
};
use airlock_content::verdict::{Outcome, Verdict};
use airlock_objects::{
    checksum::Sha256,
    record::{Pin, Record},
    registry::{Actor, Change, Changed},
    state::Transition,
    timestamp::Timestamp,
};
use airlock_telemetry::metric;

/// How an object was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// It can be downloaded.
    Published,
    /// It is not acceptable.
    Rejected,
    /// It could not be scanned.
    Failed,
    /// Another delivery of the same message settled it.
    Elsewhere,
}

impl Settled {
    /// What is counted.
    pub(super) fn metric(self) -> &'static str {
        match self {
            Self::Published => "ObjectsPublished",
            Self::Rejected => "ObjectsRejected",
            Self::Failed => "ObjectsFailed",
            Self::Elsewhere => "ScansSuperseded",
        }
    }
}

/// Writes down a verdict that is not clean. The object is held for those who look into it; no client
/// can reach it there. Calls: CopyObject, one conditional transaction, DeleteObject.
pub(super) async fn close(
    worker: &Worker,
    record: &Record,
    pin: &Pin,
    sha256: Option<Sha256>,
    verdict: &Verdict,
) -> anyhow::Result<Settled> {
    let (step, settled) = match verdict.outcome {
        Outcome::Malicious | Outcome::Mismatch | Outcome::LimitsExceeded => {
            (Transition::Reject, Settled::Rejected)
        }
        Outcome::Unscannable | Outcome::Clean => (Transition::Fail, Settled::Failed),
    };
    let held = match sha256 {
        Some(_) => hold(worker, record, pin, verdict).await,
        // Nothing is there that could be held.
        None => false,
    };
    let change =
        Change::new(record, step, Actor::Function(FUNCTION), Timestamp::now()).verdict(verdict).settled();
    let change = match sha256 {
        Some(sha256) => change.scanned(sha256),
        None => change,
    };
    match worker.registry.change(change).await? {
        Changed::Done => {
            if held {
                clear(worker, record).await;
            }
            Ok(settled)
        }
        Changed::Superseded(_) => Ok(Settled::Elsewhere),
    }
}

/// Whether the object is held now. A verdict does not wait for that: if it fails, the original stays
/// in quarantine for its lifecycle.
async fn hold(worker: &Worker, record: &Record, pin: &Pin, verdict: &Verdict) -> bool {
    match held::hold(worker, record, copy_source(worker, record, pin), Some(&pin.etag), verdict).await {
        Ok(held) => held,
        Err(error) => {
            metric::count("HoldErrors", FUNCTION);
            tracing::error!(object_id = %record.id, ?error, "left in quarantine, not held");
            false
        }
    }
}

/// Removes the original of a published or held object. If that fails the bucket's lifecycle does it.
pub(super) async fn clear(worker: &Worker, record: &Record) {
    if let Err(error) = worker.quarantine.remove(&quarantine_key(record)).await {
        tracing::warn!(object_id = %record.id, ?error, "left in quarantine for its lifecycle");
    }
}
