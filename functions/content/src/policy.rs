//! The policy of types: which media types a deployment takes, and how large each may be. `POST /uploads`
//! applies it to declarations, and the scan to content.
//!
//! It is one line, `ALLOWED_TYPES`: items between commas, each of which is `default` (every type
//! that can be checked) or the name of a type, and may have its own largest size:
//!
//! ```text
//! default
//! image/png=10MiB, application/pdf=50MiB, text/plain
//! default=25MiB, video/mp4=2GiB
//! ```
//!
//! A size is a whole number of bytes, or of `KiB`, `MiB` or `GiB`. An item for a type
//! overrides `default`. Without a size, the deployment's largest upload is the limit.

use crate::{
    media_types::{self, DEFAULT, MediaType},
    members::AllowedMembers,
};
use std::collections::BTreeMap;

/// The types that a deployment takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The largest size in bytes of each allowed type, by its name.
    limits: BTreeMap<&'static str, u64>,
    members: AllowedMembers,
}

/// What is wrong with the text of a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Neither `default` nor a type that is known.
    #[error("{0:?} is not a media type that can be checked")]
    UnknownType(String),
    /// What follows the `=` is no size.
    #[error("{0:?} is not a size: a whole number above 0, of bytes, KiB, MiB or GiB")]
    NoSize(String),
    /// The type, under whichever of its names, is there twice.
    #[error("{0} is listed twice")]
    Twice(String),
    /// The type's size is larger than what can be uploaded at all.
    #[error("{name} may have {size} bytes, which is more than the largest upload of {largest} bytes")]
    TooLarge {
        /// The item as it is written.
        name: String,
        /// Its size in bytes.
        size: u64,
        /// The largest upload in bytes.
        largest: u64,
    },
}

/// Why a policy does not admit an upload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// The type is not allowed, or not known at all.
    #[error("{0} is not an allowed type")]
    Type(String),
    /// The type is allowed, but not in this size.
    #[error("{media_type} must be at most {largest} bytes")]
    Size {
        /// The type.
        media_type: &'static str,
        /// Its largest size in bytes.
        largest: u64,
    },
}

impl Policy {
    /// Reads a policy. `largest` is the deployment's largest upload in bytes.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] naming the first part that is wrong.
    pub fn parse(text: &str, largest: u64) -> Result<Self, PolicyError> {
        let (mut by_default, mut own) = (None, BTreeMap::new());
        for item in text.split(',').map(str::trim) {
            let (name, size) = match item.split_once('=') {
                Some((name, size)) => (name.trim(), parse_size(size.trim())?),
                None => (item, largest),
            };
            if size > largest {
                return Err(PolicyError::TooLarge { name: name.to_owned(), size, largest });
            }
            let is_second = if name == "default" {
                by_default.replace(size).is_some()
            } else {
                let known = media_types::lookup(name).filter(|_| !name.contains(';'));
                let known = known.ok_or_else(|| PolicyError::UnknownType(name.to_owned()))?;
                own.insert(known.name, size).is_some()
            };
            if is_second {
                return Err(PolicyError::Twice(name.to_owned()));
            }
        }
        let mut limits = BTreeMap::new();
        if let Some(size) = by_default {
            limits.extend(DEFAULT.iter().map(|known| (known.name, size)));
        }
        limits.extend(own);
        Ok(Self { limits, members: AllowedMembers::default() })
    }

    /// The same with another policy of members.
    #[must_use]
    pub fn with_members(self, members: AllowedMembers) -> Self {
        Self { members, ..self }
    }

    /// What may lie inside archives.
    pub fn members(&self) -> &AllowedMembers {
        &self.members
    }

    /// The names of the types that the policy takes.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.limits.keys().copied()
    }

    /// The type that a `Content-Type` value declares, if the policy takes it in a size of `size` bytes.
    ///
    /// # Errors
    ///
    /// [`NotAdmitted`] when the type is not allowed, or `size` is more than it may have.
    pub fn admit(&self, content_type: &str, size: u64) -> Result<&'static MediaType, NotAdmitted> {
        let refused = || NotAdmitted::Type(content_type.to_owned());
        let known = media_types::lookup(content_type).ok_or_else(refused)?;
        let largest = *self.limits.get(known.name).ok_or_else(refused)?;
        if size > largest { Err(NotAdmitted::Size { media_type: known.name, largest }) } else { Ok(known) }
    }
}

fn parse_size(text: &str) -> Result<u64, PolicyError> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let (number, shift) = units
        .into_iter()
        .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?.trim_end(), shift)))
        .unwrap_or((text, 0));
    let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u64> = number.parse().ok().filter(|number| is_plain && *number > 0);
    let size = number.and_then(|number| number.checked_mul(1 << shift));
    size.ok_or_else(|| PolicyError::NoSize(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: u64 = 5 << 30;

    fn limit(policy: &str, content_type: &str) -> Option<u64> {
        let policy = Policy::parse(policy, LARGEST).unwrap();
        match policy.admit(content_type, u64::MAX) {
            Err(NotAdmitted::Size { largest, .. }) => {
                assert!(policy.admit(content_type, largest).is_ok());
                assert!(policy.admit(content_type, largest + 1).is_err());
                Some(largest)
            }
            Err(NotAdmitted::Type(_)) => None,
            Ok(known) => panic!("{} has no limit", known.name),
        }
    }

    #[test]
    fn c09_default_is_every_type_that_can_be_checked() {
        for known in DEFAULT {
            assert_eq!(limit("default", known.name), Some(LARGEST));
            assert_eq!(limit("default = 1 KiB", known.name), Some(1024));
        }
        assert_eq!(limit("default", "text/html"), None);
        assert_eq!(limit("default", "no type"), None);
    }

    #[test]
    fn t02_each_type_may_have_its_own_size() {
        let policy = " image/png=10MiB,application/pdf = 50MiB, text/plain,audio/mp3=7";
        assert_eq!(limit(policy, "image/png"), Some(10 << 20));
        assert_eq!(limit(policy, "image/x-png"), Some(10 << 20));
        assert_eq!(limit(policy, "application/pdf"), Some(50 << 20));
        assert_eq!(limit(policy, "TEXT/plain; charset=utf-8"), Some(LARGEST));
        assert_eq!(limit(policy, "audio/mpeg"), Some(7));
        assert_eq!(limit(policy, "image/gif"), None);
        for policy in ["video/mp4=2GiB,default=25MiB", "default=25MiB,video/mp4=2GiB"] {
            assert_eq!(limit(policy, "video/mp4"), Some(2 << 30));
            assert_eq!(limit(policy, "video/webm"), Some(25 << 20));
        }
        assert_eq!(limit("default=1KiB,video/mp4", "video/mp4"), Some(LARGEST));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |text: &str| Policy::parse(text, LARGEST).unwrap_err().to_string();
        let unknown = |name: &str| format!("{name:?} is not a media type that can be checked");
        for (text, name) in [
            ("", ""),
            ("default,", ""),
            ("image/png,text/html", "text/html"),
            ("Default", "Default"),
            ("image/*", "image/*"),
            ("image/png; q=1", "image/png; q"),
            ("image/png image/gif", "image/png image/gif"),
        ] {
            let found = error(text);
            assert!(found == unknown(name) || found.contains("is not a size"), "{text}: {found}");
        }
        for size in ["", "0", "-1", "+1", "1.5MiB", "10MB", "10mib", "MiB", "18446744073709551615KiB", "1 0"]
        {
            let found = error(&format!("image/png={size}"));
            assert!(found.starts_with(&format!("{size:?} is not a size")), "{size}: {found}");
        }
        assert_eq!(error("image/png,image/gif,image/x-png=1"), "image/x-png is listed twice");
        assert_eq!(error("default,default=1"), "default is listed twice");
        assert_eq!(
            error("default,video/mp4=6GiB"),
            "video/mp4 may have 6442450944 bytes, which is more than the largest upload of 5368709120 bytes"
        );
    }
}
