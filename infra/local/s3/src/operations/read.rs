//! `GetObject` and `HeadObject`.

use super::{Answer, answer, etag, modified, properties::encryption, size};
use crate::{
    checksum::{Checksum, with_checksum},
    refusal::refusal,
    store::{Found, Store, failed_precondition, matches, record::Content},
};
use bytes::BytesMut;
use futures::stream::try_unfold;
use s3s::{S3Request, S3Response, S3Result, dto::*, s3_error};
use std::{
    io::{self, SeekFrom},
    ops,
};
use time::OffsetDateTime;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};

/// How much of an object is in memory at a time while it is sent, in bytes.
const CHUNK: usize = 256 * 1024;

/// What a client wants of an object, and under which conditions.
pub(super) struct Wanted {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

impl Wanted {
    /// In the order of RFC 9110, section 13.2.2. `unchanged` is the answer to a client that has it already.
    pub(super) fn check(
        self,
        content: &Content,
        modified: OffsetDateTime,
        unchanged: impl FnOnce() -> s3s::S3Error,
    ) -> S3Result<()> {
        // Dates in headers have whole seconds.
        let newer =
            |since: Timestamp| modified.unix_timestamp() > OffsetDateTime::from(since).unix_timestamp();
        let wrong = match (self.if_match, self.if_unmodified_since) {
            (Some(condition), _) => !matches(&condition, &content.etag),
            (None, since) => since.is_some_and(newer),
        };
        if wrong {
            return Err(failed_precondition());
        }
        let same = match (self.if_none_match, self.if_modified_since) {
            (Some(condition), _) => matches(&condition, &content.etag),
            (None, since) => since.is_some_and(|since| !newer(since)),
        };
        if same { Err(unchanged()) } else { Ok(()) }
    }
}

/// The bytes that an answer has.
struct Selection {
    bytes: ops::Range<u64>,
    /// Set when it is not all of them.
    content_range: Option<String>,
    parts_count: Option<i32>,
}

fn select(content: &Content, range: Option<Range>, part: Option<i32>) -> S3Result<Selection> {
    let all = content.size;
    let parts_count = part.and(i32::try_from(content.parts.len()).ok()).filter(|count| *count > 0);
    let bytes = match (range, part) {
        (None, None) => return Ok(Selection { bytes: 0..all, content_range: None, parts_count }),
        (Some(_), Some(_)) => {
            return Err(s3_error!(
                InvalidRequest,
                "Cannot specify both Range header and partNumber query parameter"
            ));
        }
        (Some(range), None) => {
            range.check(all).map_err(|_| s3_error!(InvalidRange, "The requested range is not satisfiable"))?
        }
        (None, Some(number)) => part_range(content, number).ok_or_else(|| {
            refusal(
                http::StatusCode::RANGE_NOT_SATISFIABLE,
                "InvalidPartNumber",
                "The requested partnumber is not satisfiable",
            )
        })?,
    };
    let last = bytes.end.saturating_sub(1);
    let content_range = (all > 0).then(|| format!("bytes {}-{last}/{all}", bytes.start));
    Ok(Selection { bytes, content_range, parts_count })
}

/// An object that came in one is its own first part.
fn part_range(content: &Content, number: i32) -> Option<ops::Range<u64>> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    if content.parts.is_empty() {
        return (index == 0).then_some(0..content.size);
    }
    let length = content.parts.get(index)?;
    let start = content.parts[..index].iter().sum();
    Some(start..start + length)
}

/// S3 gives the checksum only if the client asks for it and gets all bytes that it covers.
fn shown(mode: Option<&ChecksumMode>, selection: &Selection, content: &Content) -> Option<Checksum> {
    let asked = mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED);
    let whole = selection.bytes == (0..content.size);
    (asked && whole).then(|| content.checksum.clone())
}

fn not_modified(content: &Content) -> s3s::S3Error {
    let mut error = s3_error!(NotModified, "Not Modified");
    let mut headers = http::HeaderMap::new();
    if let Ok(value) = http::HeaderValue::from_str(&format!("\"{}\"", content.etag)) {
        headers.insert(http::header::ETAG, value);
    }
    error.set_headers(headers);
    error
}

/// Fills what the answers to GET and HEAD share; `$input` names the object, `$body` is the rest.
macro_rules! describe {
    ($output:ident, $input:ident, $found:ident, $content:ident, $selection:ident, { $($body:tt)* }) => {{
        let properties = &$found.version.properties;
        let checksum = shown($input.checksum_mode.as_ref(), &$selection, $content);
        let metadata = properties.metadata.clone().into_iter().collect::<Metadata>();
        let content_type = properties.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned());
        with_checksum!(&checksum, $output {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: $input.response_cache_control.or(properties.cache_control.clone()),
            checksum_type: checksum.as_ref().map(Checksum::kind),
            content_disposition: $input.response_content_disposition.or(properties.content_disposition.clone()),
            content_encoding: $input.response_content_encoding.or(properties.content_encoding.clone()),
            content_language: $input.response_content_language.or(properties.content_language.clone()),
            content_length: size($selection.bytes.end - $selection.bytes.start),
            content_range: $selection.content_range,
            content_type: Some($input.response_content_type.unwrap_or(content_type)),
            e_tag: etag(&$content.etag),
            expires: $input.response_expires.or(properties.expires.map(Into::into)),
            last_modified: modified(&$found.version),
            metadata: (!metadata.is_empty()).then_some(metadata),
            parts_count: $selection.parts_count,
            server_side_encryption: encryption(properties),
            ssekms_key_id: properties.kms_key_id.clone(),
            version_id: $found.version_id.clone(),
            $($body)*
            ..Default::default()
        })
    }};
}

macro_rules! choose {
    ($store:expr, $input:ident) => {{
        let found = $store.find(&$input.bucket, &$input.key, $input.version_id.as_deref())?;
        let content = found.version.content.clone().ok_or_else(crate::store::no_such_key)?;
        let wanted = Wanted {
            if_match: $input.if_match.take(),
            if_none_match: $input.if_none_match.take(),
            if_modified_since: $input.if_modified_since.take(),
            if_unmodified_since: $input.if_unmodified_since.take(),
        };
        wanted.check(&content, found.version.modified, || not_modified(&content))?;
        let selection = select(&content, $input.range.take(), $input.part_number)?;
        (found, content, selection)
    }};
}

pub(super) async fn get_object(store: &Store, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
    let mut input = request.input;
    let (found, content, selection) = choose!(store, input);
    let body = open(store, &input.bucket, &found, selection.bytes.clone()).await?;
    let partial = selection.content_range.is_some();
    let content = &content;
    let output = describe!(GetObjectOutput, input, found, content, selection, {
        body: Some(body),
        tag_count: i32::try_from(found.version.properties.tags.len()).ok().filter(|count| *count > 0),
    });
    // S3 says 206 also when the range is all of it.
    let status = if partial { http::StatusCode::PARTIAL_CONTENT } else { http::StatusCode::OK };
    Ok(S3Response::with_status(output, status))
}

pub(super) async fn head_object(
    store: &Store,
    request: S3Request<HeadObjectInput>,
) -> Answer<HeadObjectOutput> {
    let mut input = request.input;
    let (found, content, selection) = choose!(store, input);
    let content = &content;
    let partial = selection.content_range.is_some();
    let output = describe!(HeadObjectOutput, input, found, content, selection, {});
    if partial {
        return Ok(S3Response::with_status(output, http::StatusCode::PARTIAL_CONTENT));
    }
    answer(output)
}

async fn open(store: &Store, bucket: &str, found: &Found, bytes: ops::Range<u64>) -> S3Result<StreamingBlob> {
    let opened = async {
        let mut file = File::open(store.content_path(bucket, &found.version)).await?;
        file.seek(SeekFrom::Start(bytes.start)).await?;
        Ok(file)
    };
    let file = opened.await.map_err(|error: io::Error| match error.kind() {
        // It was deleted a moment ago.
        io::ErrorKind::NotFound => crate::store::no_such_key(),
        _ => store.internal(&error),
    })?;
    let left = bytes.end - bytes.start;
    Ok(StreamingBlob::wrap(try_unfold((file, left), |(mut file, left)| async move {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK);
        if wanted == 0 {
            return Ok(None);
        }
        let mut chunk = BytesMut::with_capacity(wanted);
        let mut limited = (&mut file).take(wanted as u64);
        let read = limited.read_buf(&mut chunk).await?;
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        Ok(Some((chunk.freeze(), (file, left - read as u64))))
    })))
}
