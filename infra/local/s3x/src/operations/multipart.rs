//! Multipart uploads (S3 User Guide, "Multipart upload").

use super::{Answer, Created, etag, headers, ok, parse_tags};
use crate::{
    Backend,
    store::{Headers, Part, Put, Upload, blob},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::{StreamExt, TryStreamExt};
use md5::{Digest, Md5};
use s3s::{S3Request, S3Result, dto::*, s3_error};
use sha2::Sha256;
use tokio_util::io::ReaderStream;

/// Every part but the last has at least 5 MiB.
const MIN_PART: u64 = 5 << 20;

pub(super) async fn create_multipart_upload(
    backend: &Backend,
    request: S3Request<CreateMultipartUploadInput>,
) -> Answer<CreateMultipartUploadOutput> {
    let input = request.input;
    let upload = Upload {
        headers: headers!(input),
        tags: parse_tags(input.tagging.as_deref()),
        with_sha256: input
            .checksum_algorithm
            .as_ref()
            .is_some_and(|algorithm| algorithm.as_str() == "SHA256"),
    };
    let id = backend.store().begin_upload(&input.bucket, &input.key, &upload)?;
    ok(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        checksum_algorithm: input.checksum_algorithm,
        ..Default::default()
    })
}

pub(super) async fn upload_part(
    backend: &Backend,
    request: S3Request<UploadPartInput>,
) -> Answer<UploadPartOutput> {
    let mut input = request.input;
    let folder = backend.store().folder();
    let blob = blob::receive(&folder, input.body.take()).await?;
    blob.check(input.content_md5.as_deref(), input.checksum_sha256.as_deref())?;
    let (md5, sha256) = (blob.md5.clone(), blob.sha256.clone());
    let part = Part { blob: blob.name.clone(), size: blob.size, md5: md5.clone(), sha256: sha256.clone() };
    {
        let mut store = backend.store();
        store.upload(&input.bucket, &input.key, &input.upload_id)?;
        store.put_part(&input.upload_id, input.part_number, &part)?;
    }
    blob.keep();
    ok(UploadPartOutput {
        e_tag: Some(etag(&md5)),
        checksum_sha256: input.checksum_sha256.map(|_| sha256),
        ..Default::default()
    })
}

/// The parts that the client names, in order and as it knows them.
fn chosen(backend: &Backend, upload: &str, wanted: &[CompletedPart]) -> S3Result<Vec<Part>> {
    let store = backend.store();
    let (mut parts, mut last) = (Vec::new(), 0);
    for (index, named) in wanted.iter().enumerate() {
        let number = named.part_number.unwrap_or_default();
        if number <= last {
            return Err(s3_error!(InvalidPartOrder));
        }
        last = number;
        let part = store.part(upload, number)?.ok_or_else(|| s3_error!(InvalidPart))?;
        let known = named.e_tag.as_ref().map(ETag::value) == Some(part.md5.as_str());
        if !known || named.checksum_sha256.as_ref().is_some_and(|sum| *sum != part.sha256) {
            return Err(s3_error!(InvalidPart));
        }
        if index + 1 < wanted.len() && part.size < MIN_PART {
            return Err(s3_error!(EntityTooSmall));
        }
        parts.push(part);
    }
    if parts.is_empty() { Err(s3_error!(MalformedXML)) } else { Ok(parts) }
}

pub(super) async fn complete_multipart_upload(
    backend: &Backend,
    request: S3Request<CompleteMultipartUploadInput>,
) -> Answer<CompleteMultipartUploadOutput> {
    let input = request.input;
    let (upload, folder) = {
        let store = backend.store();
        (store.upload(&input.bucket, &input.key, &input.upload_id)?, store.folder())
    };
    let wanted = input.multipart_upload.and_then(|named| named.parts).unwrap_or_default();
    let parts = chosen(backend, &input.upload_id, &wanted)?;
    let paths: Vec<_> = parts.iter().map(|part| folder.join(&part.blob)).collect();
    let joined = futures::stream::iter(paths)
        .then(tokio::fs::File::open)
        .map_ok(|file| ReaderStream::with_capacity(file, 1 << 17))
        .try_flatten();
    let blob = blob::write(&folder, Box::pin(joined), s3s::S3Error::internal_error).await?;

    // Both are checksums of the parts' checksums, with the number of parts behind.
    let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
    for part in &parts {
        md5.update(hex::decode(&part.md5).unwrap_or_default());
        sha256.update(STANDARD.decode(&part.sha256).unwrap_or_default());
    }
    let tag = format!("{}-{}", hex::encode(md5.finalize()), parts.len());
    let sum = upload.with_sha256.then(|| format!("{}-{}", STANDARD.encode(sha256.finalize()), parts.len()));
    let size = blob.size;
    let put = Put {
        blob: blob.name.clone(),
        size,
        etag: tag.clone(),
        composite: sum.is_some(),
        sha256: sum.clone(),
        headers: upload.headers,
        tags: upload.tags,
        ..Put::default()
    };
    let (version_id, sequence) = {
        let mut store = backend.store();
        let put = store.put(
            &input.bucket,
            &input.key,
            put,
            input.if_match.as_ref(),
            input.if_none_match.as_ref(),
        )?;
        store.end_upload(&input.upload_id)?;
        put
    };
    blob.keep();
    let created = Created {
        bucket: &input.bucket,
        key: &input.key,
        version_id: version_id.clone(),
        etag: &tag,
        size,
        sequence,
    };
    backend.announce("ObjectCreated:CompleteMultipartUpload", created);
    ok(CompleteMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(etag(&tag)),
        version_id,
        checksum_sha256: sum,
        ..Default::default()
    })
}

pub(super) async fn abort_multipart_upload(
    backend: &Backend,
    request: S3Request<AbortMultipartUploadInput>,
) -> Answer<AbortMultipartUploadOutput> {
    let input = request.input;
    let mut store = backend.store();
    store.upload(&input.bucket, &input.key, &input.upload_id)?;
    store.end_upload(&input.upload_id)?;
    ok(AbortMultipartUploadOutput::default())
}
