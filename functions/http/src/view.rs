//! An object as the API shows it to its owner.

use airlock_content::verdict::Verdict;
use airlock_objects::{
    checksum::Sha256, file_name::FileName, id::ObjectId, record::Record, state::State, timestamp::Timestamp,
};
use serde::Serialize;

/// Every field that an owner may see. Keys, buckets and entity tags are not among them.
#[derive(Debug, Serialize)]
pub struct ObjectView<'a> {
    /// How the id is called: `upload_id` on the way in, `object_id` once published.
    #[serde(flatten)]
    id: Id,
    state: State,
    file_name: &'a FileName,
    content_type: &'a str,
    size: u64,
    sha256: Option<Sha256>,
    created_at: Timestamp,
    expires_at: Timestamp,
    finalized_at: Option<Timestamp>,
    scanned_at: Option<Timestamp>,
    verdict: Option<&'a Verdict>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Id {
    UploadId(ObjectId),
    ObjectId(ObjectId),
}

impl<'a> ObjectView<'a> {
    /// As an upload.
    pub fn upload(record: &'a Record) -> Self {
        Self::new(record, Id::UploadId(record.id))
    }

    /// As an object.
    pub fn object(record: &'a Record) -> Self {
        Self::new(record, Id::ObjectId(record.id))
    }

    fn new(record: &'a Record, id: Id) -> Self {
        Self {
            id,
            state: record.state,
            file_name: &record.file_name,
            content_type: &record.content_type,
            size: record.size,
            sha256: record.sha256,
            created_at: record.created_at,
            expires_at: record.expires_at,
            finalized_at: record.finalized_at,
            scanned_at: record.scanned_at,
            verdict: record.verdict.as_ref(),
        }
    }
}
