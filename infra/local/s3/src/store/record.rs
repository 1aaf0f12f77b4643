//! The records of buckets, versions, uploads and parts, each of them a JSON file.

use crate::{
    checksum::{Algorithm, Checksum},
    settings::BucketSettings,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// The version id of an object that was written while its bucket was not versioned.
pub(crate) const NULL_VERSION: &str = "null";

/// An id that cannot be guessed; also the name of a file.
pub(crate) fn fresh_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BucketRecord {
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created: OffsetDateTime,
    pub(crate) settings: BucketSettings,
    /// Versioning can be suspended, but never be undone.
    pub(crate) was_versioned: bool,
    pub(crate) public_access_block: Option<PublicAccessBlock>,
}

impl BucketRecord {
    pub(super) fn new() -> Self {
        Self {
            created: OffsetDateTime::now_utc(),
            settings: BucketSettings::default(),
            was_versioned: false,
            public_access_block: None,
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct PublicAccessBlock {
    pub(crate) block_public_acls: bool,
    pub(crate) ignore_public_acls: bool,
    pub(crate) block_public_policy: bool,
    pub(crate) restrict_public_buckets: bool,
}

/// What a client says of an object: headers, metadata, tags, encryption.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Properties {
    pub(crate) content_type: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) expires: Option<OffsetDateTime>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) tags: Vec<(String, String)>,
    /// `None` is S3's default: AES256.
    pub(crate) encryption: Option<String>,
    pub(crate) kms_key_id: Option<String>,
}

/// The bytes of a version, and what they add up to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) checksum: Checksum,
    /// The sizes of the parts it was made of; empty if it came in one.
    pub(crate) parts: Vec<u64>,
}

/// A version of an object, or a delete marker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Version {
    /// The name of its files.
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) version_id: String,
    /// Orders the versions of a key, across restarts.
    pub(crate) sequence: u64,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) modified: OffsetDateTime,
    /// `None` is a delete marker.
    pub(crate) content: Option<Content>,
    pub(crate) properties: Properties,
}

impl Version {
    pub(crate) fn is_marker(&self) -> bool {
        self.content.is_none()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) bucket: String,
    pub(crate) key: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) started: OffsetDateTime,
    pub(crate) properties: Properties,
    /// The checksum it was started with, if one was named.
    pub(crate) algorithm: Option<Algorithm>,
    /// Whether the checksum of the object will be of its parts' checksums.
    pub(crate) covers_parts: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    /// The name of its content's file.
    pub(crate) id: String,
    pub(crate) number: i32,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) modified: OffsetDateTime,
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) checksum: Checksum,
}
