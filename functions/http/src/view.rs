//! An object as the API shows it to its owner.

use airlock_content::verdict::Verdict;
use airlock_objects::{
    checksum::Sha256,
    id::ObjectId,
    record::{Declared, Record},
    state::State,
    timestamp::Timestamp,
};
use serde::Serialize;

/// Every field that an owner may see. Keys, buckets and entity tags are not among them.
#[derive(Debug, Serialize)]
pub struct ObjectView<'a> {
    /// How the id is called: `upload_id` on the way in, `object_id` once published.
    #[serde(flatten)]
    id: Id,
    state: State,
    #[serde(flatten)]
    declared: &'a Declared,
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
        Self::new(record, Id::UploadId(record.object.id))
    }

    /// As an object.
    pub fn object(record: &'a Record) -> Self {
        Self::new(record, Id::ObjectId(record.object.id))
    }

    fn new(record: &'a Record, id: Id) -> Self {
        Self {
            id,
            state: record.state,
            declared: &record.declared,
            sha256: record.sha256,
            created_at: record.created_at,
            expires_at: record.expires_at,
            finalized_at: record.finalized_at,
            scanned_at: record.scanned_at,
            verdict: record.verdict.as_ref(),
        }
    }
}
