//! `CopyObject`: the bytes are shared, not copied, as they never change.

use super::{
    Answer, answer, cause, etag, modified,
    objects::conditions,
    properties::{encryption, properties},
    read::Wanted,
};
use crate::{
    checksum::{Algorithm, Digested, Digests, with_checksum},
    incoming::LARGEST_PUT,
    store::{Found, NewObject, Store, failed_precondition, no_such_key, record::Content},
};
use s3s::{S3Request, S3Result, dto::*, s3_error};
use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

pub(super) async fn copy_object(
    store: &Store,
    mut request: S3Request<CopyObjectInput>,
) -> Answer<CopyObjectOutput> {
    let cause = cause(&request, "ObjectCreated:Copy")?;
    // `s3s` does not know the conditions on the destination.
    let condition = |name: &str| match request.headers.get(name) {
        None => Ok(None),
        Some(value) => ETagCondition::parse_http_header(value.as_bytes())
            .map(Some)
            .map_err(|_| s3_error!(InvalidArgument, "{name} is not an ETag")),
    };
    let conditions = conditions(condition("if-match")?, condition("if-none-match")?)?;
    let input = &mut request.input;
    store.read(&input.bucket, |_| ())?;
    let CopySource::Bucket { bucket, key, version_id } = input.copy_source.clone() else {
        return Err(s3_error!(NotImplemented, "A copy can only be of an object in a bucket"));
    };
    let source = store.find(&bucket, &key, version_id.as_deref())?;
    let old = source.version.content.as_ref().ok_or_else(no_such_key)?;
    let wanted = Wanted {
        if_match: input.copy_source_if_match.take(),
        if_none_match: input.copy_source_if_none_match.take(),
        if_modified_since: input.copy_source_if_modified_since.take(),
        if_unmodified_since: input.copy_source_if_unmodified_since.take(),
    };
    wanted.check(old, source.version.modified, failed_precondition)?;
    if old.size > LARGEST_PUT {
        return Err(s3_error!(
            InvalidRequest,
            "The specified copy source is larger than the maximum allowable size for a copy source: {LARGEST_PUT}"
        ));
    }
    let replaced = |directive: Option<&str>| directive == Some("REPLACE");
    let new_metadata = replaced(input.metadata_directive.as_ref().map(MetadataDirective::as_str));
    let new_tags = replaced(input.tagging_directive.as_ref().map(TaggingDirective::as_str));
    let mut properties = properties!(input);
    let kept = source.version.properties.clone();
    let to_itself = *bucket == *input.bucket && *key == *input.key && version_id.is_none();
    if to_itself && !new_metadata && properties.encryption.is_none() {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing \
             the object's metadata, storage class, website redirect location or encryption attributes."
        ));
    }
    let tags = if new_tags { std::mem::take(&mut properties.tags) } else { kept.tags.clone() };
    if !new_metadata {
        let (encryption, kms_key_id) = (properties.encryption, properties.kms_key_id);
        properties = crate::store::record::Properties { encryption, kms_key_id, ..kept };
    }
    properties.tags = tags;
    let algorithm = input.checksum_algorithm.as_ref().and_then(|name| Algorithm::named(name.as_str()));
    let path = store.content_path(&bucket, &source.version);
    let content = content_of_copy(store, old, path.clone(), algorithm).await?;
    let draft = store.draft();
    draft.link_to(&path).map_err(|error| gone_or_internal(store, &error))?;
    let Found { version, version_id } = store.put(NewObject {
        bucket: request.input.bucket,
        key: request.input.key,
        draft,
        content,
        properties,
        conditions,
        cause,
    })?;
    let content = version.content.as_ref();
    let checksum = content.map(|content| &content.checksum);
    let result = with_checksum!(
        checksum,
        CopyObjectResult {
            e_tag: content.and_then(|content| etag(&content.etag)),
            checksum_type: checksum.map(|checksum| checksum.kind()),
            last_modified: modified(&version),
            ..Default::default()
        }
    );
    answer(CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: source.version_id,
        server_side_encryption: encryption(&version.properties),
        ssekms_key_id: version.properties.kms_key_id.clone(),
        version_id,
        ..Default::default()
    })
}

/// A copy is one piece, whatever the source was made of: its ETag and checksum are of all bytes.
async fn content_of_copy(
    store: &Store,
    old: &Content,
    path: PathBuf,
    algorithm: Option<Algorithm>,
) -> S3Result<Content> {
    let algorithm = algorithm.unwrap_or(old.checksum.algorithm);
    if old.parts.is_empty() && algorithm == old.checksum.algorithm {
        return Ok(old.clone());
    }
    let digested = tokio::task::spawn_blocking(move || digest(&path, algorithm)).await;
    let digested = digested.unwrap_or_else(|panic| Err(io::Error::other(panic)));
    let Digested { size, md5, checksum } = digested.map_err(|error| gone_or_internal(store, &error))?;
    Ok(Content { size, etag: hex::encode(md5), checksum, parts: Vec::new() })
}

fn digest(path: &PathBuf, algorithm: Algorithm) -> io::Result<Digested> {
    let mut file = File::open(path)?;
    let mut digests = Digests::new(algorithm);
    let mut chunk = vec![0; 1024 * 1024];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(digests.finish()),
            read => digests.update(&chunk[..read]),
        }
    }
}

/// The source may have been deleted since it was looked up.
fn gone_or_internal(store: &Store, error: &io::Error) -> s3s::S3Error {
    match error.kind() {
        io::ErrorKind::NotFound => no_such_key(),
        _ => store.internal(error),
    }
}
