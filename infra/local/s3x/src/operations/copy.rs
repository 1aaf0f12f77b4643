//! Copying objects.

use super::{Answer, Created, etag, headers, ok, parse_tags};
use crate::{
    Backend,
    store::{Headers, Put, blob, meets},
};
use md5::{Digest, Md5};
use s3s::{S3Request, dto::*, s3_error};
use std::{io::Read, path::Path, time::SystemTime};
use uuid::Uuid;

pub(super) async fn copy_object(
    backend: &Backend,
    request: S3Request<CopyObjectInput>,
) -> Answer<CopyObjectOutput> {
    let input = request.input;
    let CopySource::Bucket { bucket, key, version_id } = &input.copy_source else {
        return Err(s3_error!(NotImplemented, "the local stack copies from buckets only"));
    };
    let (source, source_versioned, folder) = {
        let store = backend.store();
        let source = store.get(bucket, key, version_id.as_deref())?;
        (source, store.settings(bucket)?.versioned, store.folder())
    };
    if input.copy_source_if_match.as_ref().is_some_and(|condition| !meets(condition, &source.etag)) {
        return Err(s3_error!(PreconditionFailed));
    }
    let name = Uuid::new_v4().simple().to_string();
    blob::link(&folder.join(&source.blob), &folder.join(&name)).map_err(s3s::S3Error::internal_error)?;
    // The copy of a multipart object has a plain entity tag and checksum.
    let wants_sha256 = input.checksum_algorithm.is_some_and(|algorithm| algorithm.as_str() == "SHA256");
    let (md5, sha256) =
        if source.composite || source.etag.contains('-') || (wants_sha256 && source.sha256.is_none()) {
            let path = folder.join(&name);
            let hashed = tokio::task::spawn_blocking(move || hash(&path)).await;
            let (md5, sha256) =
                hashed.map_err(s3s::S3Error::internal_error)?.map_err(s3s::S3Error::internal_error)?;
            (md5, (wants_sha256 || source.composite).then_some(sha256))
        } else {
            (source.etag.clone(), source.sha256.clone())
        };
    let replaces = |directive: Option<&str>| directive == Some("REPLACE");
    let new_headers = replaces(input.metadata_directive.as_ref().map(MetadataDirective::as_str));
    let new_tags = replaces(input.tagging_directive.as_ref().map(TaggingDirective::as_str));
    let put = Put {
        blob: name.clone(),
        size: source.size,
        etag: md5.clone(),
        sha256: sha256.clone(),
        headers: if new_headers { headers!(input) } else { source.headers },
        tags: if new_tags { parse_tags(input.tagging.as_deref()) } else { source.tags },
        ..Put::default()
    };
    // The condition on the destination stands in the headers alone.
    let if_none_match = request
        .headers
        .get("if-none-match")
        .and_then(|header| ETagCondition::parse_http_header(header.as_bytes()).ok());
    let put = backend.store().put(&input.bucket, &input.key, put, None, if_none_match.as_ref());
    let (version_id, sequence) = put.inspect_err(|_| {
        // If this fails, the next start removes it.
        let _ = std::fs::remove_file(folder.join(&name));
    })?;
    let created = Created {
        bucket: &input.bucket,
        key: &input.key,
        version_id: version_id.clone(),
        etag: &md5,
        size: source.size,
        sequence,
    };
    backend.announce("ObjectCreated:Copy", created);
    let result = CopyObjectResult {
        e_tag: Some(etag(&md5)),
        checksum_sha256: sha256,
        last_modified: Some(SystemTime::now().into()),
        ..Default::default()
    };
    ok(CopyObjectOutput {
        version_id,
        copy_source_version_id: source_versioned.then_some(source.id),
        copy_object_result: Some(result),
        ..Default::default()
    })
}

/// MD5 in hex and SHA-256 in base64.
fn hash(path: &Path) -> std::io::Result<(String, String)> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut file = std::fs::File::open(path)?;
    let (mut md5, mut sha256) = (Md5::new(), sha2::Sha256::new());
    let mut buffer = vec![0; 1 << 17];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hex::encode(md5.finalize()), STANDARD.encode(sha256.finalize()))),
            length => {
                md5.update(&buffer[..length]);
                sha256.update(&buffer[..length]);
            }
        }
    }
}
