//! Takes a published object back.

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
use anyhow::bail;

/// Recalls the object: first in the registry, so that no URL is made for it any more, then its bytes
/// go to where they are held. URLs that are out end with the bytes.
pub(super) async fn recall(worker: &Worker, record: &Record, verdict: &Verdict) -> anyhow::Result<()> {
    let change = Change::new(record, Transition::Recall, Actor::Function(FUNCTION), Timestamp::now())
        .verdict(verdict)
        .unlisted();
    match worker.registry.change(change).await? {
        Changed::Done => {}
        // The index lags behind the table; the next walk sees the row as it is.
        Changed::Superseded(Some(latest)) if latest.state == State::Published => bail!("the row has changed"),
        Changed::Superseded(_) => return Ok(()),
    }
    metric::count("ObjectsRecalled", FUNCTION);
    tracing::warn!(
        tenant_id = %record.tenant, object_id = %record.id, reason = verdict.reason, "a published object was recalled"
    );
    if let Err(error) = withdraw(worker, record, verdict).await {
        metric::count("HoldErrors", FUNCTION);
        tracing::error!(object_id = %record.id, ?error, "recalled, but its bytes are still in the published bucket");
    }
    Ok(())
}

/// Moves the bytes out of the published bucket.
async fn withdraw(worker: &Worker, record: &Record, verdict: &Verdict) -> anyhow::Result<()> {
    let head = super::head(worker, record).await?;
    let key = published_key(record);
    let source = format!("{}/{key}", worker.published.bucket());
    held::hold(worker, record, source, head.e_tag().unwrap_or_default(), verdict).await?;
    Ok(worker.published.remove(&key).await?)
}
