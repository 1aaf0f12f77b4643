//! Tags of objects.

use super::{Answer, ok};
use crate::Backend;
use s3s::{S3Request, dto::*};

pub(super) async fn put_object_tagging(
    backend: &Backend,
    request: S3Request<PutObjectTaggingInput>,
) -> Answer<PutObjectTaggingOutput> {
    let input = request.input;
    let mut store = backend.store();
    let version = store.get(&input.bucket, &input.key, input.version_id.as_deref())?;
    let tags = input.tagging.tag_set.into_iter();
    let tags: Vec<_> = tags.map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())).collect();
    store.set_tags(&input.bucket, &version, &tags)?;
    ok(PutObjectTaggingOutput { version_id: Some(version.id) })
}

pub(super) async fn get_object_tagging(
    backend: &Backend,
    request: S3Request<GetObjectTaggingInput>,
) -> Answer<GetObjectTaggingOutput> {
    let input = request.input;
    let version = backend.store().get(&input.bucket, &input.key, input.version_id.as_deref())?;
    let tag = |(key, value)| Tag { key: Some(key), value: Some(value) };
    ok(GetObjectTaggingOutput {
        tag_set: version.tags.into_iter().map(tag).collect(),
        version_id: Some(version.id),
    })
}
