//! One bucket's versions, and the questions asked of them.

use super::record::{BucketRecord, Version};
use s3s::{S3Error, S3Result, dto::ETagCondition, s3_error};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) struct Bucket {
    pub(crate) record: BucketRecord,
    /// The versions of each key, oldest first. No list is empty.
    pub(crate) objects: BTreeMap<String, Vec<Arc<Version>>>,
}

/// A version in its bucket.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) version: Arc<Version>,
    /// What answers name as its version id: nothing in a bucket that never was versioned.
    pub(crate) version_id: Option<String>,
}

/// What must be true of the current version for a write to happen.
#[derive(Default)]
pub(crate) struct Conditions {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
}

impl Bucket {
    pub(super) fn new(record: BucketRecord) -> Self {
        Self { record, objects: BTreeMap::new() }
    }

    fn current(&self, key: &str) -> Option<&Arc<Version>> {
        self.objects.get(key)?.last().filter(|version| !version.is_marker())
    }

    /// A version by its id; without one, the newest. Either may be a delete marker.
    pub(crate) fn version(&self, key: &str, version_id: Option<&str>) -> S3Result<Found> {
        let mut versions = self.objects.get(key).into_iter().flatten();
        let version = match version_id {
            None => versions.next_back().ok_or_else(no_such_key)?,
            Some(id) => versions
                .find(|version| version.version_id == id)
                .ok_or_else(|| s3_error!(NoSuchVersion, "The specified version does not exist."))?,
        };
        Ok(self.found(version.clone()))
    }

    pub(super) fn found(&self, version: Arc<Version>) -> Found {
        let version_id = self.record.was_versioned.then(|| version.version_id.clone());
        Found { version, version_id }
    }

    pub(super) fn check(&self, key: &str, conditions: &Conditions) -> S3Result<()> {
        let current = self.current(key);
        let etag = current.and_then(|version| version.content.as_ref()).map(|content| content.etag.as_str());
        let fits = |condition: &ETagCondition| etag.is_some_and(|etag| matches(condition, etag));
        if conditions.if_match.is_some() && current.is_none() {
            return Err(no_such_key());
        }
        if conditions.if_match.as_ref().is_some_and(|condition| !fits(condition))
            || conditions.if_none_match.as_ref().is_some_and(fits)
        {
            return Err(failed_precondition());
        }
        Ok(())
    }
}

/// Whether a condition names this ETag.
pub(crate) fn matches(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(named) => named.as_strong() == Some(etag),
    }
}

pub(crate) fn failed_precondition() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

pub(crate) fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}
