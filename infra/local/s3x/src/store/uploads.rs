//! Multipart uploads in the index.

use super::{Headers, Store, internal, millis};
use crate::S3Error;
use rusqlite::{OptionalExtension, params};
use s3s::{S3Result, s3_error};
use std::time::SystemTime;
use uuid::Uuid;

/// An unfinished multipart upload.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) headers: Headers,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) with_sha256: bool,
}

/// A part of one.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) blob: String,
    pub(crate) size: u64,
    pub(crate) md5: String,
    pub(crate) sha256: String,
}

impl Store {
    pub(crate) fn begin_upload(&mut self, bucket: &str, key: &str, upload: &Upload) -> S3Result<String> {
        self.settings(bucket)?;
        let id = Uuid::new_v4().simple().to_string();
        self.connection
            .execute(
                "INSERT INTO uploads VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    id,
                    bucket,
                    key,
                    serde_json::to_string(&upload.headers).map_err(internal)?,
                    serde_json::to_string(&upload.tags).map_err(internal)?,
                    upload.with_sha256,
                    millis(SystemTime::now()),
                ],
            )
            .map_err(internal)?;
        Ok(id)
    }

    pub(crate) fn upload(&self, bucket: &str, key: &str, id: &str) -> S3Result<Upload> {
        let query =
            "SELECT headers, tags, with_sha256 FROM uploads WHERE id = ?1 AND bucket = ?2 AND key = ?3";
        let row = self.connection.query_row(query, params![id, bucket, key], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?))
        });
        let (headers, tags, with_sha256) =
            row.optional().map_err(internal)?.ok_or_else(|| s3_error!(NoSuchUpload))?;
        Ok(Upload {
            headers: serde_json::from_str(&headers).map_err(internal)?,
            tags: serde_json::from_str(&tags).map_err(internal)?,
            with_sha256,
        })
    }

    /// Keeps a part; an earlier one with the same number goes.
    pub(crate) fn put_part(&mut self, upload: &str, number: i32, part: &Part) -> S3Result<()> {
        let earlier = self.part(upload, number)?;
        self.connection
            .execute(
                "INSERT OR REPLACE INTO parts VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![upload, number, part.blob, part.size, part.md5, part.sha256],
            )
            .map_err(internal)?;
        if let Some(earlier) = earlier {
            self.forget(&earlier.blob);
        }
        Ok(())
    }

    pub(crate) fn part(&self, upload: &str, number: i32) -> S3Result<Option<Part>> {
        let query = "SELECT blob, size, md5, sha256 FROM parts WHERE upload = ?1 AND number = ?2";
        let part = self.connection.query_row(query, params![upload, number], |row| {
            Ok(Part { blob: row.get(0)?, size: row.get(1)?, md5: row.get(2)?, sha256: row.get(3)? })
        });
        part.optional().map_err(internal)
    }

    /// Ends an upload, finished or not: its parts go.
    pub(crate) fn end_upload(&mut self, id: &str) -> S3Result<()> {
        let mut query = self
            .connection
            .prepare("DELETE FROM parts WHERE upload = ?1 RETURNING blob")
            .map_err(internal)?;
        let rows = query.query_map([id], |row| row.get(0)).map_err(internal)?;
        let blobs = rows.collect::<Result<Vec<String>, _>>().map_err(internal)?;
        drop(query);
        self.connection.execute("DELETE FROM uploads WHERE id = ?1", [id]).map_err(internal)?;
        blobs.iter().for_each(|blob| self.forget(blob));
        Ok(())
    }

    pub(super) fn abort_before(&mut self, bucket: &str, prefix: &str, before: i64) -> Result<(), S3Error> {
        let mut query = self.connection.prepare(
            "SELECT id FROM uploads WHERE bucket = ?1 AND substr(key, 1, length(?2)) = ?2 AND started < ?3",
        )?;
        let rows = query.query_map(params![bucket, prefix, before], |row| row.get(0))?;
        let ids = rows.collect::<Result<Vec<String>, _>>()?;
        drop(query);
        ids.iter().try_for_each(|id| self.end_upload(id)).map_err(std::io::Error::other)?;
        Ok(())
    }
}
