//! What the registry knows of one object.

use crate::{
    checksum::Sha256,
    file_name::FileName,
    id::{ObjectRef, UserId},
    state::State,
    timestamp::Timestamp,
};
use airlock_content::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// What the uploader said of the object, which nobody changes. These are attributes of its row and fields of its
/// answers under these very names. A new field is an `Option` with `#[serde(skip_serializing_if = "Option::is_none")]`: rows
/// that stand do not have it, answers without it stay as they are, and requests that are repeated keep their fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The name it had.
    pub file_name: FileName,
    /// The media type, in lower case, with its parameters.
    pub content_type: String,
    /// The size, in bytes.
    pub size: u64,
}

/// The identity that quarantined bytes had when they were finalized. The scan reads exactly this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The entity tag, with its quotes, as S3 answers it.
    pub etag: String,
    /// The version, if the bucket keeps versions.
    pub version_id: Option<String>,
}

/// The right to scan an object, which one delivery of a message has at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The message that asks for the scan. A delivery of the same message may take the claim over: SQS
    /// delivers it again only when the delivery before it failed or took longer than its visibility time-out.
    pub message: String,
    /// When the invocation that scans it ends at the latest.
    pub until: Timestamp,
}

/// One object: everything that was declared, found and decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Which object it is, the same from upload to deletion.
    pub object: ObjectRef,
    /// Who asked for the upload.
    pub user: UserId,
    /// Its state.
    pub state: State,
    /// Counts the changes of state, verdict and claim, from 1. A writer that read an older version changes nothing.
    pub version: u64,
    /// What was declared.
    pub declared: Declared,
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
    /// How often a scan began.
    pub scans: u64,
    /// Who scans it, or was the last that did.
    pub claim: Option<Claim>,
    /// When the verdict was reached.
    pub scanned_at: Option<Timestamp>,
    /// Which bytes were finalized.
    pub pin: Option<Pin>,
    /// What the scan said.
    pub verdict: Option<Verdict>,
    /// Until when its bytes are held, if they are.
    pub held_until: Option<Timestamp>,
    /// Which version of what lies at its held key these bytes are, if that is known.
    pub held_version: Option<String>,
}

impl Record {
    /// A new upload, which can be finalized until `expires_at`.
    pub fn open(
        object: ObjectRef,
        user: UserId,
        declared: Declared,
        sha256: Option<Sha256>,
        created_at: Timestamp,
        expires_at: Timestamp,
    ) -> Self {
        Self {
            object,
            user,
            state: State::Pending,
            version: 1,
            declared,
            sha256,
            created_at,
            expires_at,
            finalized_at: None,
            queued_at: None,
            queued_times: 0,
            scans: 0,
            claim: None,
            scanned_at: None,
            pin: None,
            verdict: None,
            held_until: None,
            held_version: None,
        }
    }

    /// The version to remove when its bytes are let go. None if a scan that died may have left another version at its
    /// held key: then all that lies there goes.
    pub fn sole_held_version(&self) -> Option<&str> {
        self.held_version.as_deref().filter(|_| self.scans <= 1)
    }

    /// When the last scan of this object has ended, so that nothing changes what it left.
    pub fn scans_end_at(&self) -> Option<Timestamp> {
        self.claim.as_ref().map(|claim| claim.until)
    }
}
