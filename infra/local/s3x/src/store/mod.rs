//! What is kept: objects as files that never change, and an index of them in SQLite. A file is
//! complete before the index names it, so a crash leaves at worst a file that nobody knows, which
//! the next start removes.

pub(crate) mod blob;
mod objects;
mod uploads;

pub(crate) use objects::{Headers, Put, Version, meets};
pub(crate) use uploads::{Part, Upload};

use crate::{BucketSettings, S3Error};
use rusqlite::{Connection, OptionalExtension, params};
use s3s::{S3Result, s3_error};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, settings TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS versions (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        bucket TEXT NOT NULL,
        key TEXT NOT NULL,
        id TEXT NOT NULL,
        marker INTEGER NOT NULL,
        blob TEXT NOT NULL,
        size INTEGER NOT NULL,
        etag TEXT NOT NULL,
        sha256 TEXT,
        composite INTEGER NOT NULL,
        modified INTEGER NOT NULL,
        headers TEXT NOT NULL,
        tags TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS by_key ON versions (bucket, key, seq);
    CREATE TABLE IF NOT EXISTS uploads (
        id TEXT PRIMARY KEY,
        bucket TEXT NOT NULL,
        key TEXT NOT NULL,
        headers TEXT NOT NULL,
        tags TEXT NOT NULL,
        with_sha256 INTEGER NOT NULL,
        started INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS parts (
        upload TEXT NOT NULL,
        number INTEGER NOT NULL,
        blob TEXT NOT NULL,
        size INTEGER NOT NULL,
        md5 TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        PRIMARY KEY (upload, number)
    );
";

const DAY_MILLIS: i64 = 86_400_000;

pub(crate) struct Store {
    connection: Connection,
    blobs: PathBuf,
}

/// An index that cannot be used is our fault, not the caller's.
fn internal(error: impl std::error::Error + Send + Sync + 'static) -> s3s::S3Error {
    s3s::S3Error::internal_error(error)
}

impl Store {
    pub(crate) fn open(data: &Path) -> Result<Self, S3Error> {
        let blobs = data.join("objects");
        std::fs::create_dir_all(&blobs)?;
        let connection = Connection::open(data.join("index.sqlite"))?;
        connection.execute_batch(SCHEMA)?;
        let store = Self { connection, blobs };
        store.remove_unknown_files()?;
        Ok(store)
    }

    fn remove_unknown_files(&self) -> Result<(), S3Error> {
        let mut query = self.connection.prepare("SELECT blob FROM versions UNION SELECT blob FROM parts")?;
        let known = query.query_map([], |row| row.get(0))?.collect::<Result<HashSet<String>, _>>()?;
        for entry in std::fs::read_dir(&self.blobs)? {
            let entry = entry?;
            if !known.contains(&*entry.file_name().to_string_lossy()) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Where files are written.
    pub(crate) fn folder(&self) -> PathBuf {
        self.blobs.clone()
    }

    pub(crate) fn path(&self, blob: &str) -> PathBuf {
        self.blobs.join(blob)
    }

    /// Removes a file that the index does not name any more. What is being read stays readable.
    fn forget(&self, blob: &str) {
        if !blob.is_empty()
            && let Err(error) = std::fs::remove_file(self.path(blob))
        {
            tracing::warn!(%error, "a file that is not needed any more stays until the next start");
        }
    }

    pub(crate) fn put_bucket(&mut self, name: &str, settings: &BucketSettings) -> Result<(), S3Error> {
        let settings = serde_json::to_string(settings)?;
        self.connection.execute(
            "INSERT INTO buckets VALUES (?1, ?2) ON CONFLICT DO UPDATE SET settings = ?2",
            params![name, settings],
        )?;
        Ok(())
    }

    pub(crate) fn settings(&self, bucket: &str) -> S3Result<BucketSettings> {
        let query = "SELECT settings FROM buckets WHERE name = ?1";
        let text: Option<String> =
            self.connection.query_row(query, [bucket], |row| row.get(0)).optional().map_err(internal)?;
        serde_json::from_str(&text.ok_or_else(|| s3_error!(NoSuchBucket))?).map_err(internal)
    }

    /// Changes one setting of a bucket that exists.
    pub(crate) fn set(&mut self, bucket: &str, change: impl FnOnce(&mut BucketSettings)) -> S3Result<()> {
        let mut settings = self.settings(bucket)?;
        change(&mut settings);
        self.put_bucket(bucket, &settings).map_err(internal)
    }

    /// Applies the lifecycle rules. S3 removes what is past its time at the next midnight; here it
    /// is at once.
    pub(crate) fn expire(&mut self, now: SystemTime) -> Result<(), S3Error> {
        let now = millis(now);
        let mut query = self.connection.prepare("SELECT name, settings FROM buckets")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let buckets = rows.collect::<Result<Vec<(String, String)>, _>>()?;
        drop(query);
        for (bucket, settings) in buckets {
            let settings: BucketSettings = serde_json::from_str(&settings)?;
            for rule in settings.lifecycle.iter().filter(|rule| rule.enabled) {
                let prefix = rule.prefix.as_deref().unwrap_or_default();
                let before = |days: Option<u32>| days.map(|days| now - i64::from(days) * DAY_MILLIS);
                if let Some(before) = before(rule.expiration_days) {
                    self.expire_current(&bucket, prefix, before, settings.versioned)?;
                }
                if let Some(before) = before(rule.noncurrent_days) {
                    self.expire_noncurrent(&bucket, prefix, before)?;
                }
                if let Some(before) = before(rule.abort_multipart_days) {
                    self.abort_before(&bucket, prefix, before)?;
                }
            }
        }
        Ok(())
    }
}

/// Milliseconds since the epoch.
pub(crate) fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
