//! Keys of the quarantine bucket. They are made here alone, from ids; no client ever names one.

use airlock_objects::id::ObjectRef;
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

/// `quarantine/<4 hex>/<tenant>/<object id>`. The hex digits come from a hash of the id, so that
/// uploads spread over S3's partitions, which ids sorted by time would not (S3 performance guide).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QuarantineKey(ObjectRef);

impl QuarantineKey {
    /// The only key at which this object can be uploaded.
    pub fn of(object: &ObjectRef) -> Self {
        Self(object.clone())
    }

    /// Which object it is.
    pub fn object(&self) -> &ObjectRef {
        &self.0
    }
}

impl fmt::Display for QuarantineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(f, "quarantine", &self.0)
    }
}

fn write_key(f: &mut fmt::Formatter<'_>, prefix: &str, ObjectRef { tenant, id }: &ObjectRef) -> fmt::Result {
    let hash = Sha256::digest(id.as_bytes());
    write!(f, "{prefix}/{:02x}{:02x}/{tenant}/{id}", hash[0], hash[1])
}

/// `held/<4 hex>/<tenant>/<object id>`: where what was not accepted, or was recalled, is kept for those who
/// look into it. No URL is ever signed for it, and the bucket's lifecycle ends it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeldKey(ObjectRef);

impl HeldKey {
    /// The only key at which this object can be held.
    pub fn of(object: &ObjectRef) -> Self {
        Self(object.clone())
    }
}

impl fmt::Display for HeldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_key(f, "held", &self.0)
    }
}

impl QuarantineKey {
    /// Reads the key of an S3 event, in which a space is a `+` and what is not plain is in `%` and hex
    /// (Amazon S3 User Guide, "Event message structure").
    ///
    /// # Errors
    /// [`NotAQuarantineKey`] when it is no key of ours.
    pub fn from_event(encoded: &str) -> Result<Self, NotAQuarantineKey> {
        let spaced = encoded.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8().map_err(|_| NotAQuarantineKey)?.parse()
    }
}

/// The text is not a key that this service made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key of the quarantine bucket")]
pub struct NotAQuarantineKey;

impl FromStr for QuarantineKey {
    type Err = NotAQuarantineKey;

    fn from_str(text: &str) -> Result<Self, NotAQuarantineKey> {
        let parts: Vec<&str> = text.split('/').collect();
        let [_, _, tenant, id] = parts[..] else { return Err(NotAQuarantineKey) };
        let tenant = tenant.parse().map_err(|_| NotAQuarantineKey)?;
        let id = id.parse().map_err(|_| NotAQuarantineKey)?;
        let key = Self(ObjectRef::new(tenant, id));
        if key.to_string() == text { Ok(key) } else { Err(NotAQuarantineKey) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_objects::id::ObjectId;
    use proptest::prelude::*;

    fn key(tenant: &str) -> QuarantineKey {
        QuarantineKey(ObjectRef::new(tenant.parse().expect("a tenant"), ObjectId::new()))
    }

    proptest! {
        #[test]
        fn c05_a_key_has_one_spelling(tenant in "[A-Za-z0-9][A-Za-z0-9._-]{0,63}", flip in any::<(usize, u8)>()) {
            let key = key(&tenant);
            let text = key.to_string();
            prop_assert_eq!(text.parse(), Ok(key.clone()));
            let mut bytes = text.clone().into_bytes();
            let position = flip.0 % bytes.len();
            bytes[position] = flip.1;
            if let Ok(changed) = String::from_utf8(bytes) && changed != text {
                prop_assert_ne!(changed.parse(), Ok(key));
            }
        }

        #[test]
        fn c05_no_other_text_is_a_key(text in any::<String>()) {
            prop_assert_eq!(text.parse::<QuarantineKey>(), Err(NotAQuarantineKey));
        }
    }

    #[test]
    fn the_key_of_an_event_is_decoded() {
        let key = key("acme");
        let text = key.to_string();
        assert_eq!(QuarantineKey::from_event(&text), Ok(key.clone()));
        assert_eq!(QuarantineKey::from_event(&text.replace('/', "%2F")), Ok(key));
        for foreign in ["", "a+b", "%ff", &format!("{text}%00"), &format!("+{text}")] {
            assert_eq!(QuarantineKey::from_event(foreign), Err(NotAQuarantineKey), "{foreign}");
        }
    }

    #[test]
    fn keys_spread() {
        let prefixes: std::collections::HashSet<String> =
            (0..1000).map(|_| key("acme").to_string()).map(|key| key[..15].to_owned()).collect();
        assert!(prefixes.len() > 900, "{}", prefixes.len());
    }
}
