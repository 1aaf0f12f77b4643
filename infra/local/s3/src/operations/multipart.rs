//! Multipart uploads
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>).

use super::{
    Answer, answer, cause, etag,
    objects::conditions,
    properties::{encryption, properties},
};
use crate::{
    checksum::{Algorithm, Checksum, Digests, named_checksums, of_parts, with_checksum},
    incoming::{announced, receive},
    store::{
        Draft, Found, NewObject, Store, Upload,
        record::{Content, PartRecord, UploadRecord, fresh_id},
    },
};
use s3s::{S3Error, S3Request, S3Response, S3Result, dto::*, s3_error};
use std::{
    fs::File,
    io::{self, Read, Write},
    path::PathBuf,
};
use time::OffsetDateTime;

/// The least that a part other than the last may have, in bytes.
const SMALLEST_PART: u64 = 5 * 1024 * 1024;
const LAST_PART: i32 = 10_000;

pub(super) async fn create_multipart_upload(
    store: &Store,
    mut request: S3Request<CreateMultipartUploadInput>,
) -> Answer<CreateMultipartUploadOutput> {
    let input = &mut request.input;
    let properties = properties!(input);
    let (server_side_encryption, ssekms_key_id) = (encryption(&properties), properties.kms_key_id.clone());
    let named = input.checksum_algorithm.as_ref().map(|name| {
        Algorithm::named(name.as_str())
            .ok_or_else(|| s3_error!(InvalidRequest, "Checksum algorithm provided is unsupported."))
    });
    let algorithm = named.transpose()?;
    let covers_parts = covers_parts(algorithm, input.checksum_type.as_ref())?;
    let record = UploadRecord {
        bucket: input.bucket.clone(),
        key: input.key.clone(),
        started: OffsetDateTime::now_utc(),
        properties,
        algorithm,
        covers_parts,
    };
    let id = store.start_upload(record)?;
    answer(CreateMultipartUploadOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(input.key.clone()),
        upload_id: Some(id),
        checksum_algorithm: input.checksum_algorithm.take(),
        checksum_type: algorithm.map(|_| kind(covers_parts)),
        server_side_encryption,
        ssekms_key_id,
        ..Default::default()
    })
}

fn kind(covers_parts: bool) -> ChecksumType {
    ChecksumType::from_static(if covers_parts { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT })
}

/// Not every checksum comes in both types
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>).
fn covers_parts(algorithm: Option<Algorithm>, asked: Option<&ChecksumType>) -> S3Result<bool> {
    let Some(algorithm) = algorithm else { return Ok(false) };
    let only_whole = algorithm == Algorithm::Crc64Nvme;
    match asked.map(ChecksumType::as_str) {
        None => Ok(!only_whole),
        Some(ChecksumType::COMPOSITE) if !only_whole => Ok(true),
        Some(ChecksumType::FULL_OBJECT) if algorithm.can_cover_whole() => Ok(false),
        Some(other) => {
            let name = algorithm.name();
            Err(s3_error!(
                InvalidRequest,
                "The {other} checksum type cannot be used with the {name} algorithm."
            ))
        }
    }
}

pub(super) async fn upload_part(
    store: &Store,
    mut request: S3Request<UploadPartInput>,
) -> Answer<UploadPartOutput> {
    let input = &request.input;
    if !(1..=LAST_PART).contains(&input.part_number) {
        return Err(s3_error!(
            InvalidArgument,
            "Part number must be an integer between 1 and {LAST_PART}, inclusive"
        ));
    }
    let upload = store.upload(&input.upload_id, &input.bucket, &input.key)?;
    let (body, announced) = announced!(request);
    let input = &request.input;
    let default = upload.record.algorithm.unwrap_or(Algorithm::Crc64Nvme);
    let received = receive(store, body, announced, default).await?;
    let (actual, expected) = (received.digested.checksum.algorithm, default);
    if upload.record.algorithm.is_some() && actual != expected {
        let (expected, actual) = (expected.name(), actual.name());
        return Err(s3_error!(
            InvalidRequest,
            "Checksum Type mismatch occurred, expected checksum Type: {expected}, actual checksum Type: {actual}"
        ));
    }
    let part = PartRecord {
        id: fresh_id(),
        number: input.part_number,
        modified: OffsetDateTime::now_utc(),
        size: received.digested.size,
        etag: hex::encode(received.digested.md5),
        checksum: received.digested.checksum,
    };
    store.put_part(&input.upload_id, (&input.bucket, &input.key), part.clone(), &received.draft)?;
    answer(with_checksum!(
        Some(&part.checksum),
        UploadPartOutput {
            e_tag: etag(&part.etag),
            server_side_encryption: encryption(&upload.record.properties),
            ssekms_key_id: upload.record.properties.kms_key_id.clone(),
            ..Default::default()
        }
    ))
}

pub(super) async fn complete_multipart_upload(
    store: &Store,
    mut request: S3Request<CompleteMultipartUploadInput>,
) -> Answer<CompleteMultipartUploadOutput> {
    let cause = cause(&request, "ObjectCreated:CompleteMultipartUpload")?;
    let input = &mut request.input;
    let conditions = conditions(input.if_match.take(), input.if_none_match.take())?;
    let upload = store.upload(&input.upload_id, &input.bucket, &input.key)?;
    let named = input.multipart_upload.take().and_then(|named| named.parts).unwrap_or_default();
    let parts = chosen(&upload, &named)?;
    let whole: u64 = parts.iter().map(|part| part.size).sum();
    if input.mpu_object_size.is_some_and(|expected| u64::try_from(expected) != Ok(whole)) {
        return Err(s3_error!(InvalidRequest, "The provided 'x-amz-mp-object-size' header does not match"));
    }
    let algorithm = upload.record.algorithm.unwrap_or(Algorithm::Crc64Nvme);
    let summed_up = of_parts(algorithm, parts.iter().map(|part| (part.etag.as_str(), &part.checksum)));
    let (object_etag, mut checksum) = summed_up.ok_or_else(invalid_part)?;
    let digests = (!upload.record.covers_parts).then(|| Digests::new(algorithm));
    let paths = parts.iter().map(|part| store.part_path(&input.upload_id, part)).collect();
    let (draft, whole_checksum) = join(store, paths, digests).await?;
    if let Some(whole_checksum) = whole_checksum {
        checksum = whole_checksum;
    }
    for (algorithm, value) in named_checksums!(input) {
        if algorithm != checksum.algorithm || value != checksum.value {
            let name = algorithm.name();
            return Err(s3_error!(
                BadDigest,
                "The {name} you specified did not match the calculated checksum."
            ));
        }
    }
    let content = Content {
        size: whole,
        etag: object_etag,
        checksum,
        parts: parts.iter().map(|part| part.size).collect(),
    };
    let Found { version, version_id } = store.complete_upload(
        &input.upload_id,
        NewObject {
            bucket: input.bucket.clone(),
            key: input.key.clone(),
            draft,
            content,
            properties: upload.record.properties,
            conditions,
            cause,
        },
    )?;
    let content = version.content.as_ref();
    let checksum = content.map(|content| &content.checksum);
    answer(with_checksum!(
        checksum,
        CompleteMultipartUploadOutput {
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            location: Some(format!("/{}/{}", input.bucket, input.key)),
            e_tag: content.and_then(|content| etag(&content.etag)),
            checksum_type: checksum.map(Checksum::kind),
            server_side_encryption: encryption(&version.properties),
            ssekms_key_id: version.properties.kms_key_id.clone(),
            version_id,
            ..Default::default()
        }
    ))
}

fn invalid_part() -> S3Error {
    s3_error!(
        InvalidPart,
        "One or more of the specified parts could not be found. The part might not have been uploaded, or \
         the specified entity tag might not have matched the part's entity tag."
    )
}

/// The parts that the client names, if they are what was uploaded.
fn chosen(upload: &Upload, named: &[CompletedPart]) -> S3Result<Vec<PartRecord>> {
    if named.is_empty() {
        return Err(s3_error!(MalformedXML, "You must specify at least one part"));
    }
    if named.windows(2).any(|two| two[0].part_number >= two[1].part_number) {
        return Err(s3_error!(
            InvalidPartOrder,
            "The list of parts was not in ascending order. Parts must be ordered by part number."
        ));
    }
    let mut parts: Vec<PartRecord> = Vec::with_capacity(named.len());
    for (index, completed) in named.iter().enumerate() {
        let number = completed.part_number.unwrap_or_default();
        let part = upload.parts.get(&number).ok_or_else(invalid_part)?;
        let sums = named_checksums!(completed);
        let wrong = |(algorithm, value): &(Algorithm, String)| {
            *algorithm != part.checksum.algorithm || *value != part.checksum.value
        };
        if completed.e_tag.as_ref().map(ETag::value) != Some(&part.etag) || sums.iter().any(wrong) {
            return Err(invalid_part());
        }
        if upload.record.covers_parts && sums.is_empty() {
            let name = part.checksum.algorithm.name().to_ascii_lowercase();
            return Err(s3_error!(
                InvalidRequest,
                "The upload was created using a {name} checksum. The complete request must include the checksum \
                 for each part. It was missing for part {number} in the request."
            ));
        }
        if part.size < SMALLEST_PART && index + 1 < named.len() {
            let message = "Your proposed upload is smaller than the minimum allowed size";
            return Err(s3_error!(EntityTooSmall, "{message}"));
        }
        parts.push(part.clone());
    }
    Ok(parts)
}

/// Joins the parts in a new file; with `digests`, computes the checksum of all of it on the way.
async fn join(
    store: &Store,
    paths: Vec<PathBuf>,
    digests: Option<Digests>,
) -> S3Result<(Draft, Option<Checksum>)> {
    let draft = store.draft();
    let joined = tokio::task::spawn_blocking(move || {
        let mut file = File::create(draft.path())?;
        let mut digests = digests;
        for path in paths {
            let mut part = File::open(path)?;
            match &mut digests {
                // The kernel can do this without us.
                None => _ = io::copy(&mut part, &mut file)?,
                Some(digests) => copy(&mut part, &mut file, digests)?,
            }
        }
        Ok((draft, digests.map(|digests| digests.finish().checksum)))
    });
    joined.await.unwrap_or_else(|panic| Err(io::Error::other(panic))).map_err(|error| match error.kind() {
        // A part was replaced, or the upload ended, while it was read.
        io::ErrorKind::NotFound => invalid_part(),
        _ => store.internal(&error),
    })
}

fn copy(from: &mut File, to: &mut File, digests: &mut Digests) -> io::Result<()> {
    let mut chunk = vec![0; 1024 * 1024];
    loop {
        match from.read(&mut chunk)? {
            0 => return Ok(()),
            read => {
                digests.update(&chunk[..read]);
                to.write_all(&chunk[..read])?;
            }
        }
    }
}

pub(super) async fn abort_multipart_upload(
    store: &Store,
    request: S3Request<AbortMultipartUploadInput>,
) -> Answer<AbortMultipartUploadOutput> {
    let input = request.input;
    store.abort_upload(&input.upload_id, &input.bucket, &input.key)?;
    Ok(S3Response::with_status(AbortMultipartUploadOutput::default(), http::StatusCode::NO_CONTENT))
}
