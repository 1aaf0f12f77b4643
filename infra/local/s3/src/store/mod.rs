//! The buckets, in memory and in files, and every change to them.
//!
//! One lock guards all of it, so that a condition and the write that depends on it are one step.
//! Under the lock only small files are written and names are changed; bytes of objects never move.

mod bucket;
mod disk;
mod lifecycle;
pub(crate) mod record;
mod settings;
mod uploads;

use crate::{event::ObjectCreated, settings::Notification};
pub(crate) use bucket::{Bucket, Conditions, Found, failed_precondition, matches, no_such_key};
use disk::Disk;
pub(crate) use disk::Draft;
use record::{Content, NULL_VERSION, Properties, Version, fresh_id};
use s3s::{S3Result, s3_error};
use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use time::OffsetDateTime;
use tokio::sync::mpsc::UnboundedSender;
pub(crate) use uploads::Upload;

pub(crate) struct Store {
    disk: Disk,
    state: Mutex<State>,
    created: UnboundedSender<ObjectCreated>,
    /// Where errors are logged: requests run without a log (see `server`).
    log: tracing::Dispatch,
}

#[derive(Default)]
struct State {
    buckets: BTreeMap<String, Bucket>,
    uploads: HashMap<String, Upload>,
    last_sequence: u64,
}

/// An object to be written.
pub(crate) struct NewObject {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) draft: Draft,
    pub(crate) content: Content,
    pub(crate) properties: Properties,
    pub(crate) conditions: Conditions,
    pub(crate) cause: Cause,
}

/// The request that an event tells of.
pub(crate) struct Cause {
    pub(crate) event_name: &'static str,
    pub(crate) request_id: String,
    pub(crate) source_ip: String,
    pub(crate) access_key_id: String,
}

impl State {
    fn bucket(&mut self, name: &str) -> S3Result<&mut Bucket> {
        let bucket = self.buckets.get_mut(name);
        bucket.ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }

    /// The time in microseconds, or one more than the last if the clock did not advance.
    fn next_sequence(&mut self, now: OffsetDateTime) -> u64 {
        let micros = u64::try_from(now.unix_timestamp_nanos() / 1000).unwrap_or(0);
        self.last_sequence = micros.max(self.last_sequence + 1);
        self.last_sequence
    }
}

impl Store {
    /// Reads the data of an earlier run in `root`.
    pub(crate) fn open(root: PathBuf, created: UnboundedSender<ObjectCreated>) -> io::Result<Self> {
        let disk = Disk::open(root)?;
        let mut state = State::default();
        for (name, record, mut versions) in disk.buckets()? {
            versions.sort_by_key(|version| version.sequence);
            let mut bucket = Bucket::new(record);
            for version in versions {
                state.last_sequence = state.last_sequence.max(version.sequence);
                let others = bucket.objects.entry(version.key.clone()).or_default();
                // A crash may have come between writing a version and removing the one it replaced.
                if let Some(old) = others.iter().position(|other| other.version_id == version.version_id) {
                    disk.remove_version(&name, &others.remove(old))?;
                }
                others.push(Arc::new(version));
            }
            state.buckets.insert(name, bucket);
        }
        for (id, record, parts) in disk.uploads()? {
            state.uploads.insert(id, Upload::new(record, parts));
        }
        let log = tracing::dispatcher::get_default(Clone::clone);
        Ok(Self { disk, state: Mutex::new(state), created, log })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to an internal error; the cause goes to the log, not to the client.
    pub(crate) fn internal(&self, error: &io::Error) -> s3s::S3Error {
        tracing::dispatcher::with_default(&self.log, || tracing::error!(%error, "S3 cannot use its files"));
        s3_error!(InternalError, "We encountered an internal error. Please try again.")
    }

    pub(crate) fn draft(&self) -> Draft {
        self.disk.draft()
    }

    pub(crate) fn content_path(&self, bucket: &str, version: &Version) -> PathBuf {
        self.disk.content(bucket, &version.id)
    }

    /// Looks at a bucket; the lock is held meanwhile.
    pub(crate) fn read<T>(&self, bucket: &str, look: impl FnOnce(&Bucket) -> T) -> S3Result<T> {
        self.lock().bucket(bucket).map(|bucket| look(bucket))
    }

    /// A version of an object, and the file its bytes are in. Delete markers are not found.
    pub(crate) fn find(&self, bucket: &str, key: &str, version_id: Option<&str>) -> S3Result<Found> {
        let found = self.lock().bucket(bucket)?.version(key, version_id)?;
        if !found.version.is_marker() {
            return Ok(found);
        }
        let mut error = match version_id {
            None => no_such_key(),
            Some(_) => method_not_allowed(),
        };
        let mut headers = http::HeaderMap::new();
        headers.insert("content-type", http::HeaderValue::from_static("application/xml"));
        headers.insert("x-amz-delete-marker", http::HeaderValue::from_static("true"));
        if let Ok(id) = found.version.version_id.parse() {
            headers.insert("x-amz-version-id", id);
        }
        error.set_headers(headers);
        Err(error)
    }

    /// Writes an object if its conditions hold, and tells of it.
    pub(crate) fn put(&self, object: NewObject) -> S3Result<Found> {
        self.put_locked(&mut self.lock(), object)
    }

    fn put_locked(&self, state: &mut State, object: NewObject) -> S3Result<Found> {
        let NewObject { bucket, key, draft, content, properties, conditions, cause } = object;
        state.bucket(&bucket)?.check(&key, &conditions)?;
        let (etag, size) = (content.etag.clone(), content.size);
        let version = self.add(state, &bucket, &key, Some((content, &draft)), properties)?;
        let held = state.bucket(&bucket)?;
        let settings = &held.record.settings;
        let wants = |target: &&Notification| target.wants(cause.event_name, &key);
        let targets: Vec<&Notification> = settings.notifications.iter().filter(wants).collect();
        let event = ObjectCreated {
            version_id: settings.versioned.then(|| version.version_id.clone()),
            target_arns: targets.iter().map(|target| target.target_arn.clone()).collect(),
            configuration_id: targets.first().map(|target| target.id().to_owned()).unwrap_or_default(),
            etag,
            size,
            event_name: cause.event_name,
            event_time: version.modified,
            sequencer: format!("{:018X}", version.sequence),
            request_id: cause.request_id,
            source_ip: cause.source_ip,
            access_key_id: cause.access_key_id,
            bucket,
            key,
        };
        // Nobody listens once the stack goes down; the object is written all the same.
        let _ = self.created.send(event);
        Ok(held.found(version))
    }

    /// Adds a version, or a delete marker when there is no content.
    fn add(
        &self,
        state: &mut State,
        bucket_name: &str,
        key: &str,
        content: Option<(Content, &Draft)>,
        properties: Properties,
    ) -> S3Result<Arc<Version>> {
        let modified = OffsetDateTime::now_utc();
        let sequence = state.next_sequence(modified);
        let bucket = state.bucket(bucket_name)?;
        let versioned = bucket.record.settings.versioned;
        let (content, draft) = content.unzip();
        let version = Arc::new(Version {
            id: fresh_id(),
            key: key.to_owned(),
            version_id: if versioned { fresh_id() } else { NULL_VERSION.to_owned() },
            sequence,
            modified,
            content,
            properties,
        });
        let written = self.disk.write_version(bucket_name, &version, draft);
        written.map_err(|error| self.internal(&error))?;
        let versions = bucket.objects.entry(key.to_owned()).or_default();
        let replaced = versions.iter().position(|other| other.version_id == version.version_id);
        let replaced = replaced.map(|index| versions.remove(index));
        versions.push(version.clone());
        if let Some(replaced) = replaced {
            let removed = self.disk.remove_version(bucket_name, &replaced);
            removed.map_err(|error| self.internal(&error))?;
        }
        Ok(version)
    }

    /// Removes one version for good; without a version id, hides the object behind a delete marker
    /// where versions are kept. Answers what was removed or added, if anything.
    pub(crate) fn delete(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
        conditions: &Conditions,
    ) -> S3Result<Option<Found>> {
        let mut state = self.lock();
        let held = state.bucket(bucket)?;
        held.check(key, conditions)?;
        if version_id.is_none() && held.record.was_versioned {
            let marker = self.add(&mut state, bucket, key, None, Properties::default())?;
            return Ok(Some(state.bucket(bucket)?.found(marker)));
        }
        let Ok(found) = held.version(key, version_id) else { return Ok(None) };
        self.remove(held, bucket, &found.version)?;
        Ok(Some(found))
    }

    fn remove(&self, bucket: &mut Bucket, bucket_name: &str, version: &Version) -> S3Result<()> {
        self.disk.remove_version(bucket_name, version).map_err(|error| self.internal(&error))?;
        if let Some(versions) = bucket.objects.get_mut(&version.key) {
            versions.retain(|other| other.id != version.id);
            if versions.is_empty() {
                bucket.objects.remove(&version.key);
            }
        }
        Ok(())
    }

    /// Replaces the tags of a version.
    pub(crate) fn tag(
        &self,
        bucket_name: &str,
        key: &str,
        version_id: Option<&str>,
        tags: Vec<(String, String)>,
    ) -> S3Result<Found> {
        let mut state = self.lock();
        let bucket = state.bucket(bucket_name)?;
        let mut found = bucket.version(key, version_id)?;
        if found.version.is_marker() {
            return Err(method_not_allowed());
        }
        Arc::make_mut(&mut found.version).properties.tags = tags;
        let written = self.disk.write_version(bucket_name, &found.version, None);
        written.map_err(|error| self.internal(&error))?;
        let mut versions = bucket.objects.get_mut(key).into_iter().flatten();
        if let Some(version) = versions.find(|version| version.id == found.version.id) {
            *version = found.version.clone();
        }
        Ok(found)
    }
}

fn method_not_allowed() -> s3s::S3Error {
    s3_error!(MethodNotAllowed, "The specified method is not allowed against this resource.")
}
