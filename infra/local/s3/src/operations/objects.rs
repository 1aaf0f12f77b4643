//! Objects come and go.

use super::{Answer, answer, cause, etag, properties::encryption, properties::properties, size};
use crate::{
    checksum::{Algorithm, with_checksum},
    incoming::{announced, receive},
    store::{Conditions, Found, NewObject, Store, record::Content},
};
use s3s::{S3Request, S3Response, S3Result, dto::*, s3_error};

/// Also does `PostObject`: `s3s` hands it on.
pub(super) async fn put_object(
    store: &Store,
    mut request: S3Request<PutObjectInput>,
) -> Answer<PutObjectOutput> {
    let is_form = request.method == http::Method::POST;
    let cause = cause(&request, if is_form { "ObjectCreated:Post" } else { "ObjectCreated:Put" })?;
    let input = &mut request.input;
    store.read(&input.bucket, |_| ())?;
    let conditions = conditions(input.if_match.take(), input.if_none_match.take())?;
    let properties = properties!(input);
    let (body, announced) = announced!(request);
    let received = receive(store, body, announced, Algorithm::Crc64Nvme).await?;
    let content = Content {
        size: received.digested.size,
        etag: hex::encode(received.digested.md5),
        checksum: received.digested.checksum,
        parts: Vec::new(),
    };
    let found = store.put(NewObject {
        bucket: request.input.bucket,
        key: request.input.key,
        draft: received.draft,
        content,
        properties,
        conditions,
        cause,
    })?;
    let Found { version, version_id } = found;
    let content = version.content.as_ref();
    let checksum = content.map(|content| &content.checksum);
    let properties = &version.properties;
    answer(with_checksum!(
        checksum,
        PutObjectOutput {
            e_tag: content.and_then(|content| etag(&content.etag)),
            size: content.and_then(|content| size(content.size)),
            checksum_type: checksum.map(|checksum| checksum.kind()),
            server_side_encryption: encryption(properties),
            ssekms_key_id: properties.kms_key_id.clone(),
            version_id,
            ..Default::default()
        }
    ))
}

/// The conditions a write may have: `If-None-Match` only with `*`, `If-Match` only with an ETag
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>).
pub(super) fn conditions(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
) -> S3Result<Conditions> {
    let any = ETagCondition::Any;
    if if_match.as_ref() == Some(&any) || if_none_match.as_ref().is_some_and(|condition| *condition != any) {
        let message = "A header you provided implies functionality that is not implemented";
        return Err(s3_error!(NotImplemented, "{message}"));
    }
    Ok(Conditions { if_match, if_none_match })
}

pub(super) async fn delete_object(
    store: &Store,
    request: S3Request<DeleteObjectInput>,
) -> Answer<DeleteObjectOutput> {
    let input = request.input;
    if input.if_match_size.is_some() || input.if_match_last_modified_time.is_some() {
        return Err(s3_error!(NotImplemented, "A delete can only depend on the ETag"));
    }
    let conditions = Conditions { if_match: input.if_match, if_none_match: None };
    let named = input.version_id.as_deref();
    let found = store.delete(&input.bucket, &input.key, named, &conditions)?;
    let marker = found.as_ref().is_some_and(|found| found.version.is_marker());
    let output = DeleteObjectOutput {
        delete_marker: marker.then_some(true),
        version_id: found.and_then(|found| found.version_id).or(input.version_id),
        ..Default::default()
    };
    Ok(S3Response::with_status(output, http::StatusCode::NO_CONTENT))
}

pub(super) async fn delete_objects(
    store: &Store,
    request: S3Request<DeleteObjectsInput>,
) -> Answer<DeleteObjectsOutput> {
    let S3Request { input: DeleteObjectsInput { bucket, delete, .. }, .. } = request;
    if delete.objects.len() > 1000 {
        return Err(s3_error!(MalformedXML, "At most 1000 objects can be deleted at once"));
    }
    store.read(&bucket, |_| ())?;
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for object in delete.objects {
        let conditions = Conditions { if_match: object.e_tag.map(ETagCondition::ETag), if_none_match: None };
        match store.delete(&bucket, &object.key, object.version_id.as_deref(), &conditions) {
            Ok(found) => {
                let marker = found.filter(|found| found.version.is_marker());
                deleted.push(DeletedObject {
                    key: Some(object.key),
                    version_id: object.version_id,
                    delete_marker: marker.is_some().then_some(true),
                    delete_marker_version_id: marker.and_then(|marker| marker.version_id),
                });
            }
            Err(error) => errors.push(Error {
                code: Some(error.code().as_str().to_owned()),
                key: Some(object.key),
                message: error.message().map(str::to_owned),
                version_id: object.version_id,
            }),
        }
    }
    let deleted = (delete.quiet != Some(true)).then_some(deleted);
    answer(DeleteObjectsOutput { deleted, errors: Some(errors), ..Default::default() })
}
