//! Makes a clean object downloadable: copies exactly the scanned version, compares what S3 says that it copied with
//! what was scanned, then says so in the registry, then closes the key in quarantine. Until the registry says so,
//! nobody gets a URL; and what nobody must change any more is never written again.

use super::{ScanUpload, Settled, copy_source, gone, settle};
use crate::{
    gone::is_gone,
    worker::{Worker, published_key},
};
use airlock_aws::Function;
use airlock_content::verdict::Verdict;
use airlock_objects::{
    checksum::Sha256,
    record::{Pin, Record},
    registry::{Actor, Change, Changed},
    state::{State, Transition},
    timestamp::Timestamp,
};
use airlock_published::{PublishedKey, attachment};
use airlock_telemetry::metric::{self, Metric};
use anyhow::bail;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, MetadataDirective, TaggingDirective};

/// What lies at the published key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    /// A copy that was just made, with the checksum that S3 answers.
    Copied(Option<Sha256>),
    /// A copy that a scan before this one made, with the checksum that S3 answers.
    Before(Option<Sha256>),
    /// Nothing: what was finalized is gone.
    Nothing,
}

/// Publishes the object of `record`, whose scanned bytes are `pin` and `sha256`.
pub(super) async fn publish(
    worker: &Worker,
    record: &Record,
    pin: &Pin,
    sha256: Sha256,
    verdict: &Verdict,
) -> anyhow::Result<Settled> {
    let key = published_key(record);
    let there = copy(worker, record, pin, &key).await?;
    match there {
        There::Copied(copied) | There::Before(copied) if copied == Some(sha256) => {}
        There::Nothing => return settle::close(worker, record, pin, Some(sha256), &gone()).await,
        There::Copied(_) | There::Before(_) => {
            metric::count(Metric::CopiesThatDiffer, ScanUpload::NAME);
            if let There::Copied(_) = there {
                // It was made where nothing was, and no scan takes it for its own, so no record has it.
                worker.published.remove(&key).await?;
            }
            bail!("the copy is not what was scanned");
        }
    }
    let change =
        Change::new(record, Transition::Publish, Actor::Function(ScanUpload::NAME), Timestamp::now())
            .scanned(sha256)
            .verdict(verdict)
            .listed()
            .scan_ended()
            .settled();
    match worker.registry.change(change).await? {
        Changed::Done => {
            settle::clear(worker, record, pin).await;
            Ok(Settled::Published)
        }
        Changed::Superseded(latest) => superseded(worker, &key, there, sha256, latest.as_deref()).await,
    }
}

/// Another scan of the same object took the claim over. What became of the object decides what the copy is.
async fn superseded(
    worker: &Worker,
    key: &PublishedKey,
    there: There,
    sha256: Sha256,
    latest: Option<&Record>,
) -> anyhow::Result<Settled> {
    match latest {
        Some(Record { state: State::Published, sha256: published, .. }) if *published != Some(sha256) => {
            metric::count(Metric::CopiesThatDiffer, ScanUpload::NAME);
            bail!("it was published with other bytes than were scanned");
        }
        // The other scan published the same bytes, or will find them when it does.
        Some(Record { state: State::Published | State::Scanning, .. }) => {}
        // It can never be published again.
        _ => {
            if let There::Copied(_) = there {
                worker.published.remove(key).await?;
            }
        }
    }
    Ok(Settled::Elsewhere)
}

/// Copies the pinned version to where nothing is yet, with metadata of our own; of what the uploader sent, only
/// bytes remain. One call: CopyObject with `If-None-Match: *` for its destination; if that is refused, HeadObject.
async fn copy(worker: &Worker, record: &Record, pin: &Pin, key: &PublishedKey) -> anyhow::Result<There> {
    let copied = worker
        .s3
        .copy_object()
        .copy_source(copy_source(worker, record, pin))
        .copy_source_if_match(&pin.etag)
        .bucket(worker.published.bucket())
        .key(key.to_string())
        .if_none_match("*")
        .metadata_directive(MetadataDirective::Replace)
        .content_type(&record.declared.content_type)
        .content_disposition(attachment(&record.declared.file_name))
        .cache_control("private, no-store")
        .tagging_directive(TaggingDirective::Replace)
        .tagging(tags(record))
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .send()
        .await;
    match copied {
        Ok(answer) => {
            let sum = answer.copy_object_result.and_then(|result| result.checksum_sha256);
            Ok(There::Copied(sum.as_deref().and_then(|sum| Sha256::from_base64(sum).ok())))
        }
        Err(error) if is_gone(&error) => look(worker, key).await,
        Err(error) => Err(aws_sdk_s3::Error::from(error).into()),
    }
}

/// What a copy that was refused met.
async fn look(worker: &Worker, key: &PublishedKey) -> anyhow::Result<There> {
    let head = worker
        .s3
        .head_object()
        .bucket(worker.published.bucket())
        .key(key.to_string())
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await;
    match head {
        Ok(head) => {
            let sum = head.checksum_sha256.as_deref();
            Ok(There::Before(sum.and_then(|sum| Sha256::from_base64(sum).ok())))
        }
        Err(error) if is_gone(&error) => Ok(There::Nothing),
        Err(error) => Err(aws_sdk_s3::Error::from(error).into()),
    }
}

/// Who the object belongs to and who uploaded it (T-14); the registry has the exact user.
fn tags(record: &Record) -> String {
    format!("tenant-id={}&uploader={}", record.object.tenant, crate::tag_value(record.user.as_str()))
}
