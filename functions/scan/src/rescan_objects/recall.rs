//! Takes a published object back. First in the registry, so that no URL is made for it any more; then its
//! bytes go to where they are held, which ends the URLs that are out; last it leaves its tenant's list, in
//! which the walk finds it until then.

use super::FUNCTION;
use crate::{
    held,
    worker::{Worker, published_key},
};
use airlock_content::verdict::Verdict;
use airlock_objects::{
    record::Record,
    registry::{Actor, Change, Changed},
    state::{State, Transition},
    timestamp::Timestamp,
};
use airlock_telemetry::metric;
use anyhow::{Context as _, bail};

/// Recalls a published object.
pub(super) async fn recall(worker: &Worker, record: &Record, verdict: &Verdict) -> anyhow::Result<()> {
    let change = Change::new(record, Transition::Recall, Actor::Function(FUNCTION), Timestamp::now());
    match worker.registry.change(change.verdict(verdict)).await? {
        Changed::Done => {}
        Changed::Superseded(Some(latest)) => match latest.state {
            // The index lags behind the table; the next walk sees the row as it is.
            State::Published => bail!("the row has changed"),
            // By a run that was taken for dead.
            State::Rejected => return finish(worker, &latest).await,
            _ => return Ok(()),
        },
        Changed::Superseded(None) => return Ok(()),
    }
    let recalled = Record { state: State::Rejected, version: record.version + 1, ..record.clone() };
    withdraw(worker, &recalled, verdict).await
}

/// Ends a recall that was begun, by a run that did not come to its end.
pub(super) async fn finish(worker: &Worker, record: &Record) -> anyhow::Result<()> {
    withdraw(worker, record, record.verdict.as_ref().context("no verdict")?).await
}

/// Moves the bytes out of the published bucket, however many of these steps were taken before.
async fn withdraw(worker: &Worker, record: &Record, verdict: &Verdict) -> anyhow::Result<()> {
    let key = published_key(record);
    let source = format!("{}/{key}", worker.published.bucket());
    held::hold(worker, record, source, None, verdict).await.context("recalled, but still in the bucket")?;
    worker.published.remove(&key).await.context("recalled, but still in the bucket")?;
    if let Changed::Done = worker.registry.unlist(record).await? {
        metric::count("ObjectsRecalled", FUNCTION);
        tracing::warn!(
            tenant_id = %record.tenant, object_id = %record.id, reason = verdict.reason, "a published object was recalled"
        );
    }
    // Otherwise a run that was taken for dead did this meanwhile.
    Ok(())
}
