//! Putting, getting, listing and deleting objects.

use super::{Answer, Created, etag, headers, ok, parse_tags};
use crate::{
    Backend,
    store::{Headers, Put, Version, blob, meets},
};
use http::StatusCode;
use s3s::{S3Request, S3Response, S3Result, dto::*, s3_error};

pub(super) async fn put_object(
    backend: &Backend,
    request: S3Request<PutObjectInput>,
) -> Answer<PutObjectOutput> {
    let mut input = request.input;
    let folder = backend.store().folder();
    let blob = blob::receive(&folder, input.body.take()).await?;
    // A checksum may come behind the body.
    let trailer = request.trailing_headers.and_then(|trailers| trailers.take());
    let trailing =
        trailer.and_then(|trailers| trailers.get("x-amz-checksum-sha256")?.to_str().ok().map(str::to_owned));
    let sha256 = input.checksum_sha256.clone().or(trailing);
    blob.check(input.content_md5.as_deref(), sha256.as_deref())?;
    let (size, md5) = (blob.size, blob.md5.clone());
    let put = Put {
        blob: blob.name.clone(),
        size,
        etag: md5.clone(),
        sha256: sha256.clone(),
        headers: headers!(input),
        tags: parse_tags(input.tagging.as_deref()),
        ..Put::default()
    };
    let (version_id, sequence) = backend.store().put(
        &input.bucket,
        &input.key,
        put,
        input.if_match.as_ref(),
        input.if_none_match.as_ref(),
    )?;
    blob.keep();
    let created = Created {
        bucket: &input.bucket,
        key: &input.key,
        version_id: version_id.clone(),
        etag: &md5,
        size,
        sequence,
    };
    backend.announce("ObjectCreated:Put", created);
    ok(PutObjectOutput { e_tag: Some(etag(&md5)), version_id, checksum_sha256: sha256, ..Default::default() })
}

fn check(
    version: &Version,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    if if_match.is_some_and(|condition| !meets(condition, &version.etag)) {
        return Err(s3_error!(PreconditionFailed));
    }
    if if_none_match.is_some_and(|condition| meets(condition, &version.etag)) {
        return Err(s3_error!(NotModified));
    }
    Ok(())
}

pub(super) async fn get_object(
    backend: &Backend,
    request: S3Request<GetObjectInput>,
) -> Answer<GetObjectOutput> {
    let input = request.input;
    let (version, versioned, path) = {
        let store = backend.store();
        let version = store.get(&input.bucket, &input.key, input.version_id.as_deref())?;
        let path = store.path(&version.blob);
        (version, store.settings(&input.bucket)?.versioned, path)
    };
    check(&version, input.if_match.as_ref(), input.if_none_match.as_ref())?;
    let range = input.range.map(|range| range.check(version.size)).transpose()?;
    let (start, end) = range.as_ref().map_or((0, version.size), |range| (range.start, range.end));
    let content_range =
        range.map(|range| format!("bytes {}-{}/{}", range.start, range.end - 1, version.size));
    let body = blob::read(&path, start, end - start).await?;
    let whole = content_range.is_none();
    let tag_count = i32::try_from(version.tags.len()).ok().filter(|count| *count > 0);
    let Headers { content_type, content_disposition, content_encoding, cache_control, metadata } =
        version.headers;
    ok(GetObjectOutput {
        content_length: i64::try_from(end - start).ok(),
        body: Some(body),
        content_range,
        accept_ranges: Some("bytes".to_owned()),
        e_tag: Some(etag(&version.etag)),
        last_modified: Some(version.modified.into()),
        content_type: input.response_content_type.or(content_type),
        content_disposition: input.response_content_disposition.or(content_disposition),
        content_encoding: input.response_content_encoding.or(content_encoding),
        content_language: input.response_content_language,
        cache_control: input.response_cache_control.or(cache_control),
        metadata,
        version_id: versioned.then_some(version.id),
        checksum_sha256: version.sha256.filter(|_| whole && input.checksum_mode.is_some()),
        tag_count,
        ..Default::default()
    })
}

pub(super) async fn head_object(
    backend: &Backend,
    request: S3Request<HeadObjectInput>,
) -> Answer<HeadObjectOutput> {
    let input = request.input;
    let store = backend.store();
    let version = store.get(&input.bucket, &input.key, input.version_id.as_deref())?;
    check(&version, input.if_match.as_ref(), input.if_none_match.as_ref())?;
    let sha256 = version.sha256.filter(|_| input.checksum_mode.is_some());
    let kind = if version.composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT };
    let Headers { content_type, content_disposition, content_encoding, cache_control, metadata } =
        version.headers;
    ok(HeadObjectOutput {
        content_length: i64::try_from(version.size).ok(),
        accept_ranges: Some("bytes".to_owned()),
        e_tag: Some(etag(&version.etag)),
        last_modified: Some(version.modified.into()),
        content_type,
        content_disposition,
        content_encoding,
        cache_control,
        metadata,
        version_id: store.settings(&input.bucket)?.versioned.then_some(version.id),
        checksum_type: sha256.is_some().then(|| ChecksumType::from_static(kind)),
        checksum_sha256: sha256,
        ..Default::default()
    })
}

pub(super) async fn delete_object(
    backend: &Backend,
    request: S3Request<DeleteObjectInput>,
) -> Answer<DeleteObjectOutput> {
    let input = request.input;
    let (version_id, marker) =
        backend.store().delete(&input.bucket, &input.key, input.version_id.as_deref())?;
    let output =
        DeleteObjectOutput { version_id, delete_marker: marker.then_some(true), ..Default::default() };
    Ok(S3Response::with_status(output, StatusCode::NO_CONTENT))
}

fn size(version: &Version) -> Option<i64> {
    i64::try_from(version.size).ok()
}

/// How many keys a page has at most.
const MAX_KEYS: usize = 1000;

pub(super) async fn list_objects_v2(
    backend: &Backend,
    request: S3Request<ListObjectsV2Input>,
) -> Answer<ListObjectsV2Output> {
    let input = request.input;
    if input.delimiter.is_some() {
        return Err(s3_error!(NotImplemented, "the local stack lists without delimiter"));
    }
    let after = input.continuation_token.clone().or(input.start_after).unwrap_or_default();
    let limit = input.max_keys.and_then(|max| usize::try_from(max).ok()).unwrap_or(MAX_KEYS).min(MAX_KEYS);
    let mut latest = backend.store().versions(&input.bucket, input.prefix.as_deref().unwrap_or_default())?;
    latest.dedup_by(|next, first| next.key == first.key);
    latest.retain(|version| !version.marker && version.key > after);
    let truncated = latest.len() > limit;
    latest.truncate(limit);
    let next = latest.last().filter(|_| truncated).map(|version| version.key.clone());
    let object = |version: Version| Object {
        size: size(&version),
        e_tag: Some(etag(&version.etag)),
        last_modified: Some(version.modified.into()),
        key: Some(version.key),
        ..Default::default()
    };
    ok(ListObjectsV2Output {
        key_count: i32::try_from(latest.len()).ok(),
        contents: Some(latest.into_iter().map(object).collect()),
        name: Some(input.bucket),
        prefix: input.prefix,
        continuation_token: input.continuation_token,
        is_truncated: Some(truncated),
        next_continuation_token: next,
        ..Default::default()
    })
}

pub(super) async fn list_object_versions(
    backend: &Backend,
    request: S3Request<ListObjectVersionsInput>,
) -> Answer<ListObjectVersionsOutput> {
    let input = request.input;
    let all = backend.store().versions(&input.bucket, input.prefix.as_deref().unwrap_or_default())?;
    let (mut versions, mut markers) = (Vec::new(), Vec::new());
    let mut key = None;
    for version in all {
        let is_latest = Some(key.replace(version.key.clone()).as_ref() != Some(&version.key));
        let last_modified = Some(version.modified.into());
        if version.marker {
            let (key, version_id) = (Some(version.key), Some(version.id));
            markers.push(DeleteMarkerEntry {
                key,
                version_id,
                is_latest,
                last_modified,
                ..Default::default()
            });
        } else {
            versions.push(ObjectVersion {
                size: size(&version),
                e_tag: Some(etag(&version.etag)),
                key: Some(version.key),
                version_id: Some(version.id),
                is_latest,
                last_modified,
                ..Default::default()
            });
        }
    }
    ok(ListObjectVersionsOutput {
        versions: Some(versions),
        delete_markers: Some(markers),
        name: Some(input.bucket),
        prefix: input.prefix,
        is_truncated: Some(false),
        ..Default::default()
    })
}
