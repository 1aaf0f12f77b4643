//! Ends the scan of an object that is not published.

use super::{App, FUNCTION, quarantine_key};
use airlock_content::verdict::{Outcome, Verdict};
use airlock_objects::{
    checksum::Sha256,
    record::Record,
    registry::{Actor, Change, Changed},
    state::Transition,
    timestamp::Timestamp,
};

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

/// Writes down a verdict that is not clean. The object stays in quarantine for those who look into
/// it, until the bucket's lifecycle removes it; no client can reach it there.
pub(super) async fn close(
    app: &App,
    record: &Record,
    sha256: Option<Sha256>,
    verdict: &Verdict,
) -> anyhow::Result<Settled> {
    let (step, settled) = match verdict.outcome {
        Outcome::Malicious | Outcome::Mismatch | Outcome::LimitsExceeded => {
            (Transition::Reject, Settled::Rejected)
        }
        Outcome::Unscannable | Outcome::Clean => (Transition::Fail, Settled::Failed),
    };
    let change =
        Change::new(record, step, Actor::Function(FUNCTION), Timestamp::now()).verdict(verdict).settled();
    let change = match sha256 {
        Some(sha256) => change.scanned(sha256),
        None => change,
    };
    match app.registry.change(change).await? {
        Changed::Done => Ok(settled),
        Changed::Superseded(_) => Ok(Settled::Elsewhere),
    }
}

/// Removes a published object's original. If that fails the bucket's lifecycle does it.
pub(super) async fn clear(app: &App, record: &Record) {
    if let Err(error) = app.quarantine.remove(&quarantine_key(record)).await {
        tracing::warn!(object_id = %record.id, ?error, "left in quarantine for its lifecycle");
    }
}
