//! Runs every minute: expires uploads that were never finalized, asks again for scans that are overdue and then
//! gives them up, and lets go of what was held long enough.
//!
//! AWS calls: one Query for each shard of the `due` index, which holds only rows that need attention; then for
//! each row GetItem and one conditional transaction. For one that expires HeadObject, PutObject and DeleteObject
//! if something was uploaded; for an overdue scan SendMessage; for one that was held DeleteObject.

use crate::requeue;
use airlock_content::verdict::{Outcome, Verdict};
use airlock_objects::{
    id::{ObjectId, TenantId},
    record::Record,
    registry::{Actor, Change, Changed, Registry, row::Sweep},
    setting::required,
    state::{State, Transition},
    timestamp::Timestamp,
};
use airlock_quarantine::{HeldKey, Quarantine, QuarantineKey, ScanQueue, ScanRequest};
use airlock_telemetry::metric;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use std::time::Duration;

const FUNCTION: &str = "expire-uploads";

/// How often a scan is asked for before the object counts as failed.
const MAX_SCAN_REQUESTS: u64 = 4;

struct App {
    registry: Registry,
    quarantine: Quarantine,
    queue: ScanQueue,
    scan_deadline: Duration,
}

/// What one run did, answered to the scheduler and logged.
#[derive(Debug, Default, Serialize)]
struct Swept {
    expired: u64,
    requeued: u64,
    failed: u64,
    let_go: u64,
    errors: u64,
}

/// Serves the function.
///
/// # Errors
/// When a setting is missing, or the Lambda runtime cannot be reached.
pub async fn run() -> anyhow::Result<()> {
    airlock_telemetry::init();
    let config = aws_config::load_from_env().await;
    let app = &App {
        registry: Registry::from_env(&config)?,
        quarantine: Quarantine::from_env(&config)?,
        queue: ScanQueue::from_env(&config)?,
        scan_deadline: Duration::from_secs(required("SCAN_DEADLINE_SECONDS")?),
    };
    lambda_runtime::run(service_fn(|_: LambdaEvent<serde_json::Value>| sweep(app)))
        .await
        .map_err(anyhow::Error::from_boxed)
}

/// One row that fails does not keep the others waiting; it comes again with the next run.
async fn sweep(app: &App) -> Result<Swept, lambda_runtime::Error> {
    let now = Timestamp::now();
    let mut swept = Swept::default();
    let due = app.registry.each_due(Sweep::Uploads, now, async |tenant, id| {
        if let Err(error) = settle(app, &tenant, id, now, &mut swept).await {
            swept.errors += 1;
            metric::count("SweepErrors", FUNCTION);
            tracing::error!(tenant_id = %tenant, object_id = %id, error = ?error, "could not be settled");
        }
    });
    due.await?;
    tracing::info!(?swept, "swept");
    Ok(swept)
}

async fn settle(
    app: &App,
    tenant: &TenantId,
    id: ObjectId,
    now: Timestamp,
    swept: &mut Swept,
) -> anyhow::Result<()> {
    // The index lags behind the table; only what the row itself says counts.
    let Some(record) = app.registry.get(tenant, id).await? else { return Ok(()) };
    match record.state {
        State::Pending if record.expires_at <= now => {
            expire(app, &record, now).await?;
            swept.expired += 1;
        }
        State::Scanning if record.queued_times >= MAX_SCAN_REQUESTS => {
            give_up(app, &record, now).await?;
            swept.failed += 1;
        }
        State::Scanning if requeue::note(&app.registry, &record, now, now + app.scan_deadline).await? => {
            let request = ScanRequest { tenant_id: record.tenant.clone(), object_id: record.id };
            app.queue.request(&request, record.queued_times + 1).await?;
            swept.requeued += 1;
        }
        // By a finalize that came too late.
        State::Expired => {
            close(app, &record).await?;
            app.registry.swept(&record).await?;
        }
        State::Rejected | State::Failed => match record.held_until {
            Some(until) if until > now => {}
            Some(_) => {
                let key = HeldKey::new(record.tenant.clone(), record.id);
                app.quarantine.let_go(&key, record.held_version.as_deref()).await?;
                app.registry.let_go(&record).await?;
                swept.let_go += 1;
            }
            // Nothing of it is held any more.
            None => {
                app.registry.swept(&record).await?;
            }
        },
        _ => {}
    }
    Ok(())
}

async fn expire(app: &App, record: &Record, now: Timestamp) -> anyhow::Result<()> {
    let change = Change::new(record, Transition::Expire, Actor::Function(FUNCTION), now).settled();
    if let Changed::Done = app.registry.change(change).await? {
        // If this fails, the bucket's lifecycle removes it within a day; no client can reach it.
        close(app, record).await?;
    }
    Ok(())
}

/// Removes what was uploaded, if anything was, and closes its key.
async fn close(app: &App, record: &Record) -> anyhow::Result<()> {
    let key = QuarantineKey::new(record.tenant.clone(), record.id);
    if let Some(found) = app.quarantine.inspect(&key).await? {
        app.quarantine.close(&key, &found.pin).await?;
    }
    Ok(())
}

async fn give_up(app: &App, record: &Record, now: Timestamp) -> anyhow::Result<()> {
    let verdict = Verdict {
        outcome: Outcome::Unscannable,
        detected_type: None,
        matches: Vec::new(),
        reason: Some(format!("no scan came to an end, though it was asked for {MAX_SCAN_REQUESTS} times")),
        rules: None,
    };
    let change = Change::new(record, Transition::Fail, Actor::Function(FUNCTION), now).verdict(&verdict);
    let change = match record.scans_end_at() {
        // A scan that died may have left a copy.
        Some(end) => change.due(Sweep::Published, end.max(now)),
        None => change.settled(),
    };
    app.registry.change(change).await?;
    metric::count("ScanGivenUp", FUNCTION);
    Ok(())
}
