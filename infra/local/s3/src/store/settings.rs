//! Buckets come, change and go.

use super::{Bucket, Store, record::BucketRecord};
use crate::settings::BucketSettings;
use s3s::{S3Result, s3_error};
use std::io;
use time::OffsetDateTime;

impl Store {
    /// All buckets, and when they were made.
    pub(crate) fn buckets(&self) -> Vec<(String, OffsetDateTime)> {
        self.lock().buckets.iter().map(|(name, bucket)| (name.clone(), bucket.record.created)).collect()
    }

    /// Makes a bucket with these settings, or gives them to one that is there.
    pub(crate) fn configure_bucket(&self, name: &str, settings: BucketSettings) -> io::Result<()> {
        let mut state = self.lock();
        let mut record = state.buckets.get(name).map_or_else(BucketRecord::new, |held| held.record.clone());
        record.was_versioned |= settings.versioned;
        record.settings = settings;
        self.disk.write_bucket(name, &record)?;
        match state.buckets.get_mut(name) {
            Some(held) => held.record = record,
            None => _ = state.buckets.insert(name.to_owned(), Bucket::new(record)),
        }
        Ok(())
    }

    pub(crate) fn create_bucket(&self, name: &str) -> S3Result<()> {
        let mut state = self.lock();
        if state.buckets.contains_key(name) {
            return Err(s3_error!(BucketAlreadyOwnedByYou, "You already own this bucket."));
        }
        let record = BucketRecord::new();
        self.disk.write_bucket(name, &record).map_err(|error| self.internal(&error))?;
        state.buckets.insert(name.to_owned(), Bucket::new(record));
        Ok(())
    }

    /// Changes the record of a bucket.
    pub(crate) fn change_bucket(&self, name: &str, change: impl FnOnce(&mut BucketRecord)) -> S3Result<()> {
        let mut state = self.lock();
        let bucket = state.bucket(name)?;
        let mut record = bucket.record.clone();
        change(&mut record);
        record.was_versioned |= record.settings.versioned;
        self.disk.write_bucket(name, &record).map_err(|error| self.internal(&error))?;
        bucket.record = record;
        Ok(())
    }

    pub(crate) fn delete_bucket(&self, name: &str) -> S3Result<()> {
        let mut state = self.lock();
        if !state.bucket(name)?.objects.is_empty() {
            return Err(s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty"));
        }
        self.disk.remove_bucket(name).map_err(|error| self.internal(&error))?;
        state.buckets.remove(name);
        for (id, _) in state.uploads.extract_if(|_, upload| upload.record.bucket == name) {
            self.disk.remove_upload(&id).map_err(|error| self.internal(&error))?;
        }
        Ok(())
    }
}
