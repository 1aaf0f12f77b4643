//! Who and what: the ids that name an object and the people it belongs to.
//!
//! Tenant and user come from a verified token, object ids are made here. None of them can hold a
//! character with a meaning in a registry key or an object key, so keys are joined without escaping.

use serde::Serialize;
use std::{fmt, str::FromStr};
use uuid::{Uuid, Version};

/// The id of an object from its upload on, for ever: a UUIDv7, so that ids sort by age (RFC 9562).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ObjectId(Uuid);

impl ObjectId {
    /// A fresh id.
    #[expect(clippy::new_without_default, reason = "every call answers another id")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id as 16 bytes, for hashing.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// The text is not an id that this service made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an object id")]
pub struct NotAnObjectId;

impl FromStr for ObjectId {
    type Err = NotAnObjectId;

    /// Takes only the one spelling that [`ObjectId`] prints: lower case with hyphens, version 7.
    fn from_str(text: &str) -> Result<Self, NotAnObjectId> {
        let uuid = Uuid::try_parse(text).map_err(|_| NotAnObjectId)?;
        let id = Self(uuid);
        if uuid.get_version() == Some(Version::SortRand) && id.to_string() == text {
            Ok(id)
        } else {
            Err(NotAnObjectId)
        }
    }
}

/// The tenant that an object belongs to, taken from a verified token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct TenantId(String);

/// The text cannot be a tenant id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tenant id is 1 to 64 of A-Z a-z 0-9 . _ - and starts with a letter or digit")]
pub struct NotATenantId;

impl TenantId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = NotATenantId;

    fn from_str(text: &str) -> Result<Self, NotATenantId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let valid = (1..=64).contains(&text.len())
            && text.bytes().all(allowed)
            && text.as_bytes()[0].is_ascii_alphanumeric();
        if valid { Ok(Self(text.to_owned())) } else { Err(NotATenantId) }
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One object of one tenant: what keys, queue messages and the registry name. An id alone names nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// Whose object it is.
    pub tenant: TenantId,
    /// Which one.
    pub id: ObjectId,
}

impl ObjectRef {
    /// The object `id` of `tenant`.
    pub fn new(tenant: TenantId, id: ObjectId) -> Self {
        Self { tenant, id }
    }
}

/// The user who acts, taken from a verified token: OpenID Connect's `sub` (Core 1.0, section 2:
/// at most 255 ASCII characters).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct UserId(String);

/// The text cannot be a user id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user id is 1 to 255 visible ASCII characters")]
pub struct NotAUserId;

impl UserId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserId {
    type Err = NotAUserId;

    fn from_str(text: &str) -> Result<Self, NotAUserId> {
        let valid = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if valid { Ok(Self(text.to_owned())) } else { Err(NotAUserId) }
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_sort_by_age_and_read_back() {
        let ids: Vec<ObjectId> = (0..100).map(|_| ObjectId::new()).collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| id.to_string().parse() == Ok(*id)));
    }

    #[test]
    fn c01_only_our_own_spelling_is_an_id() {
        let id = ObjectId::new().to_string();
        for text in [
            id.to_uppercase().as_str(),
            id.replace('-', "").as_str(),
            format!("{{{id}}}").as_str(),
            "00000000-0000-0000-0000-000000000000",
            "6f1c2a80-9a5e-4b7e-8f43-2f0f4c1d9e11",
            "",
            "../x",
        ] {
            assert_eq!(text.parse::<ObjectId>(), Err(NotAnObjectId), "{text}");
        }
    }

    proptest! {
        #[test]
        fn t03_a_tenant_never_holds_a_separator(text in ".{0,80}") {
            if let Ok(tenant) = text.parse::<TenantId>() {
                prop_assert!(!tenant.as_str().contains(['#', '/', '\\', ' ']));
                prop_assert_ne!(tenant.as_str(), "..");
                prop_assert_eq!(tenant.as_str(), text);
            }
        }

        #[test]
        fn a_user_id_is_safe_in_a_header(text in any::<String>()) {
            if let Ok(user) = text.parse::<UserId>() {
                prop_assert!(user.as_str().bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
            }
        }
    }
}
