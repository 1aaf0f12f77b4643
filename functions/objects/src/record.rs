//! What the registry knows of one object.

use crate::{
    checksum::Sha256,
    file_name::FileName,
    id::{ObjectId, TenantId, UserId},
    state::State,
    timestamp::Timestamp,
};
use airlock_content::verdict::Verdict;

/// The identity that quarantined bytes had when they were finalized. The scan reads exactly this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The entity tag, with its quotes, as S3 answers it.
    pub etag: String,
    /// The version, if the bucket keeps versions.
    pub version_id: Option<String>,
}

/// One object: everything that was declared, found and decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Its id, the same from upload to deletion.
    pub id: ObjectId,
    /// Who asked for the upload.
    pub user: UserId,
    /// Where it stands.
    pub state: State,
    /// Counts the changes of this row, from 1.
    pub version: u64,
    /// The name it had.
    pub file_name: FileName,
    /// The declared media type, in lower case, with its parameters.
    pub content_type: String,
    /// The declared size, in bytes.
    pub size: u64,
    /// The declared checksum; once scanned, the checksum of what was scanned.
    pub sha256: Option<Sha256>,
    /// When the upload was asked for.
    pub created_at: Timestamp,
    /// Until when it can be finalized.
    pub expires_at: Timestamp,
    /// When it was finalized.
    pub finalized_at: Option<Timestamp>,
    /// When a scan was last asked for.
    pub queued_at: Option<Timestamp>,
    /// How often a scan was asked for.
    pub queued_times: u64,
    /// When the verdict was reached.
    pub scanned_at: Option<Timestamp>,
    /// Which bytes were finalized.
    pub pin: Option<Pin>,
    /// What the scan said.
    pub verdict: Option<Verdict>,
}
