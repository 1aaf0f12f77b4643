//! Makes a clean object downloadable: copies exactly the scanned bytes, then says so in the
//! registry, then clears quarantine. Until the registry says so, nobody gets a URL.

use super::{FUNCTION, Settled, copy_source, gone, settle};
use crate::worker::{Worker, published_key};
use airlock_content::verdict::Verdict;
use airlock_objects::{
    checksum::Sha256,
    record::{Pin, Record},
    registry::{Actor, Change, Changed},
    state::{State, Transition},
    timestamp::Timestamp,
};
use airlock_published::{PublishedKey, attachment};
use aws_sdk_s3::{
    error::SdkError,
    operation::copy_object::CopyObjectError,
    types::{ChecksumAlgorithm, MetadataDirective, TaggingDirective},
};

/// Publishes the object of `record`, whose scanned bytes are `pin` and `sha256`.
pub(super) async fn publish(
    worker: &Worker,
    record: &Record,
    pin: &Pin,
    sha256: Sha256,
    verdict: &Verdict,
) -> anyhow::Result<Settled> {
    let key = published_key(record);
    if let Err(error) = copy(worker, record, pin, &key).await {
        if !matches!(error.raw_response().map(|response| response.status().as_u16()), Some(404 | 412)) {
            return Err(aws_sdk_s3::Error::from(error).into());
        }
        return settle::close(worker, record, pin, Some(sha256), &gone(worker)).await;
    }
    let change = Change::new(record, Transition::Publish, Actor::Function(FUNCTION), Timestamp::now())
        .scanned(sha256)
        .verdict(verdict)
        .listed()
        .settled();
    match worker.registry.change(change).await? {
        Changed::Done => {
            settle::clear(worker, record).await;
            Ok(Settled::Published)
        }
        // Another delivery of the message was faster, with the same bytes under the same key.
        Changed::Superseded(Some(latest)) if latest.state == State::Published => Ok(Settled::Elsewhere),
        Changed::Superseded(_) => {
            worker.published.remove(&key).await?;
            Ok(Settled::Elsewhere)
        }
    }
}

/// Copies the pinned bytes with metadata of our own; of what the uploader sent, only bytes remain.
/// One call: CopyObject with `x-amz-copy-source-if-match`.
async fn copy(
    worker: &Worker,
    record: &Record,
    pin: &Pin,
    key: &PublishedKey,
) -> Result<(), SdkError<CopyObjectError>> {
    worker
        .s3
        .copy_object()
        .copy_source(copy_source(worker, record, pin))
        .copy_source_if_match(&pin.etag)
        .bucket(worker.published.bucket())
        .key(key.to_string())
        .metadata_directive(MetadataDirective::Replace)
        .content_type(&record.content_type)
        .content_disposition(attachment(&record.file_name))
        .cache_control("private, no-store")
        .tagging_directive(TaggingDirective::Replace)
        .tagging(tags(record))
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .send()
        .await?;
    Ok(())
}

/// Who the object belongs to and who uploaded it (T-14); the registry has the exact user.
fn tags(record: &Record) -> String {
    format!("tenant-id={}&uploader={}", record.tenant, crate::tag_value(record.user.as_str()))
}
