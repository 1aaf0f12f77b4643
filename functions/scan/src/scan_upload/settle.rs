//! Ends the scan of an object that is not published.

use super::{ScanUpload, copy_source};
use crate::{
    held::{self, HeldCopy},
    worker::{Worker, held_key, quarantine_key},
};
use airlock_aws::Function;
use airlock_content::verdict::{Outcome, Verdict};
use airlock_objects::{
    checksum::Sha256,
    record::{Pin, Record},
    registry::{Actor, Change, Changed, HeldTerms, Sweep},
    state::Transition,
    timestamp::Timestamp,
};
use airlock_telemetry::metric::{self, Metric};

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
    pub(super) fn metric(self) -> Metric {
        match self {
            Self::Published => Metric::ObjectsPublished,
            Self::Rejected => Metric::ObjectsRejected,
            Self::Failed => Metric::ObjectsFailed,
            Self::Elsewhere => Metric::ScansSuperseded,
        }
    }
}

/// Writes down a verdict that is not clean. The object is held for those who look into it; no client
/// can reach it there. Calls: CopyObject, one conditional transaction, PutObject, DeleteObject; more only where
/// there is no room to hold it.
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
    let now = Timestamp::now();
    let change =
        Change::new(record, step, Actor::Function(ScanUpload::NAME), now).verdict(verdict).scan_ended();
    let change = match sha256 {
        Some(sha256) => change.scanned(sha256),
        None => change,
    };
    // A scan before this one may have died behind its copy.
    let left_at = record.scans_end_at().filter(|_| record.scans > 1).map(|end| end.max(now));
    let copy = hold(worker, record, pin, sha256, verdict).await;
    let (is_copied, version) = (copy.is_some(), copy.as_ref().and_then(|copy| copy.version_id.clone()));
    let kept = match copy {
        Some(copy) => {
            let terms = worker.held_terms(copy.version_id, now);
            let held = match left_at {
                Some(at) => change.clone().due(Sweep::Published, at),
                None => change.clone().due(Sweep::Uploads, terms.until),
            };
            held::keep(worker, record, terms, async |terms: &HeldTerms| {
                worker.registry.change_and_hold(held.clone(), terms).await
            })
            .await?
        }
        None => None,
    };
    let changed = match (kept, left_at) {
        (Some(changed), _) => changed,
        (None, Some(at)) => worker.registry.change(change.due(Sweep::Published, at)).await?,
        (None, None) => worker.registry.change(change.settled()).await?,
    };
    if let Changed::Superseded(_) = changed {
        if version.is_some() {
            // The scan that settled it has a copy of its own.
            worker.quarantine.let_go(&held_key(record), version.as_deref()).await?;
        }
        return Ok(Settled::Elsewhere);
    }
    if is_copied {
        clear(worker, record, pin).await;
    }
    Ok(settled)
}

/// The copy that is to be held, if there is one. A verdict does not wait for it: if it fails, the original stays in
/// quarantine for its lifecycle.
async fn hold(
    worker: &Worker,
    record: &Record,
    pin: &Pin,
    sha256: Option<Sha256>,
    verdict: &Verdict,
) -> Option<HeldCopy> {
    // Without a checksum nothing was there.
    sha256?;
    let source = copy_source(worker, record, pin);
    match held::copy(worker, record, source, Some(&pin.etag), verdict).await {
        Ok(copied) => copied,
        Err(error) => {
            metric::count(Metric::HoldErrors, ScanUpload::NAME);
            tracing::error!(object_id = %record.object.id, ?error, "left in quarantine, not held");
            None
        }
    }
}

/// Removes the original of a published or held object. If that fails the bucket's lifecycle does it.
pub(super) async fn clear(worker: &Worker, record: &Record, pin: &Pin) {
    if let Err(error) = worker.quarantine.close(&quarantine_key(record), pin).await {
        tracing::warn!(object_id = %record.object.id, ?error, "left in quarantine for its lifecycle");
    }
}
