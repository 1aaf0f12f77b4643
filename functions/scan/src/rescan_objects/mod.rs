//! Scans what is published again when the rules have changed, and recalls what they do not accept any
//! more: from that moment nobody gets a URL for it. On a schedule, a limited number of objects in each
//! run; once all are through, a run is a single read.
//!
//! AWS calls per run: GetItem; Scan of the `by-tenant` index for a page; one conditional write for each
//! page. Per object: HeadObject; GetObject, once for each 8 MiB; one conditional transaction; for one
//! that is recalled CopyObject to where it is held, DeleteObject in published, and another transaction.

mod recall;

use crate::{
    fetch::{FetchError, Fetched, Source, fetch},
    share::Invocation,
    worker::{Worker, published_key},
};
use airlock_aws::{Function, setting::required};
use airlock_content::{
    members::AllowedMembers,
    verdict::{Outcome, Verdict},
};
use airlock_objects::{
    record::Record,
    registry::{Changed, Stage, Walk},
    state::State,
    timestamp::Timestamp,
};
use airlock_telemetry::metric::{self, Metric};
use anyhow::{Context as _, bail};
use aws_config::SdkConfig;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use lambda_runtime::LambdaEvent;
use serde::Serialize;
use std::sync::Arc;

/// The function that holds published objects against new rules.
pub struct RescanObjects {
    worker: Worker,
    /// The most objects that one run looks at.
    per_run: u64,
}

/// How far the walk is: the answer of the function, which is also logged.
#[derive(Debug, Serialize)]
struct Progress<'a> {
    /// The rule set that objects are scanned with.
    rules: &'a str,
    /// Whether every object was scanned with it.
    finished: bool,
    /// How many were, in this walk.
    scanned: u64,
    /// How many of these were recalled.
    recalled: u64,
    /// How many could not be dealt with in this walk: another one follows. What could not be scanned
    /// stays published.
    failed: u64,
}

impl Function for RescanObjects {
    const NAME: &'static str = "rescan-objects";

    async fn start(aws: &SdkConfig) -> anyhow::Result<Self> {
        let per_run = required("RESCAN_OBJECTS_PER_RUN")?;
        // What was published stays so when a deployment takes its type or what it holds no more: only
        // rules recall.
        let (types, members) = ("default".to_owned(), AllowedMembers::ALL.to_owned());
        Ok(Self { worker: Worker::start(aws, Self::NAME, types, members).await?, per_run })
    }

    async fn serve(self) -> anyhow::Result<()> {
        let spent = self.worker.spent.clone();
        let app = Arc::new(self);
        let serve = spent.serve(move |event: LambdaEvent<serde_json::Value>| {
            let app = app.clone();
            let invocation = Invocation::until(event.context.deadline());
            async move { Ok(serde_json::json!(progress(&rescan(&app, invocation).await?))) }
        });
        serve.await
    }
}

fn progress(walk: &Walk) -> Progress<'_> {
    let Walk { rules, scanned, recalled, failed, .. } = walk;
    Progress {
        rules,
        finished: walk.stage == Stage::Finished,
        scanned: *scanned,
        recalled: *recalled,
        failed: *failed,
    }
}

/// Continues the walk until it ends, this run has looked at as many objects as it may, or its time is over.
async fn rescan(app: &RescanObjects, invocation: Invocation) -> anyhow::Result<Walk> {
    let (worker, registry) = (&app.worker, &app.worker.registry);
    let mut walk = registry.walk(worker.inspector.rules_hash(), Timestamp::now()).await?;
    let mut left = app.per_run;
    while walk.stage == Stage::UnderWay {
        let page = registry.walk_page(&walk).await?;
        for record in &page.records {
            if left == 0 || worker.spent.is_set() || !invocation.has_time() {
                registry.save_walk(&mut walk).await?;
                return Ok(walk);
            }
            left -= 1;
            count(&mut walk, record, one(worker, record, invocation).await);
            walk.pass(record);
        }
        walk.turn(page);
        registry.save_walk(&mut walk).await?;
    }
    tracing::info!(progress = ?progress(&walk), "rescanned");
    Ok(walk)
}

fn count(walk: &mut Walk, record: &Record, outcome: anyhow::Result<Kept>) {
    match outcome {
        Ok(kept) => {
            walk.scanned += 1;
            walk.recalled += u64::from(kept == Kept::Recalled);
        }
        Err(error) => {
            walk.failed += 1;
            metric::count(Metric::RescanErrors, RescanObjects::NAME);
            tracing::error!(
                tenant_id = %record.object.tenant, object_id = %record.object.id, error = ?error,
                "an object could not be held against the rules to the end; the next walk tries again"
            );
        }
    }
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// It is still published.
    Published,
    /// It was recalled.
    Recalled,
    /// It is no longer published, because its owner deleted it.
    Gone,
}

/// Holds one object against the rules.
async fn one(worker: &Worker, record: &Record, invocation: Invocation) -> anyhow::Result<Kept> {
    match record.state {
        State::Published => {}
        State::Rejected => return recall::finish(worker, record).await,
        // The index lags behind the table.
        _ => return Ok(Kept::Gone),
    }
    let Some(fetched) = fetched(worker, record).await? else {
        return match worker.registry.get(&record.object).await? {
            Some(Record { state: State::Published, .. }) => bail!("it is published, and its bytes are gone"),
            _ => Ok(Kept::Gone),
        };
    };
    let verdict = verdict(worker, record, fetched, invocation).await?;
    match verdict.outcome {
        Outcome::Clean => match worker.registry.note(record, &verdict, Timestamp::now()).await? {
            Changed::Done => Ok(Kept::Published),
            // The index lags behind the table: the next walk sees the row as it is.
            Changed::Superseded(Some(latest)) if latest.state == State::Published => {
                bail!("the row has changed")
            }
            Changed::Superseded(_) => Ok(Kept::Gone),
        },
        Outcome::Malicious | Outcome::Mismatch | Outcome::LimitsExceeded => {
            recall::recall(worker, record, &verdict).await
        }
        // A hiccup must not take away what was found clean; the metric tells.
        Outcome::Unscannable => bail!(verdict.reason.unwrap_or_default()),
    }
}

/// The published bytes of an object, if they are still there.
async fn fetched(worker: &Worker, record: &Record) -> anyhow::Result<Option<Fetched>> {
    let Some(head) = head(worker, record).await? else { return Ok(None) };
    let size = head.content_length().and_then(|length| u64::try_from(length).ok()).context("no length")?;
    let source = Source {
        bucket: worker.published.bucket(),
        key: published_key(record).to_string(),
        etag: head.e_tag().context("no entity tag")?,
        version_id: head.version_id(),
        size,
    };
    match fetch(&worker.s3, &source).await {
        Ok(fetched) => Ok(Some(fetched)),
        Err(FetchError::Gone) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn verdict(
    worker: &Worker,
    record: &Record,
    fetched: Fetched,
    invocation: Invocation,
) -> anyhow::Result<Verdict> {
    if record.sha256 != Some(fetched.sha256) {
        let reason = "the published bytes are not those that were scanned";
        return Ok(Verdict::without_scan(Outcome::Mismatch, reason));
    }
    let share = invocation.share(record.declared.size)?;
    let finding = worker.inspector.inspect(fetched.object, record, share).await?;
    if finding.out_of_time {
        // What was found clean is not taken away because rules became slower.
        bail!(finding.reason.unwrap_or_default());
    }
    Ok(worker.verdict(finding))
}

async fn head(worker: &Worker, record: &Record) -> Result<Option<HeadObjectOutput>, aws_sdk_s3::Error> {
    let (bucket, key) = (worker.published.bucket(), published_key(record).to_string());
    match worker.s3.head_object().bucket(bucket).key(key).send().await {
        Ok(head) => Ok(Some(head)),
        Err(error) => match aws_sdk_s3::Error::from(error) {
            aws_sdk_s3::Error::NotFound(_) => Ok(None),
            error => Err(error),
        },
    }
}
