//! Versions of objects in the index.

use super::{Store, internal, millis};
use crate::S3Error;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use s3s::{S3Result, dto::ETagCondition, s3_error};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use uuid::Uuid;

/// The id of the only version in a bucket that keeps none.
const UNVERSIONED: &str = "null";

/// What is sent along with an object, and comes back with it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Headers {
    pub(crate) content_type: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) metadata: Option<HashMap<String, String>>,
}

/// One version of an object, or a marker that it was deleted.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) marker: bool,
    pub(crate) blob: String,
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) sha256: Option<String>,
    pub(crate) composite: bool,
    pub(crate) modified: SystemTime,
    pub(crate) headers: Headers,
    pub(crate) tags: Vec<(String, String)>,
}

/// A new version.
#[derive(Debug, Default)]
pub(crate) struct Put {
    pub(crate) blob: String,
    pub(crate) marker: bool,
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) sha256: Option<String>,
    pub(crate) composite: bool,
    pub(crate) headers: Headers,
    pub(crate) tags: Vec<(String, String)>,
}

const COLUMNS: &str = "key, id, marker, blob, size, etag, sha256, composite, modified, headers, tags";

fn version(row: &Row<'_>) -> rusqlite::Result<Version> {
    let modified = u64::try_from(row.get::<_, i64>(8)?).unwrap_or(0);
    Ok(Version {
        key: row.get(0)?,
        id: row.get(1)?,
        marker: row.get(2)?,
        blob: row.get(3)?,
        size: row.get(4)?,
        etag: row.get(5)?,
        sha256: row.get(6)?,
        composite: row.get(7)?,
        modified: UNIX_EPOCH + Duration::from_millis(modified),
        headers: serde_json::from_str(&row.get::<_, String>(9)?).unwrap_or_default(),
        tags: serde_json::from_str(&row.get::<_, String>(10)?).unwrap_or_default(),
    })
}

/// Whether the entity tag is one that the condition names.
pub(crate) fn meets(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(wanted) => wanted.value() == etag,
    }
}

impl Store {
    /// The latest version, unless it is a marker, or the version with an id.
    pub(crate) fn get(&self, bucket: &str, key: &str, id: Option<&str>) -> S3Result<Version> {
        self.settings(bucket)?;
        let query = format!(
            "SELECT {COLUMNS} FROM versions WHERE bucket = ?1 AND key = ?2 AND (?3 IS NULL OR id = ?3)
             ORDER BY seq DESC LIMIT 1"
        );
        let found = self.connection.query_row(&query, params![bucket, key, id], version).optional();
        match (found.map_err(internal)?, id) {
            (None, Some(_)) => Err(s3_error!(NoSuchVersion)),
            (None, None) => Err(s3_error!(NoSuchKey)),
            (Some(found), Some(_)) if found.marker => Err(s3_error!(MethodNotAllowed)),
            (Some(found), None) if found.marker => Err(s3_error!(NoSuchKey)),
            (Some(found), _) => Ok(found),
        }
    }

    /// Adds a version, if the conditions on what is there hold: checked and written at once.
    /// Answers its id and its place in the order of all changes.
    pub(crate) fn put(
        &mut self,
        bucket: &str,
        key: &str,
        put: Put,
        if_match: Option<&ETagCondition>,
        if_none_match: Option<&ETagCondition>,
    ) -> S3Result<(Option<String>, i64)> {
        let versioned = self.settings(bucket)?.versioned;
        let there = match self.get(bucket, key, None) {
            Ok(version) => Some(version),
            Err(error) if error.code().as_str() == "NoSuchKey" => None,
            Err(error) => return Err(error),
        };
        if let (Some(condition), Some(version)) = (if_none_match, &there)
            && meets(condition, &version.etag)
        {
            return Err(s3_error!(PreconditionFailed));
        }
        match (if_match, &there) {
            (Some(_), None) => return Err(s3_error!(NoSuchKey)),
            (Some(condition), Some(version)) if !meets(condition, &version.etag) => {
                return Err(s3_error!(PreconditionFailed));
            }
            _ => {}
        }
        let id = if versioned { Uuid::now_v7().simple().to_string() } else { UNVERSIONED.to_owned() };
        let transaction = self.connection.transaction().map_err(internal)?;
        let replaced = if versioned { Vec::new() } else { take(&transaction, bucket, key, UNVERSIONED)? };
        transaction
            .execute(
                "INSERT INTO versions
                 (bucket, key, id, marker, blob, size, etag, sha256, composite, modified, headers, tags)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                params![
                    bucket,
                    key,
                    id,
                    put.marker,
                    put.blob,
                    put.size,
                    put.etag,
                    put.sha256,
                    put.composite,
                    millis(SystemTime::now()),
                    serde_json::to_string(&put.headers).map_err(internal)?,
                    serde_json::to_string(&put.tags).map_err(internal)?,
                ],
            )
            .map_err(internal)?;
        let sequence = transaction.last_insert_rowid();
        transaction.commit().map_err(internal)?;
        replaced.iter().for_each(|blob| self.forget(blob));
        Ok((versioned.then_some(id), sequence))
    }

    /// Deletes an object: one version for good; without an id the only version, or by a marker.
    /// Answers the id of the version or marker, and whether it is a marker.
    pub(crate) fn delete(
        &mut self,
        bucket: &str,
        key: &str,
        id: Option<&str>,
    ) -> S3Result<(Option<String>, bool)> {
        let versioned = self.settings(bucket)?.versioned;
        if id.is_none() && versioned {
            let (id, _) = self.put(bucket, key, Put { marker: true, ..Put::default() }, None, None)?;
            return Ok((id, true));
        }
        let marker = id.is_some_and(|id| {
            let query = "SELECT marker FROM versions WHERE bucket = ?1 AND key = ?2 AND id = ?3";
            self.connection.query_row(query, params![bucket, key, id], |row| row.get(0)).unwrap_or(false)
        });
        let transaction = self.connection.transaction().map_err(internal)?;
        let removed = take(&transaction, bucket, key, id.unwrap_or(UNVERSIONED))?;
        transaction.commit().map_err(internal)?;
        removed.iter().for_each(|blob| self.forget(blob));
        Ok((id.map(str::to_owned), marker))
    }

    pub(crate) fn set_tags(
        &mut self,
        bucket: &str,
        version: &Version,
        tags: &[(String, String)],
    ) -> S3Result<()> {
        let tags = serde_json::to_string(tags).map_err(internal)?;
        let update = "UPDATE versions SET tags = ?1 WHERE bucket = ?2 AND key = ?3 AND id = ?4";
        self.connection.execute(update, params![tags, bucket, version.key, version.id]).map_err(internal)?;
        Ok(())
    }

    /// Every version under a prefix, by key, the latest of each first.
    pub(crate) fn versions(&self, bucket: &str, prefix: &str) -> S3Result<Vec<Version>> {
        self.settings(bucket)?;
        let query = format!(
            "SELECT {COLUMNS} FROM versions WHERE bucket = ?1 AND substr(key, 1, length(?2)) = ?2
             ORDER BY key, seq DESC"
        );
        let mut query = self.connection.prepare_cached(&query).map_err(internal)?;
        let rows = query.query_map(params![bucket, prefix], version).map_err(internal)?;
        rows.collect::<Result<_, _>>().map_err(internal)
    }

    pub(super) fn expire_current(
        &mut self,
        bucket: &str,
        prefix: &str,
        before: i64,
        versioned: bool,
    ) -> Result<(), S3Error> {
        let mut seen = None;
        for version in self.versions(bucket, prefix).map_err(std::io::Error::other)? {
            let current = seen.replace(version.key.clone()).as_ref() != Some(&version.key);
            if current && !version.marker && millis(version.modified) < before {
                let id = if versioned { None } else { Some(version.id.as_str()) };
                self.delete(bucket, &version.key, id).map_err(std::io::Error::other)?;
            }
        }
        Ok(())
    }

    pub(super) fn expire_noncurrent(
        &mut self,
        bucket: &str,
        prefix: &str,
        before: i64,
    ) -> Result<(), S3Error> {
        let mut seen = None;
        for version in self.versions(bucket, prefix).map_err(std::io::Error::other)? {
            let current = seen.replace(version.key.clone()).as_ref() != Some(&version.key);
            if !current && millis(version.modified) < before {
                self.delete(bucket, &version.key, Some(&version.id)).map_err(std::io::Error::other)?;
            }
        }
        Ok(())
    }
}

/// Takes a version out of the index; answers its file.
fn take(transaction: &Transaction<'_>, bucket: &str, key: &str, id: &str) -> S3Result<Vec<String>> {
    let delete = "DELETE FROM versions WHERE bucket = ?1 AND key = ?2 AND id = ?3 RETURNING blob";
    let mut delete = transaction.prepare_cached(delete).map_err(internal)?;
    let rows = delete.query_map(params![bucket, key, id], |row| row.get(0)).map_err(internal)?;
    rows.collect::<Result<_, _>>().map_err(internal)
}
