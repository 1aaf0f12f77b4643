//! What S3 demands of a signature that `s3s` does not
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>).

use crate::refusal::refusal;
use airlock_local_access::REGION;
use http::{StatusCode, Uri, request::Parts};
use percent_encoding::percent_decode_str;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};

/// A week: the most that `X-Amz-Expires` may say, in seconds.
const LONGEST_LIFE: u32 = 7 * 24 * 60 * 60;

/// The signature of a request, as far as this module looks at it. Whether it is right is found
/// out by `s3s`.
#[derive(Clone)]
pub(crate) struct Signature {
    /// True when the URL holds it.
    pub(crate) presigned: bool,
    /// When it was made.
    pub(crate) time: OffsetDateTime,
}

/// Reads the signature of a request; `None` when it has none, or has it in a form.
///
/// # Errors
/// The answer to send when S3 would refuse it.
pub(crate) fn read(request: &Parts) -> S3Result<Option<Signature>> {
    let header = header(request, "authorization");
    let presigned = query_of(&request.uri, "X-Amz-Signature").is_some();
    if query_of(&request.uri, "Signature").is_some()
        || header.as_ref().is_some_and(|text| text.starts_with("AWS "))
    {
        let message =
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
        return Err(S3Error::with_message(S3ErrorCode::InvalidRequest, message));
    }
    match header {
        Some(_) if presigned => Err(s3_error!(
            InvalidArgument,
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query \
             string parameter or the Authorization header should be specified"
        )),
        Some(authorization) => in_header(request, &authorization).map(Some),
        None if presigned => in_query(request).map(Some),
        None => Ok(None),
    }
}

fn in_query(request: &Parts) -> S3Result<Signature> {
    let refuse = |message: &'static str| {
        refusal(StatusCode::BAD_REQUEST, "AuthorizationQueryParametersError", message)
    };
    let life = query_of(&request.uri, "X-Amz-Expires").ok_or_else(|| refuse("X-Amz-Expires is missing"))?;
    let life: u32 = life.parse().map_err(|_| refuse("X-Amz-Expires should be a number"))?;
    if life > LONGEST_LIFE {
        return Err(refuse("X-Amz-Expires must be less than a week (in seconds); that is 604800"));
    }
    let time = query_of(&request.uri, "X-Amz-Date").as_deref().and_then(date);
    let time = time.ok_or_else(|| refuse("X-Amz-Date must be in the ISO8601 Long Format"))?;
    let credential =
        query_of(&request.uri, "X-Amz-Credential").ok_or_else(|| refuse("X-Amz-Credential is missing"))?;
    if !is_for_s3(&credential) {
        return Err(refuse("Error parsing the X-Amz-Credential parameter; the region or service is wrong"));
    }
    let signed = query_of(&request.uri, "X-Amz-SignedHeaders")
        .ok_or_else(|| refuse("X-Amz-SignedHeaders is missing"))?;
    all_signed(request, &signed)?;
    Ok(Signature { presigned: true, time })
}

fn in_header(request: &Parts, authorization: &str) -> S3Result<Signature> {
    let refuse = || s3_error!(AuthorizationHeaderMalformed, "The authorization header is malformed.");
    let fields = authorization.strip_prefix("AWS4-HMAC-SHA256").ok_or_else(refuse)?;
    let field =
        |name: &str| fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
    if !field("Credential").is_some_and(is_for_s3) {
        return Err(refuse());
    }
    all_signed(request, field("SignedHeaders").ok_or_else(refuse)?)?;
    let time = header(request, "x-amz-date").as_deref().and_then(date);
    let time = time.ok_or_else(|| {
        s3_error!(AccessDenied, "AWS authentication requires a valid Date or x-amz-date header")
    })?;
    Ok(Signature { presigned: false, time })
}

/// `key/day/region/service/aws4_request`
fn is_for_s3(credential: &str) -> bool {
    credential.ends_with(&format!("/{REGION}/s3/aws4_request"))
}

/// The host and every `x-amz-*` header must be signed, or the holder of a URL could add to it.
fn all_signed(request: &Parts, signed: &str) -> S3Result<()> {
    let signed: Vec<&str> = signed.split(';').collect();
    let must = |name: &&str| *name == "host" || name.starts_with("x-amz-");
    match request
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(must)
        .find(|name| !signed.contains(name))
    {
        None => Ok(()),
        Some(name) => Err(s3_error!(
            AccessDenied,
            "There were headers present in the request which were not signed: {name}"
        )),
    }
}

fn date(text: &str) -> Option<OffsetDateTime> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    PrimitiveDateTime::parse(text, format).ok().map(PrimitiveDateTime::assume_utc)
}

fn header(request: &Parts, name: &str) -> Option<String> {
    request.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// A query parameter; its name is decoded like `s3s` does, so that both see the same.
pub(crate) fn query_of(uri: &Uri, name: &str) -> Option<String> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    uri.query()?.split('&').find_map(|pair| {
        let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(found) == name).then(|| decode(value))
    })
}
