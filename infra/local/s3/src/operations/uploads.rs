//! Lists of multipart uploads and of their parts.

use super::{Answer, answer, etag, owner, size};
use crate::{
    checksum::with_checksum,
    store::{
        Store,
        record::{PartRecord, UploadRecord},
    },
};
use s3s::{S3Request, dto::*, s3_error};

pub(super) async fn list_multipart_uploads(
    store: &Store,
    request: S3Request<ListMultipartUploadsInput>,
) -> Answer<ListMultipartUploadsOutput> {
    let input = request.input;
    if input.delimiter.is_some() {
        return Err(s3_error!(NotImplemented, "Uploads cannot be listed with a delimiter"));
    }
    let limit = input.max_uploads.map_or(1000, |limit| usize::try_from(limit).unwrap_or(0).min(1000));
    let prefix = input.prefix.clone().unwrap_or_default();
    let key_marker = input.key_marker.clone().unwrap_or_default();
    let id_marker = input.upload_id_marker.clone().unwrap_or_default();
    let mut uploads = store.uploads_of(&input.bucket)?;
    // S3 sorts uploads of one key by their start; the id tells two of one moment apart.
    uploads.sort_by(|(a_id, a), (b_id, b)| (&a.key, a.started, a_id).cmp(&(&b.key, b.started, b_id)));
    let marked = uploads.iter().position(|(id, upload)| upload.key == key_marker && *id == id_marker);
    let wanted: Vec<(String, UploadRecord)> = uploads
        .into_iter()
        .enumerate()
        .filter(|(index, (_, upload))| match marked {
            Some(marked) => *index > marked,
            None => upload.key > key_marker,
        })
        .map(|(_, upload)| upload)
        .filter(|(_, upload)| upload.key.starts_with(&prefix))
        .collect();
    let truncated = wanted.len() > limit && limit > 0;
    let page = wanted.into_iter().take(limit).collect::<Vec<_>>();
    let last = page.last().filter(|_| truncated).cloned();
    let uploads = page.into_iter().map(|(id, upload)| MultipartUpload {
        upload_id: Some(id),
        key: Some(upload.key),
        initiated: Some(upload.started.into()),
        checksum_algorithm: upload
            .algorithm
            .map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name())),
        owner: Some(owner()),
        ..Default::default()
    });
    answer(ListMultipartUploadsOutput {
        uploads: Some(uploads.collect()),
        bucket: Some(input.bucket),
        prefix: input.prefix,
        is_truncated: Some(truncated),
        max_uploads: i32::try_from(limit).ok(),
        next_key_marker: last.as_ref().map(|(_, upload)| upload.key.clone()),
        next_upload_id_marker: last.map(|(id, _)| id),
        ..Default::default()
    })
}

pub(super) async fn list_parts(store: &Store, request: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
    let input = request.input;
    let upload = store.upload(&input.upload_id, &input.bucket, &input.key)?;
    let limit = input.max_parts.map_or(1000, |limit| usize::try_from(limit).unwrap_or(0).min(1000));
    let marker = input.part_number_marker.unwrap_or(0);
    let mut rest = upload.parts.values().filter(|part| part.number > marker);
    let page: Vec<&PartRecord> = rest.by_ref().take(limit).collect();
    let truncated = rest.next().is_some() && limit > 0;
    let next = page.last().filter(|_| truncated).map(|part| part.number);
    let parts = page.into_iter().map(|part| {
        with_checksum!(
            Some(&part.checksum),
            Part {
                part_number: Some(part.number),
                e_tag: etag(&part.etag),
                size: size(part.size),
                last_modified: Some(part.modified.into()),
                ..Default::default()
            }
        )
    });
    answer(ListPartsOutput {
        parts: Some(parts.collect()),
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        is_truncated: Some(truncated),
        max_parts: i32::try_from(limit).ok(),
        next_part_number_marker: next,
        part_number_marker: input.part_number_marker,
        owner: Some(owner()),
        ..Default::default()
    })
}
