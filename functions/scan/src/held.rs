//! Keeps what was not accepted, or was recalled, for those who look into it: in the quarantine
//! bucket, under a key for which no URL is ever signed, tagged with the verdict, until the bucket's
//! lifecycle ends it.

use crate::worker::Worker;
use airlock_content::verdict::{Outcome, Verdict};
use airlock_objects::record::Record;
use airlock_quarantine::HeldKey;
use aws_sdk_s3::types::{MetadataDirective, TaggingDirective};

/// Copies the object at `source` (bucket, `/`, key) to where it is held, if it is still there, with
/// `etag` if one is given; answers whether it was. One call: CopyObject.
///
/// # Errors
/// When S3 does not make the copy; the original stays where it is.
pub(crate) async fn hold(
    worker: &Worker,
    record: &Record,
    source: String,
    etag: Option<&str>,
    verdict: &Verdict,
) -> Result<bool, aws_sdk_s3::Error> {
    let copied = worker
        .s3
        .copy_object()
        .copy_source(source)
        .set_copy_source_if_match(etag.map(str::to_owned))
        .bucket(worker.quarantine.bucket())
        .key(HeldKey::new(record.tenant.clone(), record.id).to_string())
        .metadata_directive(MetadataDirective::Replace)
        .content_type("application/octet-stream")
        .tagging_directive(TaggingDirective::Replace)
        .tagging(tags(record, verdict))
        .send()
        .await;
    match copied {
        Ok(_) => Ok(true),
        Err(error) => match error.raw_response().map(|response| response.status().as_u16()) {
            Some(404 | 412) => Ok(false),
            _ => Err(error.into()),
        },
    }
}

/// Whose it is and what was said of it. Tag values are short and have few characters; the registry
/// has the whole verdict.
fn tags(record: &Record, verdict: &Verdict) -> String {
    let first = verdict.matches.first().map_or("none", |found| found.rule.as_str());
    format!("tenant-id={}&outcome={}&rule={}", record.tenant, name(verdict.outcome), crate::tag_value(first))
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Clean => "clean",
        Outcome::Malicious => "malicious",
        Outcome::Mismatch => "mismatch",
        Outcome::LimitsExceeded => "limits_exceeded",
        Outcome::Unscannable => "unscannable",
    }
}
