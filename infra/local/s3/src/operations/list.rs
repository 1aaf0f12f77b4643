//! Lists of objects and of their versions, page by page.

use super::{Answer, answer, etag, modified, owner, size};
use crate::store::{Bucket, Store, record::Version};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::{S3Request, S3Result, dto::*, s3_error};
use std::{ops::Bound, sync::Arc};

/// The most that a page holds.
const LARGEST_PAGE: usize = 1000;
/// What stays as it is with `encoding-type=url`.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Writes keys the way the client asked for.
struct Writer {
    encoding: Option<EncodingType>,
}

impl Writer {
    fn write(&self, key: &str) -> String {
        match self.encoding.as_ref().map(EncodingType::as_str) {
            Some(EncodingType::URL) => utf8_percent_encode(key, KEPT).to_string(),
            _ => key.to_owned(),
        }
    }

    fn prefixes(&self, prefixes: &[String]) -> Option<Vec<CommonPrefix>> {
        let one = |prefix: &String| CommonPrefix { prefix: Some(self.write(prefix)) };
        Some(prefixes.iter().map(one).collect())
    }
}

/// Which entries a page has.
struct Query<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    limit: usize,
}

struct Page<T> {
    entries: Vec<T>,
    prefixes: Vec<String>,
    /// The last key or common prefix, if there is more.
    next: Option<String>,
}

fn limit(asked: Option<i32>) -> S3Result<usize> {
    match asked.map(usize::try_from) {
        None => Ok(LARGEST_PAGE),
        Some(Ok(limit)) => Ok(limit.min(LARGEST_PAGE)),
        Some(Err(_)) => Err(s3_error!(InvalidArgument, "max-keys must not be negative")),
    }
}

impl Query<'_> {
    /// Gathers entries of keys after `after`. Keys that have the delimiter after the prefix are
    /// summed up as one common prefix; if `after` is one, all it sums up is behind us.
    fn page<'b, T>(
        &self,
        bucket: &'b Bucket,
        after: Option<&str>,
        from: Option<&str>,
        entries_of: impl Fn(&'b str, &'b [Arc<Version>]) -> Vec<T>,
    ) -> Page<T> {
        let mut page = Page { entries: Vec::new(), prefixes: Vec::new(), next: None };
        if self.limit == 0 {
            return page;
        }
        let start = from.or(after).filter(|start| *start > self.prefix).unwrap_or(self.prefix);
        let mut last: Option<String> = None;
        for (key, versions) in bucket.objects.range::<str, _>((Bound::Included(start), Bound::Unbounded)) {
            let Some(rest) = key.strip_prefix(self.prefix) else { break };
            let end = self.delimiter.and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
            let summed_up = end.map(|end| &key[..self.prefix.len() + end]);
            let behind = after.is_some_and(|after| key.as_str() <= after || summed_up == Some(after));
            if behind || (summed_up.is_some() && summed_up == page.prefixes.last().map(String::as_str)) {
                continue;
            }
            let entries = entries_of(key, versions);
            if entries.is_empty() {
                continue;
            }
            for entry in entries {
                if page.entries.len() + page.prefixes.len() == self.limit {
                    page.next = last;
                    return page;
                }
                last = Some(summed_up.unwrap_or(key).to_owned());
                match summed_up {
                    None => page.entries.push(entry),
                    Some(prefix) => {
                        page.prefixes.push(prefix.to_owned());
                        break;
                    }
                }
            }
        }
        page
    }
}

pub(super) async fn list_objects_v2(
    store: &Store,
    request: S3Request<ListObjectsV2Input>,
) -> Answer<ListObjectsV2Output> {
    let input = request.input;
    let token = input.continuation_token.as_ref().map(|token| {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok();
        let key = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        key.ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
    });
    let after = token.transpose()?.or(input.start_after.clone());
    let prefix = input.prefix.clone().unwrap_or_default();
    let delimiter = input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
    let query = Query { prefix: &prefix, delimiter, limit: limit(input.max_keys)? };
    let writer = Writer { encoding: input.encoding_type.clone() };
    let owner = (input.fetch_owner == Some(true)).then(owner);
    let page = store.read(&input.bucket, |bucket| {
        query.page(bucket, after.as_deref(), None, |key, versions| {
            let newest = versions.last().and_then(|version| Some((version, version.content.as_ref()?)));
            let entry = newest.map(|(version, content)| Object {
                key: Some(writer.write(key)),
                size: size(content.size),
                e_tag: etag(&content.etag),
                last_modified: modified(version),
                storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
                owner: owner.clone(),
                ..Default::default()
            });
            entry.into_iter().collect()
        })
    })?;
    answer(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(writer.write(&prefix)),
        max_keys: i32::try_from(query.limit).ok(),
        key_count: i32::try_from(page.entries.len() + page.prefixes.len()).ok(),
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.map(|key| URL_SAFE_NO_PAD.encode(key)),
        contents: Some(page.entries),
        common_prefixes: writer.prefixes(&page.prefixes),
        delimiter: input.delimiter,
        encoding_type: input.encoding_type,
        start_after: input.start_after,
        continuation_token: input.continuation_token,
        ..Default::default()
    })
}

enum Entry {
    Version(ObjectVersion),
    Marker(DeleteMarkerEntry),
}

impl Entry {
    fn version_id(&self) -> Option<String> {
        match self {
            Self::Version(version) => version.version_id.clone(),
            Self::Marker(marker) => marker.version_id.clone(),
        }
    }
}

pub(super) async fn list_object_versions(
    store: &Store,
    request: S3Request<ListObjectVersionsInput>,
) -> Answer<ListObjectVersionsOutput> {
    let input = request.input;
    let prefix = input.prefix.clone().unwrap_or_default();
    let delimiter = input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
    let query = Query { prefix: &prefix, delimiter, limit: limit(input.max_keys)? };
    let writer = Writer { encoding: input.encoding_type.clone() };
    let marker = input.key_marker.as_deref().filter(|marker| !marker.is_empty());
    // With a version id, the page starts within the versions of the marker's key.
    let within = input.version_id_marker.as_deref().filter(|id| !id.is_empty()).and(marker);
    let after = if within.is_some() { None } else { marker };
    let page = store.read(&input.bucket, |bucket| {
        query.page(bucket, after, within, |key, versions| {
            let newest_first = versions.iter().rev().enumerate();
            let all = newest_first.map(|(index, version)| entry(&writer, key, version, index == 0));
            let Some(seen) = input.version_id_marker.as_deref().filter(|_| within == Some(key)) else {
                return all.collect();
            };
            all.skip_while(|entry| entry.version_id().as_deref() != Some(seen)).skip(1).collect()
        })
    })?;
    let truncated = page.next.is_some();
    let last_id = page.entries.last().and_then(Entry::version_id);
    let ends_with_prefix = page.next.is_some() && page.next.as_ref() == page.prefixes.last();
    let (mut versions, mut delete_markers) = (Vec::new(), Vec::new());
    for entry in page.entries {
        match entry {
            Entry::Version(version) => versions.push(version),
            Entry::Marker(marker) => delete_markers.push(marker),
        }
    }
    answer(ListObjectVersionsOutput {
        name: Some(input.bucket),
        prefix: Some(writer.write(&prefix)),
        max_keys: i32::try_from(query.limit).ok(),
        is_truncated: Some(truncated),
        next_version_id_marker: last_id.filter(|_| truncated && !ends_with_prefix),
        next_key_marker: page.next.map(|key| writer.write(&key)),
        versions: Some(versions),
        delete_markers: Some(delete_markers),
        common_prefixes: writer.prefixes(&page.prefixes),
        delimiter: input.delimiter,
        encoding_type: input.encoding_type,
        key_marker: input.key_marker,
        version_id_marker: input.version_id_marker,
        ..Default::default()
    })
}

fn entry(writer: &Writer, key: &str, version: &Version, is_latest: bool) -> Entry {
    let (key, is_latest) = (Some(writer.write(key)), Some(is_latest));
    let (version_id, last_modified) = (Some(version.version_id.clone()), modified(version));
    match &version.content {
        None => Entry::Marker(DeleteMarkerEntry {
            key,
            is_latest,
            last_modified,
            version_id,
            owner: Some(owner()),
        }),
        Some(content) => Entry::Version(ObjectVersion {
            key,
            is_latest,
            last_modified,
            version_id,
            e_tag: etag(&content.etag),
            size: size(content.size),
            storage_class: Some(ObjectVersionStorageClass::from_static(ObjectVersionStorageClass::STANDARD)),
            owner: Some(owner()),
            ..Default::default()
        }),
    }
}
