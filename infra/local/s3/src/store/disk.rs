//! The files of the store.
//!
//! ```text
//! incoming/                       what is being written; emptied at start
//! buckets/BUCKET/bucket.json      settings
//! buckets/BUCKET/versions/ID.json what is known of a version: with it, the version exists
//! buckets/BUCKET/contents/ID      its bytes; never changed once they are here
//! uploads/UPLOAD/upload.json      a multipart upload
//! uploads/UPLOAD/parts/N.json     a part: with it, the part exists
//! uploads/UPLOAD/contents/ID      its bytes
//! ```
//!
//! Contents are moved into place before the record that makes them visible is, and records go
//! before their contents do. So a process that dies at any point leaves nothing half-written to
//! see, only files without a record, which the next start removes. Nothing is flushed to the
//! device: contents that a power failure cut short are found by their size, and dropped.

use super::record::{BucketRecord, PartRecord, UploadRecord, Version, fresh_id};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::HashSet,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

pub(super) struct Disk {
    root: PathBuf,
}

/// The name of a file in `incoming/`, which goes away unless it is moved elsewhere.
pub(crate) struct Draft {
    path: PathBuf,
}

impl Draft {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the draft another name of `file`; where the file system cannot do that, a copy.
    pub(crate) fn link_to(&self, file: &Path) -> io::Result<()> {
        match fs::hard_link(file, &self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => fs::copy(file, &self.path).map(|_| ()),
            other => other,
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is gone once it was moved; a draft that stays is removed at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

impl Disk {
    /// Opens or makes the folder, and empties `incoming/`.
    pub(super) fn open(root: PathBuf) -> io::Result<Self> {
        let disk = Self { root };
        absent_is_fine(fs::remove_dir_all(disk.root.join("incoming")))?;
        for folder in ["incoming", "buckets", "uploads"] {
            fs::create_dir_all(disk.root.join(folder))?;
        }
        Ok(disk)
    }

    pub(super) fn draft(&self) -> Draft {
        Draft { path: self.root.join("incoming").join(fresh_id()) }
    }

    fn bucket(&self, bucket: &str) -> PathBuf {
        self.root.join("buckets").join(bucket)
    }

    fn upload(&self, upload: &str) -> PathBuf {
        self.root.join("uploads").join(upload)
    }

    pub(super) fn content(&self, bucket: &str, id: &str) -> PathBuf {
        self.bucket(bucket).join("contents").join(id)
    }

    pub(super) fn part_content(&self, upload: &str, id: &str) -> PathBuf {
        self.upload(upload).join("contents").join(id)
    }

    fn write<T: Serialize>(&self, path: &Path, record: &T) -> io::Result<()> {
        let draft = self.draft();
        fs::write(draft.path(), serde_json::to_vec(record)?)?;
        fs::rename(draft.path(), path)
    }

    pub(super) fn write_bucket(&self, name: &str, record: &BucketRecord) -> io::Result<()> {
        for folder in ["versions", "contents"] {
            fs::create_dir_all(self.bucket(name).join(folder))?;
        }
        self.write(&self.bucket(name).join("bucket.json"), record)
    }

    pub(super) fn remove_bucket(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.bucket(name).join("bucket.json"))?;
        fs::remove_dir_all(self.bucket(name))
    }

    /// Makes a version exist; `draft` holds its bytes, if they are not there yet.
    pub(super) fn write_version(
        &self,
        bucket: &str,
        version: &Version,
        draft: Option<&Draft>,
    ) -> io::Result<()> {
        if let Some(draft) = draft {
            fs::rename(draft.path(), self.content(bucket, &version.id))?;
        }
        self.write(&record(&self.bucket(bucket).join("versions"), &version.id), version)
    }

    pub(super) fn remove_version(&self, bucket: &str, version: &Version) -> io::Result<()> {
        absent_is_fine(fs::remove_file(record(&self.bucket(bucket).join("versions"), &version.id)))?;
        absent_is_fine(fs::remove_file(self.content(bucket, &version.id)))
    }

    pub(super) fn write_upload(&self, id: &str, upload: &UploadRecord) -> io::Result<()> {
        for folder in ["parts", "contents"] {
            fs::create_dir_all(self.upload(id).join(folder))?;
        }
        self.write(&self.upload(id).join("upload.json"), upload)
    }

    pub(super) fn write_part(&self, upload: &str, part: &PartRecord, draft: &Draft) -> io::Result<()> {
        fs::rename(draft.path(), self.part_content(upload, &part.id))?;
        self.write(&record(&self.upload(upload).join("parts"), &part.number.to_string()), part)
    }

    pub(super) fn remove_part_content(&self, upload: &str, part: &PartRecord) -> io::Result<()> {
        absent_is_fine(fs::remove_file(self.part_content(upload, &part.id)))
    }

    pub(super) fn remove_upload(&self, id: &str) -> io::Result<()> {
        fs::remove_file(self.upload(id).join("upload.json"))?;
        fs::remove_dir_all(self.upload(id))
    }

    /// All buckets and their versions. Removes leftovers of a crash on the way.
    pub(super) fn buckets(&self) -> io::Result<Vec<(String, BucketRecord, Vec<Version>)>> {
        let mut buckets = Vec::new();
        for folder in entries(&self.root.join("buckets"))? {
            let file = folder.join("bucket.json");
            if !file.exists() {
                fs::remove_dir_all(folder)?;
                continue;
            }
            let settings = serde_json::from_slice(&fs::read(file)?)?;
            let contents = folder.join("contents");
            let versions = sound(&folder.join("versions"), &contents, |version: &Version| {
                version.content.as_ref().map(|content| (version.id.clone(), content.size))
            })?;
            buckets.push((name(&folder), settings, versions));
        }
        Ok(buckets)
    }

    /// All multipart uploads and their parts. Removes leftovers of a crash on the way.
    pub(super) fn uploads(&self) -> io::Result<Vec<(String, UploadRecord, Vec<PartRecord>)>> {
        let mut uploads = Vec::new();
        for folder in entries(&self.root.join("uploads"))? {
            let Some(upload) = read(&folder.join("upload.json")) else {
                fs::remove_dir_all(folder)?;
                continue;
            };
            let contents = folder.join("contents");
            let parts = sound(&folder.join("parts"), &contents, |part: &PartRecord| {
                Some((part.id.clone(), part.size))
            })?;
            uploads.push((name(&folder), upload, parts));
        }
        Ok(uploads)
    }
}

fn record(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.json"))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(OsStr::new("")).to_string_lossy().into_owned()
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

/// `None` for a record that is not there or was cut short.
fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The records whose content is there in full. Removes all others, and contents without a record.
/// `content` tells the name and size of a record's content.
fn sound<T: DeserializeOwned>(
    records: &Path,
    contents: &Path,
    content: impl Fn(&T) -> Option<(String, u64)>,
) -> io::Result<Vec<T>> {
    let (mut found, mut used) = (Vec::new(), HashSet::new());
    for path in entries(records)? {
        let record: Option<T> = read(&path);
        let wanted = record.as_ref().and_then(&content);
        let whole = wanted.as_ref().is_none_or(|(id, size)| {
            fs::metadata(contents.join(id)).is_ok_and(|metadata| metadata.len() == *size)
        });
        match record.filter(|_| whole) {
            Some(record) => {
                used.extend(wanted.map(|(id, _)| id));
                found.push(record);
            }
            None => {
                tracing::warn!(file = %path.display(), "dropped what a crash left half-written");
                fs::remove_file(path)?;
            }
        }
    }
    for path in entries(contents)? {
        if !used.contains(&name(&path)) {
            fs::remove_file(path)?;
        }
    }
    Ok(found)
}
