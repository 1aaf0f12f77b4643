//! Multipart uploads.

use super::{
    Draft, Found, NewObject, State, Store,
    record::{PartRecord, UploadRecord, fresh_id},
};
use s3s::{S3Result, s3_error};
use std::{collections::BTreeMap, path::PathBuf};

/// An upload, and its parts by number.
#[derive(Clone)]
pub(crate) struct Upload {
    pub(crate) record: UploadRecord,
    pub(crate) parts: BTreeMap<i32, PartRecord>,
}

impl Upload {
    pub(super) fn new(record: UploadRecord, parts: Vec<PartRecord>) -> Self {
        Self { record, parts: parts.into_iter().map(|part| (part.number, part)).collect() }
    }
}

impl State {
    fn upload(&mut self, id: &str, bucket: &str, key: &str) -> S3Result<&mut Upload> {
        let upload = self.uploads.get_mut(id);
        upload.filter(|upload| upload.record.bucket == bucket && upload.record.key == key).ok_or_else(|| {
            s3_error!(
                NoSuchUpload,
                "The specified upload does not exist. The upload ID may be invalid, or the upload may \
                 have been aborted or completed."
            )
        })
    }
}

impl Store {
    /// Starts an upload; answers its id.
    pub(crate) fn start_upload(&self, record: UploadRecord) -> S3Result<String> {
        let mut state = self.lock();
        state.bucket(&record.bucket)?;
        let id = fresh_id();
        self.disk.write_upload(&id, &record).map_err(|error| self.internal(&error))?;
        state.uploads.insert(id.clone(), Upload::new(record, Vec::new()));
        Ok(id)
    }

    pub(crate) fn upload(&self, id: &str, bucket: &str, key: &str) -> S3Result<Upload> {
        self.lock().upload(id, bucket, key).map(|upload| upload.clone())
    }

    /// The uploads of a bucket by id, in no order.
    pub(crate) fn uploads_of(&self, bucket: &str) -> S3Result<Vec<(String, UploadRecord)>> {
        let mut state = self.lock();
        state.bucket(bucket)?;
        let uploads = state.uploads.iter().filter(|(_, upload)| upload.record.bucket == bucket);
        Ok(uploads.map(|(id, upload)| (id.clone(), upload.record.clone())).collect())
    }

    /// Adds a part, or puts it in the place of the one with its number.
    pub(crate) fn put_part(
        &self,
        id: &str,
        (bucket, key): (&str, &str),
        part: PartRecord,
        draft: &Draft,
    ) -> S3Result<()> {
        let mut state = self.lock();
        let upload = state.upload(id, bucket, key)?;
        self.disk.write_part(id, &part, draft).map_err(|error| self.internal(&error))?;
        if let Some(old) = upload.parts.insert(part.number, part) {
            self.disk.remove_part_content(id, &old).map_err(|error| self.internal(&error))?;
        }
        Ok(())
    }

    pub(crate) fn part_path(&self, id: &str, part: &PartRecord) -> PathBuf {
        self.disk.part_content(id, &part.id)
    }

    pub(crate) fn abort_upload(&self, id: &str, bucket: &str, key: &str) -> S3Result<()> {
        let mut state = self.lock();
        state.upload(id, bucket, key)?;
        self.disk.remove_upload(id).map_err(|error| self.internal(&error))?;
        state.uploads.remove(id);
        Ok(())
    }

    /// Writes the object that an upload became, if the upload is still there, and ends the upload.
    pub(crate) fn complete_upload(&self, id: &str, object: NewObject) -> S3Result<Found> {
        let mut state = self.lock();
        state.upload(id, &object.bucket, &object.key)?;
        let found = self.put_locked(&mut state, object)?;
        // A crash here leaves an upload that can be completed again, to the same object.
        state.uploads.remove(id);
        self.disk.remove_upload(id).map_err(|error| self.internal(&error))?;
        Ok(found)
    }
}
