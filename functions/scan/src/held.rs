//! Holds objects that were not accepted, or were recalled, for those who investigate them: in the quarantine bucket,
//! under a key for which no URL is ever signed, tagged with the verdict. Each tenant may have so many bytes held; the
//! objects held longest make room for new ones.

use crate::{
    gone::is_gone,
    worker::{Worker, held_key},
};
use airlock_content::verdict::Verdict;
use airlock_objects::{
    id::TenantId,
    record::Record,
    registry::{Changed, HeldTerms, Holding, RegistryError},
};
use airlock_telemetry::metric::{self, Metric};
use aws_sdk_s3::types::{MetadataDirective, TaggingDirective};

/// How often room is made for one object before it is given up: other objects may take the room.
const ROUNDS: u32 = 3;
/// How many objects are read at a time to make room.
const PAGE: i32 = 25;

/// A copy that is to be held.
#[derive(Debug, Default)]
pub(crate) struct HeldCopy {
    /// Which version of what lies at the held key it is, if that is known.
    pub(crate) version_id: Option<String>,
}

/// Copies the object at `source` (bucket, `/`, key) to where it is held, if it is still there, with
/// `etag` if one is given; `None` if it is not. One call: CopyObject.
///
/// # Errors
/// When S3 does not make the copy; the original stays where it is.
pub(crate) async fn copy(
    worker: &Worker,
    record: &Record,
    source: String,
    etag: Option<&str>,
    verdict: &Verdict,
) -> Result<Option<HeldCopy>, aws_sdk_s3::Error> {
    let copied = worker
        .s3
        .copy_object()
        .copy_source(source)
        .set_copy_source_if_match(etag.map(str::to_owned))
        .bucket(worker.quarantine.bucket())
        .key(held_key(record).to_string())
        .metadata_directive(MetadataDirective::Replace)
        .content_type("application/octet-stream")
        .tagging_directive(TaggingDirective::Replace)
        .tagging(tags(&record.object.tenant, verdict))
        .send()
        .await;
    match copied {
        Ok(answer) => Ok(Some(HeldCopy { version_id: answer.version_id })),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Calls `begin` to record that the object of `record`, which has been copied, is held. If its tenant has no room, the
/// objects held longest are removed. `None` if there is no room even so; the copy is then removed.
///
/// Calls: those of `begin`. Only where there is no room: Query, for each object that goes DeleteObject and one
/// conditional transaction, and those of `begin` again.
///
/// # Errors
/// When the registry or S3 does not answer.
pub(crate) async fn keep(
    worker: &Worker,
    record: &Record,
    terms: HeldTerms,
    begin: impl AsyncFn(&HeldTerms) -> Result<Holding, RegistryError>,
) -> anyhow::Result<Option<Changed>> {
    for _ in 0..ROUNDS {
        match begin(&terms).await? {
            Holding::Changed(changed) => return Ok(Some(changed)),
            Holding::Full => {
                metric::count(Metric::HeldIsFull, worker.function);
                tracing::warn!(tenant_id = %record.object.tenant, "what it has held longest makes room");
                if record.declared.size > worker.most_held_bytes {
                    break;
                }
                make_room(worker, record).await?;
            }
        }
    }
    tracing::warn!(tenant_id = %record.object.tenant, object_id = %record.object.id, "there is no room to hold it");
    let copied = Record { held_version: terms.version_id, ..record.clone() };
    worker.quarantine.let_go(&held_key(record), copied.sole_held_version()).await?;
    Ok(None)
}

/// Removes the objects that the tenant of `record` has held longest, until there is room for this one.
async fn make_room(worker: &Worker, record: &Record) -> anyhow::Result<()> {
    let mut missing = record.declared.size;
    for oldest in worker.registry.held_longest(&record.object.tenant, PAGE).await? {
        if missing == 0 {
            break;
        }
        // The bytes go first: if this run ends here, the row is still found.
        worker.quarantine.let_go(&held_key(&oldest), oldest.sole_held_version()).await?;
        if let Changed::Done = worker.registry.let_go(&oldest).await? {
            missing = missing.saturating_sub(oldest.declared.size);
        }
    }
    Ok(())
}

/// The owner, the outcome and the first rule. Tag values are short and have few characters; the registry has the whole
/// verdict.
fn tags(tenant: &TenantId, verdict: &Verdict) -> String {
    let first = verdict.matches.first().map_or("none", |found| found.rule.as_str());
    format!("tenant-id={tenant}&outcome={}&rule={}", verdict.outcome.name(), crate::tag_value(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_content::verdict::{Outcome, RuleMatch};

    #[test]
    fn a_held_object_is_tagged_with_its_first_rule() {
        let tenant: TenantId = "acme".parse().unwrap();
        let mut verdict = Verdict::without_scan(Outcome::LimitsExceeded, "it is too large");
        assert_eq!(tags(&tenant, &verdict), "tenant-id=acme&outcome=limits_exceeded&rule=none");
        let matched = |rule: &str| RuleMatch {
            rule: rule.to_owned(),
            severity: "high".to_owned(),
            description: "a rule".to_owned(),
            member: None,
        };
        verdict.outcome = Outcome::Malicious;
        verdict.matches = vec![matched("a_rule&tenant-id=other"), matched("another")];
        assert_eq!(tags(&tenant, &verdict), "tenant-id=acme&outcome=malicious&rule=a_rule_tenant-id_other");
    }
}
