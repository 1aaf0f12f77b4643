//! Takes a published object back. First in the registry, so that no URL is made for it any more; then its
//! bytes go to where they are held, which ends the URLs that are out; last it leaves its tenant's list, in
//! which the walk finds it until then.

use super::{Kept, RescanObjects};
use crate::{
    held::{self, HeldCopy},
    worker::{Worker, published_key},
};
use airlock_aws::Function;
use airlock_content::verdict::Verdict;
use airlock_objects::{
    record::Record,
    registry::{Actor, Change, Changed, HeldTerms},
    state::{State, Transition},
    timestamp::Timestamp,
};
use airlock_telemetry::metric::{self, Metric};
use anyhow::{Context as _, bail};

/// Recalls a published object.
pub(super) async fn recall(worker: &Worker, record: &Record, verdict: &Verdict) -> anyhow::Result<Kept> {
    let change =
        Change::new(record, Transition::Recall, Actor::Function(RescanObjects::NAME), Timestamp::now());
    match worker.registry.change(change.verdict(verdict)).await? {
        Changed::Done => {}
        Changed::Superseded(Some(latest)) => match latest.state {
            // The index lags behind the table; the next walk sees the row as it is.
            State::Published => bail!("the row has changed"),
            // By a run that was taken for dead.
            State::Rejected => return finish(worker, &latest).await,
            _ => return Ok(Kept::Gone),
        },
        Changed::Superseded(None) => return Ok(Kept::Gone),
    }
    let recalled = Record { state: State::Rejected, version: record.version + 1, ..record.clone() };
    withdraw(worker, &recalled, verdict, Began::Now).await?;
    Ok(Kept::Recalled)
}

/// Ends a recall that was begun, by a run that did not come to its end.
pub(super) async fn finish(worker: &Worker, record: &Record) -> anyhow::Result<Kept> {
    withdraw(worker, record, record.verdict.as_ref().context("no verdict")?, Began::Before).await?;
    Ok(Kept::Recalled)
}

/// Which run began a recall.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Began {
    /// This one.
    Now,
    /// One before.
    Before,
}

/// Moves the bytes out of the published bucket, however many of these steps were taken before.
async fn withdraw(worker: &Worker, record: &Record, verdict: &Verdict, began: Began) -> anyhow::Result<()> {
    let key = published_key(record);
    let source = format!("{}/{key}", worker.published.bucket());
    let copied = held::copy(worker, record, source, None, verdict).await;
    let copy = copied.context("recalled, but still in the bucket")?;
    worker.published.remove(&key).await.context("recalled, but still in the bucket")?;
    // The run that removed it has copied it before.
    let copy = copy.or_else(|| (began == Began::Before).then(HeldCopy::default));
    let kept = match copy {
        Some(copy) => {
            let terms = worker.held_terms(copy.version_id, Timestamp::now());
            held::keep(worker, record, terms, async |terms: &HeldTerms| {
                worker.registry.hold_recalled(record, terms).await
            })
            .await?
        }
        None => None,
    };
    let changed = match kept {
        Some(changed) => changed,
        None => worker.registry.let_go(record).await?,
    };
    if let Changed::Done = changed {
        metric::count(Metric::ObjectsRecalled, RescanObjects::NAME);
        tracing::warn!(
            tenant_id = %record.object.tenant, object_id = %record.object.id, reason = verdict.reason, "a published object was recalled"
        );
    }
    // Otherwise a run that was taken for dead did this meanwhile.
    Ok(())
}
