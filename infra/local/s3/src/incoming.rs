//! Receives the bytes of an object or a part: into a file, checking them as they come.

use crate::{
    checksum::{Algorithm, Digested, Digests},
    refusal::refusal,
    store::{Draft, Store},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::StreamExt;
use http::{HeaderMap, StatusCode};
use s3s::{
    S3Error, S3Result, TrailingHeaders,
    dto::{ChecksumAlgorithm, StreamingBlob},
    s3_error,
    stream::ByteStream,
};
use tokio::{fs::File, io::AsyncWriteExt};

/// The largest single upload: 5 GiB
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>).
pub(crate) const LARGEST_PUT: u64 = 5 * 1024 * 1024 * 1024;

/// What the request says its body is.
#[derive(Default)]
pub(crate) struct Announced {
    pub(crate) length: Option<i64>,
    /// Base64.
    pub(crate) md5: Option<String>,
    /// The checksums that the headers give.
    pub(crate) checksums: Vec<(Algorithm, String)>,
    /// The checksum that the client says it uses, in `x-amz-sdk-checksum-algorithm`.
    pub(crate) algorithm: Option<ChecksumAlgorithm>,
    /// The name of the header that follows the body.
    pub(crate) trailer: Option<String>,
    pub(crate) trailers: Option<TrailingHeaders>,
}

/// The body of a `PutObject` or an `UploadPart`, and what its headers announce: `s3s` has a type for each of the two.
macro_rules! announced {
    ($request:ident) => {{
        let trailers = $request.trailing_headers.take();
        let input = &mut $request.input;
        let body = input.body.take();
        let announced = $crate::incoming::Announced {
            length: $crate::incoming::length_of(input.content_length, &$request.headers, body.as_ref()),
            md5: input.content_md5.take(),
            checksums: $crate::checksum::named_checksums!(input),
            algorithm: input.checksum_algorithm.take(),
            trailer: $crate::incoming::trailer_of(&$request.headers),
            trailers,
        };
        (body, announced)
    }};
}
pub(crate) use announced;

/// What came.
pub(crate) struct Received {
    pub(crate) draft: Draft,
    pub(crate) digested: Digested,
}

pub(crate) fn trailer_of(headers: &HeaderMap) -> Option<String> {
    Some(headers.get("x-amz-trailer")?.to_str().ok()?.trim().to_ascii_lowercase())
}

/// The length of the body: without the framing of `aws-chunked`, if it has any.
pub(crate) fn length_of(
    given: Option<i64>,
    headers: &HeaderMap,
    body: Option<&StreamingBlob>,
) -> Option<i64> {
    let decoded = || headers.get("x-amz-decoded-content-length")?.to_str().ok()?.parse().ok();
    let known = || i64::try_from(body?.remaining_length().exact()?).ok();
    decoded().or(given).or_else(known)
}

/// Reads `body` into a new file. `default` is the checksum to compute when the client wants none.
///
/// # Errors
/// When the body differs from the announcement; nothing is kept then.
pub(crate) async fn receive(
    store: &Store,
    body: Option<StreamingBlob>,
    announced: Announced,
    default: Algorithm,
) -> S3Result<Received> {
    let length = announced
        .length
        .ok_or_else(|| s3_error!(MissingContentLength, "You must provide the Content-Length HTTP header."))?;
    let length =
        u64::try_from(length).map_err(|_| s3_error!(InvalidArgument, "Content-Length is negative"))?;
    if length > LARGEST_PUT {
        return Err(s3_error!(EntityTooLarge, "Your proposed upload exceeds the maximum allowed size"));
    }
    let (algorithm, mut expected) = expectation(&announced, default)?;
    let draft = store.draft();
    let digested = write(store, body, &draft, Digests::new(algorithm)).await?;
    if digested.size != length {
        return Err(s3_error!(
            IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header"
        ));
    }
    if let Some(md5) = &announced.md5 {
        let md5 = STANDARD.decode(md5).ok().filter(|md5| md5.len() == 16);
        let md5 =
            md5.ok_or_else(|| s3_error!(InvalidDigest, "The Content-MD5 you specified is not valid."))?;
        if md5 != digested.md5 {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
    }
    if let Some(name) = announced.trailer {
        let trailers = announced.trailers.as_ref().and_then(TrailingHeaders::take).unwrap_or_default();
        let value = trailers.get(&name).and_then(|value| value.to_str().ok());
        expected =
            Some(value.ok_or_else(|| s3_error!(InvalidRequest, "The trailer {name} is missing"))?.to_owned());
    }
    if expected.as_ref().is_some_and(|value| *value != digested.checksum.value) {
        let name = algorithm.name();
        return Err(s3_error!(BadDigest, "The {name} you specified did not match the calculated checksum."));
    }
    Ok(Received { draft, digested })
}

/// Which checksum to compute, and what it must be if that is known yet.
fn expectation(announced: &Announced, default: Algorithm) -> S3Result<(Algorithm, Option<String>)> {
    let trailing = announced.trailer.as_ref().map(|name| {
        let algorithm = Algorithm::ALL.into_iter().find(|algorithm| algorithm.header() == *name);
        algorithm.ok_or_else(|| s3_error!(InvalidRequest, "The trailer {name} is not a checksum"))
    });
    let trailing = trailing.transpose()?;
    match (announced.checksums.as_slice(), trailing) {
        ([], Some(algorithm)) => Ok((algorithm, None)),
        ([(algorithm, value)], None) => Ok((*algorithm, Some(value.clone()))),
        ([], None) => {
            let named = announced.algorithm.as_ref().and_then(|name| Algorithm::named(name.as_str()));
            Ok((named.unwrap_or(default), None))
        }
        _ => Err(s3_error!(
            InvalidRequest,
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )),
    }
}

async fn write(
    store: &Store,
    body: Option<StreamingBlob>,
    draft: &Draft,
    mut digests: Digests,
) -> S3Result<Digested> {
    let mut file = File::create(draft.path()).await.map_err(|error| store.internal(&error))?;
    if let Some(mut body) = body {
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(|error| unreadable(&*error))?;
            digests.update(&bytes);
            file.write_all(&bytes).await.map_err(|error| store.internal(&error))?;
        }
    }
    file.flush().await.map_err(|error| store.internal(&error))?;
    Ok(digests.finish())
}

/// The answer to a body that `s3s` would not read on. Its errors have no public type, so their
/// text tells them apart.
fn unreadable(error: &(dyn std::error::Error + Send + Sync)) -> S3Error {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
        refusal(StatusCode::BAD_REQUEST, "XAmzContentSHA256Mismatch", message)
    } else if text.contains("SignatureMismatch") {
        s3_error!(SignatureDoesNotMatch, "A chunk's signature does not match what was computed.")
    } else {
        s3_error!(IncompleteBody, "The request body terminated unexpectedly")
    }
}
