//! Scans what is published again when the rules have changed, and recalls what they do not accept any
//! more: from that moment nobody gets a URL for it. On a schedule, a limited number of objects in each
//! run; once all are through, a run is a single read.
//!
//! AWS calls per run: GetItem; Scan of the `by-tenant` index for a page; one conditional write for each
//! page. Per object: HeadObject; GetObject, once for each 8 MiB; one conditional transaction; for one
//! that is recalled CopyObject to where it is held, DeleteObject in published, and another transaction.

mod recall;
mod walk;

use crate::{
    fetch::{Source, fetch},
    share::Invocation,
    worker::{Worker, published_key},
};
use airlock_content::{
    members::AllowedMembers,
    verdict::{Outcome, Verdict},
};
use airlock_objects::{
    record::Record, registry::Changed, setting::required, state::State, timestamp::Timestamp,
};
use airlock_telemetry::metric;
use anyhow::{Context as _, bail};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use lambda_runtime::{LambdaEvent, Runtime, layers::TracingLayer, service_fn};
use serde::Serialize;
use std::sync::Arc;
use walk::{Page, Stage, Walk};

const FUNCTION: &str = "rescan-objects";

struct App {
    worker: Worker,
    /// The most objects that one run looks at.
    per_run: u64,
}

/// How far the walk is: answered to whoever invoked the function, and logged.
#[derive(Debug, Serialize)]
struct Progress<'a> {
    /// The rule set that objects are held against.
    rules: &'a str,
    /// Whether every object has been held against it.
    finished: bool,
    /// How many were, in this walk.
    scanned: u64,
    /// How many of these were recalled.
    recalled: u64,
    /// How many could not be dealt with in this walk: another one follows. What could not be scanned
    /// stays published.
    failed: u64,
}

/// Serves the function.
///
/// # Errors
/// When a setting is missing, the rules cannot be loaded, the jail does not hold, or the Lambda
/// runtime cannot be reached.
pub fn run() -> anyhow::Result<()> {
    crate::run(|| async {
        let per_run = required("RESCAN_OBJECTS_PER_RUN")?;
        // What was published stays so when a deployment takes its type or what it holds no more: only
        // rules recall.
        let (types, members) = ("default".to_owned(), AllowedMembers::ALL.to_owned());
        let worker = Worker::from_env(FUNCTION, types, members).await?;
        let spent = worker.spent.clone();
        let app = Arc::new(App { worker, per_run });
        let serve = service_fn(move |event: LambdaEvent<serde_json::Value>| {
            let app = app.clone();
            async move {
                let invocation = Invocation::until(event.context.deadline());
                let walk = rescan(&app, invocation).await.map_err(anyhow::Error::into_boxed_dyn_error)?;
                Ok::<_, lambda_runtime::Error>(serde_json::json!(progress(&walk)))
            }
        });
        let runtime = Runtime::new(serve).layer(TracingLayer::new()).layer(spent);
        runtime.run().await.map_err(anyhow::Error::from_boxed)
    })
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

/// Goes on with the walk until it is over, this run's share is done, or its time is.
async fn rescan(app: &App, invocation: Invocation) -> anyhow::Result<Walk> {
    let worker = &app.worker;
    let mut walk = Walk::resume(&worker.registry, worker.inspector.rules_hash(), Timestamp::now()).await?;
    let mut left = app.per_run;
    while walk.stage == Stage::UnderWay {
        let Page { records, next } = walk.page(&worker.registry).await?;
        for record in &records {
            if left == 0 || worker.spent.is_set() || !invocation.has_time() {
                walk.save(&worker.registry).await?;
                return Ok(walk);
            }
            left -= 1;
            count(&mut walk, record, one(worker, record, invocation).await);
            walk.pass(record);
        }
        walk.turn(next);
        walk.save(&worker.registry).await?;
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
            metric::count("RescanErrors", FUNCTION);
            tracing::error!(
                tenant_id = %record.tenant, object_id = %record.id, error = ?error,
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
    /// It is not any more.
    Recalled,
}

/// Holds one object against the rules.
async fn one(worker: &Worker, record: &Record, invocation: Invocation) -> anyhow::Result<Kept> {
    match record.state {
        State::Published => {}
        State::Rejected => {
            recall::finish(worker, record).await?;
            return Ok(Kept::Recalled);
        }
        // Deleted; the index lags behind the table.
        _ => bail!("the row has changed"),
    }
    let verdict = verdict(worker, record, invocation).await?;
    match verdict.outcome {
        Outcome::Clean => match worker.registry.note(record, &verdict, Timestamp::now()).await? {
            Changed::Done => Ok(Kept::Published),
            // Deleted meanwhile, or the index lags behind the table: the next walk sees.
            Changed::Superseded(_) => bail!("the row has changed"),
        },
        Outcome::Malicious | Outcome::Mismatch | Outcome::LimitsExceeded => {
            recall::recall(worker, record, &verdict).await?;
            Ok(Kept::Recalled)
        }
        // A hiccup must not take away what was found clean; the metric tells.
        Outcome::Unscannable => bail!(verdict.reason.unwrap_or_default()),
    }
}

async fn verdict(worker: &Worker, record: &Record, invocation: Invocation) -> anyhow::Result<Verdict> {
    let head = head(worker, record).await?;
    let size = head.content_length().and_then(|length| u64::try_from(length).ok()).context("no length")?;
    let source = Source {
        bucket: worker.published.bucket(),
        key: published_key(record).to_string(),
        etag: head.e_tag().context("no entity tag")?,
        version_id: head.version_id(),
        size,
    };
    let fetched = fetch(&worker.s3, &source).await?;
    if size != record.size || record.sha256 != Some(fetched.sha256) {
        let reason = "the published bytes are not those that were scanned";
        return Ok(worker.verdict_without_scan(Outcome::Mismatch, reason));
    }
    let share = invocation.share(size)?;
    let finding = worker.inspector.inspect(fetched.object, record, share).await?;
    if finding.out_of_time {
        // What was found clean is not taken away because rules became slower.
        bail!(finding.reason.unwrap_or_default());
    }
    Ok(worker.verdict(finding))
}

async fn head(worker: &Worker, record: &Record) -> Result<HeadObjectOutput, aws_sdk_s3::Error> {
    let (bucket, key) = (worker.published.bucket(), published_key(record).to_string());
    Ok(worker.s3.head_object().bucket(bucket).key(key).send().await?)
}
