//! Runs every minute: expires uploads that were never finalized, asks again for scans that are overdue and then
//! gives them up, and lets go of what was held long enough.
//!
//! AWS calls: one Query for each shard of the `due` index, which holds only rows that need attention; then for
//! each row GetItem and one conditional transaction. For one that expires HeadObject, PutObject and DeleteObject
//! if something was uploaded, and another transaction; for an overdue scan SendMessage; for one that was held DeleteObject.

use airlock_aws::{Function, on_events, setting::required};
use airlock_content::verdict::{Outcome, Verdict};
use airlock_objects::{
    id::ObjectRef,
    record::Record,
    registry::{Actor, Change, Changed, Registry, Sweep, SweepEnd},
    state::{State, Transition},
    timestamp::Timestamp,
};
use airlock_quarantine::{HeldKey, Quarantine, QuarantineKey, ScanQueue};
use airlock_telemetry::metric::{self, Metric};
use aws_config::SdkConfig;
use lambda_runtime::LambdaEvent;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// How often a scan is asked for before the object counts as failed.
const MAX_SCAN_REQUESTS: u64 = 4;

/// The function that looks after uploads that nobody ended.
#[derive(Debug)]
pub struct SweepUploads {
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
    #[serde(flatten)]
    end: SweepEnd,
}

impl Function for SweepUploads {
    const NAME: &'static str = "sweep-uploads";

    async fn start(aws: &SdkConfig) -> anyhow::Result<Self> {
        let scan_deadline = Duration::from_secs(required("SCAN_DEADLINE_SECONDS")?);
        let (registry, quarantine, queue) =
            tokio::try_join!(Registry::connect(aws), Quarantine::connect(aws), ScanQueue::connect(aws))?;
        Ok(Self { registry, quarantine, queue, scan_deadline })
    }

    async fn serve(self) -> anyhow::Result<()> {
        on_events(|event| sweep(&self, event)).await
    }
}

async fn sweep(app: &SweepUploads, event: LambdaEvent<Value>) -> anyhow::Result<Swept> {
    let now = Timestamp::now();
    let mut swept = Swept::default();
    let deadline = event.context.deadline().into();
    let settle = async |object: &ObjectRef| settle(app, object, now).await.map(|done| swept.count(done));
    swept.end = app.registry.each_due(Sweep::Uploads, now, deadline, settle).await?;
    metric::record(Metric::SweepErrors, swept.end.errors, SweepUploads::NAME);
    tracing::info!(?swept, "swept");
    Ok(swept)
}

/// What was done about an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Expired,
    Requeued,
    Failed,
    LetGo,
    /// Another writer was faster, or it needs nothing yet.
    Nothing,
}

impl Swept {
    fn count(&mut self, done: Done) {
        match done {
            Done::Expired => self.expired += 1,
            Done::Requeued => self.requeued += 1,
            Done::Failed => {
                self.failed += 1;
                metric::count(Metric::ScanGivenUp, SweepUploads::NAME);
            }
            Done::LetGo => self.let_go += 1,
            Done::Nothing => {}
        }
    }
}

async fn settle(app: &SweepUploads, object: &ObjectRef, now: Timestamp) -> anyhow::Result<Done> {
    // The index lags behind the table; only what the row itself says counts.
    let Some(record) = app.registry.get(object).await? else { return Ok(Done::Nothing) };
    Ok(match record.state {
        State::Pending if record.expires_at <= now => expire(app, &record, now).await?,
        State::Scanning if record.queued_times >= MAX_SCAN_REQUESTS => give_up(app, &record, now).await?,
        State::Scanning => match app.registry.requeue(&record, now, now + app.scan_deadline).await? {
            Changed::Done => {
                app.queue.request(&record.object, record.queued_times + 1).await?;
                Done::Requeued
            }
            Changed::Superseded(_) => Done::Nothing,
        },
        // By a finalize that came too late.
        State::Expired => {
            close_for_good(app, &record).await?;
            Done::Nothing
        }
        State::Rejected | State::Failed => match record.held_until {
            Some(until) if until > now => Done::Nothing,
            Some(_) => let_go(app, &record).await?,
            // None of its bytes are held.
            None => {
                let (Changed::Done | Changed::Superseded(_)) = app.registry.swept(&record).await?;
                Done::Nothing
            }
        },
        _ => Done::Nothing,
    })
}

async fn expire(app: &SweepUploads, record: &Record, now: Timestamp) -> anyhow::Result<Done> {
    let actor = Actor::Function(SweepUploads::NAME);
    // It stays due until its key is closed, should this die in between.
    match app.registry.change(Change::new(record, Transition::Expire, actor, now)).await? {
        Changed::Done => {
            let expired = Record { state: State::Expired, version: record.version + 1, ..record.clone() };
            close_for_good(app, &expired).await?;
            Ok(Done::Expired)
        }
        Changed::Superseded(_) => Ok(Done::Nothing),
    }
}

async fn let_go(app: &SweepUploads, record: &Record) -> anyhow::Result<Done> {
    let key = HeldKey::of(&record.object);
    app.quarantine.let_go(&key, record.sole_held_version()).await?;
    match app.registry.let_go(record).await? {
        Changed::Done => Ok(Done::LetGo),
        Changed::Superseded(_) => Ok(Done::Nothing),
    }
}

/// Removes what was uploaded, if anything was, and closes its key; then the object is due no more.
async fn close_for_good(app: &SweepUploads, record: &Record) -> anyhow::Result<()> {
    let key = QuarantineKey::of(&record.object);
    if let Some(found) = app.quarantine.head(&key).await? {
        app.quarantine.close(&key, &found.pin).await?;
    }
    // Otherwise another run was faster.
    let (Changed::Done | Changed::Superseded(_)) = app.registry.swept(record).await?;
    Ok(())
}

async fn give_up(app: &SweepUploads, record: &Record, now: Timestamp) -> anyhow::Result<Done> {
    let reason = format!("no scan came to an end, though it was asked for {MAX_SCAN_REQUESTS} times");
    let verdict = Verdict::without_scan(Outcome::Unscannable, reason);
    let change =
        Change::new(record, Transition::Fail, Actor::Function(SweepUploads::NAME), now).verdict(&verdict);
    let change = match record.scans_end_at() {
        // A scan that died may have left a copy.
        Some(end) => change.due(Sweep::Published, end.max(now)),
        None => change.settled(),
    };
    match app.registry.change(change).await? {
        Changed::Done => Ok(Done::Failed),
        Changed::Superseded(_) => Ok(Done::Nothing),
    }
}
