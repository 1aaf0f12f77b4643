//! The tags of objects.

use super::{
    Answer, answer,
    properties::{tag_set, tags_in_body},
};
use crate::store::Store;
use s3s::{S3Request, dto::*};

pub(super) async fn get_object_tagging(
    store: &Store,
    request: S3Request<GetObjectTaggingInput>,
) -> Answer<GetObjectTaggingOutput> {
    let input = request.input;
    let found = store.find(&input.bucket, &input.key, input.version_id.as_deref())?;
    answer(GetObjectTaggingOutput {
        tag_set: tag_set(&found.version.properties),
        version_id: found.version_id,
    })
}

pub(super) async fn put_object_tagging(
    store: &Store,
    request: S3Request<PutObjectTaggingInput>,
) -> Answer<PutObjectTaggingOutput> {
    let input = request.input;
    let tags = tags_in_body(input.tagging.tag_set)?;
    let found = store.tag(&input.bucket, &input.key, input.version_id.as_deref(), tags)?;
    answer(PutObjectTaggingOutput { version_id: found.version_id })
}
