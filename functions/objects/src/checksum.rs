//! SHA-256 checksums: lower-case hex for people and JSON, base64 for S3.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Serialize, Serializer};
use std::{fmt, str::FromStr};

/// A SHA-256 of a whole object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sha256([u8; 32]);

/// The text is not a SHA-256.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a SHA-256 as 64 lower-case hex digits, as sha256sum prints it")]
pub struct NotASha256;

impl Sha256 {
    /// The checksum as S3 writes it in `x-amz-checksum-sha256`.
    pub fn to_base64(self) -> String {
        STANDARD.encode(self.0)
    }

    /// Reads what S3 answers. A checksum of checksums (`…-3`, multipart) is not one of the object.
    ///
    /// # Errors
    /// [`NotASha256`] when the text is not base64 of 32 bytes.
    pub fn from_base64(text: &str) -> Result<Self, NotASha256> {
        let bytes = STANDARD.decode(text).map_err(|_| NotASha256)?;
        bytes.try_into().map(Self).map_err(|_| NotASha256)
    }
}

impl From<[u8; 32]> for Sha256 {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl FromStr for Sha256 {
    type Err = NotASha256;

    fn from_str(text: &str) -> Result<Self, NotASha256> {
        let lower = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let mut bytes = [0; 32];
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) if lower => Ok(Self(bytes)),
            _ => Err(NotASha256),
        }
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_spelling_only() {
        let good = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(good.parse::<Sha256>().map(|sum| sum.to_string()), Ok(good.to_owned()));
        for bad in [good.to_uppercase().as_str(), &good[..62], "", "zz"] {
            assert_eq!(bad.parse::<Sha256>(), Err(NotASha256), "{bad}");
        }
        assert_eq!(Sha256::from_base64("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=-2"), Err(NotASha256));
    }

    proptest! {
        #[test]
        fn hex_and_base64_read_back(bytes: [u8; 32]) {
            let sum = Sha256::from(bytes);
            prop_assert_eq!(sum.to_string().parse(), Ok(sum));
            prop_assert_eq!(Sha256::from_base64(&sum.to_base64()), Ok(sum));
        }
    }
}
