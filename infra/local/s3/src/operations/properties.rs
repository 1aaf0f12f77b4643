//! Headers, metadata and tags: from requests, and into answers.

use crate::{refusal::refusal, store::record::Properties};
use http::StatusCode;
use percent_encoding::percent_decode_str;
use s3s::{
    S3Result,
    dto::{Metadata, ServerSideEncryption, Tag},
    s3_error,
};
use std::collections::BTreeMap;

/// The most that names and values of an object's metadata may take, in bytes
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>).
const LARGEST_METADATA: usize = 2048;

/// Takes the properties out of the input of an operation that makes an object.
macro_rules! properties {
    ($input:expr) => {{
        if $input.sse_customer_algorithm.is_some()
            || $input.object_lock_mode.is_some()
            || $input.object_lock_legal_hold_status.is_some()
            || $input.website_redirect_location.is_some()
            || $input.storage_class.as_ref().is_some_and(|class| class.as_str() != StorageClass::STANDARD)
        {
            // A header that is not kept must not look kept.
            let message = "A header you provided implies functionality that is not implemented";
            return Err(s3s::s3_error!(NotImplemented, "{message}"));
        }
        let owned = ObjectCannedACL::BUCKET_OWNER_FULL_CONTROL;
        if $input.acl.as_ref().is_some_and(|acl| acl.as_str() != owned) {
            return Err(s3s::s3_error!(AccessControlListNotSupported, "The bucket does not allow ACLs"));
        }
        $crate::store::record::Properties {
            content_type: $input.content_type.take(),
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $crate::operations::properties::content_encoding(
                $input.content_encoding.take(),
            ),
            content_language: $input.content_language.take(),
            expires: $input.expires.take().map(Into::into),
            metadata: $crate::operations::properties::metadata($input.metadata.take())?,
            tags: $crate::operations::properties::tags_in_header($input.tagging.as_deref())?,
            encryption: $input.server_side_encryption.take().map(|name| name.as_str().to_owned()),
            kms_key_id: $input.ssekms_key_id.take(),
        }
    }};
}
pub(super) use properties;

/// `aws-chunked` says how the request was sent, not what the object is.
pub(super) fn content_encoding(value: Option<String>) -> Option<String> {
    let value = value?;
    let kept: Vec<&str> = value
        .split(',')
        .map(str::trim)
        .filter(|encoding| !encoding.is_empty() && *encoding != "aws-chunked")
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

pub(super) fn metadata(metadata: Option<Metadata>) -> S3Result<BTreeMap<String, String>> {
    let metadata: BTreeMap<String, String> = metadata.unwrap_or_default().into_iter().collect();
    if metadata.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > LARGEST_METADATA {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size"
        ));
    }
    Ok(metadata)
}

/// The tags in `x-amz-tagging`, which are written like a query.
pub(super) fn tags_in_header(header: Option<&str>) -> S3Result<Vec<(String, String)>> {
    let decode = |text: &str| {
        percent_decode_str(&text.replace('+', " ")).decode_utf8().map(|text| text.into_owned()).map_err(
            |_| {
                s3_error!(
                    InvalidArgument,
                    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded"
                )
            },
        )
    };
    let pairs = header.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let tags = pairs.map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(key)?, decode(value)?))
    });
    checked(tags.collect::<S3Result<_>>()?)
}

pub(super) fn tags_in_body(tags: Vec<Tag>) -> S3Result<Vec<(String, String)>> {
    let pair = |tag: Tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
    checked(tags.into_iter().map(pair).collect())
}

/// Limits: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html>
fn checked(tags: Vec<(String, String)>) -> S3Result<Vec<(String, String)>> {
    if tags.len() > 10 {
        return Err(refusal(StatusCode::BAD_REQUEST, "BadRequest", "Object tags cannot be greater than 10"));
    }
    for (index, (key, value)) in tags.iter().enumerate() {
        if key.is_empty() || key.chars().count() > 128 {
            return Err(s3_error!(InvalidTag, "The TagKey you have provided is invalid"));
        }
        if value.chars().count() > 256 {
            return Err(s3_error!(InvalidTag, "The TagValue you have provided is invalid"));
        }
        if tags[..index].iter().any(|(other, _)| other == key) {
            return Err(s3_error!(InvalidTag, "Cannot provide multiple Tags with the same key"));
        }
    }
    Ok(tags)
}

pub(super) fn tag_set(properties: &Properties) -> Vec<Tag> {
    let tag = |(key, value): &(String, String)| Tag { key: Some(key.clone()), value: Some(value.clone()) };
    properties.tags.iter().map(tag).collect()
}

/// S3 encrypts everything with its own keys unless it is told otherwise.
pub(super) fn encryption(properties: &Properties) -> Option<ServerSideEncryption> {
    let name = properties.encryption.clone();
    Some(name.unwrap_or_else(|| ServerSideEncryption::AES256.to_owned()).into())
}
