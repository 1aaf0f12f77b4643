//! S3 events of quarantine: catches a write that no pending upload explains (T-01).
//!
//! A PUT URL can be signed or used when its upload has just ended without one. What is put then is deleted, its
//! key is closed, and it is counted and logged. Events come at least once and in any order, so what an event says
//! is compared with the registry, and nothing is deleted that the pipeline still needs.
//!
//! AWS calls per event: GetItem; for a write that looks wrong, HeadObject, PutObject and DeleteObject. None for the
//! empty objects that close keys.

use airlock_aws::{Function, on_events};
use airlock_objects::{record::Record, registry::Registry, state::State, timestamp::Timestamp};
use airlock_quarantine::{Quarantine, QuarantineKey};
use airlock_telemetry::metric::{self, Metric};
use anyhow::{Context as _, bail};
use aws_config::SdkConfig;
use aws_lambda_events::s3::{S3Event, S3EventRecord};
use lambda_runtime::LambdaEvent;
use std::time::SystemTime;

/// The function that S3 tells of writes to quarantine.
#[derive(Debug)]
pub struct WatchQuarantine {
    registry: Registry,
    quarantine: Quarantine,
}

impl Function for WatchQuarantine {
    const NAME: &'static str = "watch-quarantine";

    async fn start(aws: &SdkConfig) -> anyhow::Result<Self> {
        let (registry, quarantine) = tokio::try_join!(Registry::connect(aws), Quarantine::connect(aws))?;
        Ok(Self { registry, quarantine })
    }

    async fn serve(self) -> anyhow::Result<()> {
        on_events(|event: LambdaEvent<serde_json::Value>| handle(&self, event.payload)).await
    }
}

/// Looks at every record, also when one fails; fails if any did, so that S3 delivers the event again.
async fn handle(app: &WatchQuarantine, payload: serde_json::Value) -> anyhow::Result<()> {
    // S3 announces itself with a test event, which has no records.
    if payload.get("Event").is_some_and(|event| event == "s3:TestEvent") {
        return Ok(());
    }
    let event: S3Event = serde_json::from_value(payload).context("not an S3 event")?;
    let mut failed = 0;
    for record in &event.records {
        if let Err(error) = watch(app, record).await {
            failed += 1;
            tracing::error!(error = ?error, "a write to quarantine could not be checked");
        }
    }
    if failed == 0 { Ok(()) } else { bail!("{failed} of {} records failed", event.records.len()) }
}

async fn watch(app: &WatchQuarantine, event: &S3EventRecord) -> anyhow::Result<()> {
    let encoded = event.s3.object.key.as_deref().context("the event names no key")?;
    let Ok(key) = QuarantineKey::from_event(encoded) else {
        // No URL of ours can write there; only an operator could.
        metric::count(Metric::ForeignObject, WatchQuarantine::NAME);
        tracing::warn!(
            length = encoded.len(),
            "an object appeared in quarantine under a key that is not ours"
        );
        return Ok(());
    };
    if event.s3.object.size == Some(0) {
        // What closes a key; no upload is empty.
        return Ok(());
    }
    let record = app.registry.get(key.object()).await?;
    let written_at = Timestamp::from(SystemTime::from(event.event_time));
    if is_expected(record.as_ref(), written_at, event.s3.object.e_tag.as_deref()) {
        return Ok(());
    }
    let Some(found) = app.quarantine.head(&key).await?.filter(|found| found.size > 0) else {
        return Ok(());
    };
    app.quarantine.close(&key, &found.pin).await?;
    metric::count(Metric::UploadReuseDetected, WatchQuarantine::NAME);
    tracing::warn!(
        tenant_id = %key.object().tenant, object_id = %key.object().id, state = record.as_ref().map(|record| record.state.as_str()),
        "an upload URL was used after its upload had ended; the object was deleted"
    );
    Ok(())
}

/// Whether the pipeline knows of this write: the upload is still pending, or it is the very write
/// that was finalized.
fn is_expected(record: Option<&Record>, written_at: Timestamp, etag: Option<&str>) -> bool {
    let Some(record) = record else { return false };
    let pinned =
        || record.pin.as_ref().map(|pin| pin.etag.trim_matches('"')) == etag.map(|tag| tag.trim_matches('"'));
    match (record.state, record.finalized_at) {
        (State::Pending, _) => true,
        // The bucket refuses to write over an object that is there, so this is the pinned one.
        (State::Scanning, _) => true,
        (_, Some(finalized_at)) => pinned() && written_at <= finalized_at,
        // Refused at finalize: it stays for the bucket's lifecycle.
        (State::Rejected, None) => true,
        (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_objects::{
        id::{ObjectId, ObjectRef},
        record::{Declared, Pin},
    };
    use std::time::Duration;

    fn record(state: State, finalized: bool) -> Record {
        let now = Timestamp::from_millis(1_000_000);
        // As a row has it, so that an optional field more is no change here.
        let declared = r#"{ "file_name": "a.txt", "content_type": "text/plain", "size": 1 }"#;
        let declared: Declared = serde_json::from_str(declared).expect("a declaration");
        let object = ObjectRef::new("acme".parse().expect("a tenant"), ObjectId::new());
        Record {
            state,
            finalized_at: finalized.then_some(now),
            pin: finalized.then(|| Pin { etag: "\"aa\"".to_owned(), version_id: None }),
            ..Record::open(object, "ada".parse().expect("a user"), declared, None, now, now)
        }
    }

    #[test]
    fn t01_only_a_write_that_the_pipeline_knows_is_left_alone() {
        let before = Timestamp::from_millis(999_000);
        let after = Timestamp::from_millis(1_000_000) + Duration::from_millis(1);
        for state in State::ALL {
            let waits = matches!(state, State::Pending | State::Scanning);
            let record = record(state, true);
            assert!(is_expected(Some(&record), before, Some("aa")), "late event of the first write, {state}");
            assert_eq!(is_expected(Some(&record), after, Some("aa")), waits, "same bytes again, {state}");
            assert_eq!(is_expected(Some(&record), before, Some("bb")), waits, "other bytes, {state}");
        }
        assert!(!is_expected(Some(&record(State::Expired, false)), before, Some("aa")));
        assert!(is_expected(Some(&record(State::Rejected, false)), before, Some("aa")));
        assert!(!is_expected(None, before, Some("aa")));
    }
}
