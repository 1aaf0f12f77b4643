//! The checksums S3 keeps beside an object
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>).

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::Digest as _;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The header that carries a checksum, such as `x-amz-checksum-sha256`.
    pub(crate) fn header(self) -> String {
        format!("x-amz-checksum-{}", self.name().to_ascii_lowercase())
    }

    /// SHA checksums of a multipart object can only be a checksum of the parts' checksums.
    pub(crate) fn can_cover_whole(self) -> bool {
        !matches!(self, Self::Sha1 | Self::Sha256)
    }
}

/// A checksum as S3 writes it: base64, and `-N` after it when it covers the checksums of N parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    pub(crate) value: String,
    pub(crate) covers_parts: bool,
}

impl Checksum {
    pub(crate) fn kind(&self) -> s3s::dto::ChecksumType {
        s3s::dto::ChecksumType::from_static(match self.covers_parts {
            true => s3s::dto::ChecksumType::COMPOSITE,
            false => s3s::dto::ChecksumType::FULL_OBJECT,
        })
    }
}

enum Hasher {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Sha1),
    Sha256(Sha256),
}

/// MD5 (the ETag) and one more checksum, over bytes as they come.
pub(crate) struct Digests {
    md5: md5::Md5,
    algorithm: Algorithm,
    hasher: Hasher,
    size: u64,
}

impl Digests {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let hasher = match algorithm {
            Algorithm::Crc32 => Hasher::Crc32(Crc32::new()),
            Algorithm::Crc32c => Hasher::Crc32c(Crc32c::new()),
            Algorithm::Crc64Nvme => Hasher::Crc64Nvme(Crc64Nvme::new()),
            Algorithm::Sha1 => Hasher::Sha1(Sha1::new()),
            Algorithm::Sha256 => Hasher::Sha256(Sha256::new()),
        };
        Self { md5: md5::Md5::new(), algorithm, hasher, size: 0 }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.md5.update(bytes);
        match &mut self.hasher {
            Hasher::Crc32(hasher) => hasher.update(bytes),
            Hasher::Crc32c(hasher) => hasher.update(bytes),
            Hasher::Crc64Nvme(hasher) => hasher.update(bytes),
            Hasher::Sha1(hasher) => hasher.update(bytes),
            Hasher::Sha256(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Digested {
        let value = match self.hasher {
            Hasher::Crc32(hasher) => STANDARD.encode(hasher.finalize()),
            Hasher::Crc32c(hasher) => STANDARD.encode(hasher.finalize()),
            Hasher::Crc64Nvme(hasher) => STANDARD.encode(hasher.finalize()),
            Hasher::Sha1(hasher) => STANDARD.encode(hasher.finalize()),
            Hasher::Sha256(hasher) => STANDARD.encode(hasher.finalize()),
        };
        let checksum = Checksum { algorithm: self.algorithm, value, covers_parts: false };
        Digested { size: self.size, md5: self.md5.finalize().into(), checksum }
    }
}

/// Size and digests of some bytes.
#[derive(Clone, Debug)]
pub(crate) struct Digested {
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    pub(crate) checksum: Checksum,
}

/// The ETag and the checksum of an object made of parts; `None` when a part's own cannot be read.
pub(crate) fn of_parts<'a>(
    algorithm: Algorithm,
    parts: impl Iterator<Item = (&'a str, &'a Checksum)>,
) -> Option<(String, Checksum)> {
    let (mut md5s, mut sums, mut count) = (Digests::new(algorithm), Digests::new(algorithm), 0);
    for (etag, checksum) in parts {
        md5s.update(&hex::decode(etag).ok()?);
        sums.update(&STANDARD.decode(&checksum.value).ok()?);
        count += 1;
    }
    let etag = format!("{}-{count}", hex::encode(md5s.finish().md5));
    let value = format!("{}-{count}", sums.finish().checksum.value);
    Some((etag, Checksum { algorithm, value, covers_parts: true }))
}

/// The checksums that an input names, from the five fields it has for them.
macro_rules! named_checksums {
    ($input:expr) => {
        [
            ($crate::checksum::Algorithm::Crc32, $input.checksum_crc32.clone()),
            ($crate::checksum::Algorithm::Crc32c, $input.checksum_crc32c.clone()),
            ($crate::checksum::Algorithm::Crc64Nvme, $input.checksum_crc64nvme.clone()),
            ($crate::checksum::Algorithm::Sha1, $input.checksum_sha1.clone()),
            ($crate::checksum::Algorithm::Sha256, $input.checksum_sha256.clone()),
        ]
        .into_iter()
        .filter_map(|(algorithm, value)| Some((algorithm, value?)))
        .collect::<Vec<_>>()
    };
}

/// Writes a checksum into the one of an output's five fields that is for it.
macro_rules! with_checksum {
    ($checksum:expr, $output:expr) => {{
        let mut output = $output;
        if let Some(checksum) = $checksum {
            let value = Some(checksum.value.clone());
            match checksum.algorithm {
                $crate::checksum::Algorithm::Crc32 => output.checksum_crc32 = value,
                $crate::checksum::Algorithm::Crc32c => output.checksum_crc32c = value,
                $crate::checksum::Algorithm::Crc64Nvme => output.checksum_crc64nvme = value,
                $crate::checksum::Algorithm::Sha1 => output.checksum_sha1 = value,
                $crate::checksum::Algorithm::Sha256 => output.checksum_sha256 = value,
            }
        }
        output
    }};
}

pub(crate) use {named_checksums, with_checksum};
