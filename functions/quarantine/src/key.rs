//! Keys of the quarantine bucket. They are made here alone, from ids; no client ever names one.

use airlock_objects::id::{ObjectId, TenantId};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

/// `quarantine/<4 hex>/<tenant>/<object id>`. The hex digits come from a hash of the id, so that
/// uploads spread over S3's partitions, which ids sorted by time would not (S3 performance guide).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QuarantineKey {
    tenant: TenantId,
    id: ObjectId,
}

impl QuarantineKey {
    /// The only key at which this object of this tenant can be uploaded.
    pub fn new(tenant: TenantId, id: ObjectId) -> Self {
        Self { tenant, id }
    }

    /// Whose object it is.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Which object it is.
    pub fn id(&self) -> ObjectId {
        self.id
    }
}

impl fmt::Display for QuarantineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = Sha256::digest(self.id.as_bytes());
        write!(f, "quarantine/{:02x}{:02x}/{}/{}", hash[0], hash[1], self.tenant, self.id)
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
        let key = Self::new(tenant, id);
        if key.to_string() == text { Ok(key) } else { Err(NotAQuarantineKey) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn c05_a_key_has_one_spelling(tenant in "[A-Za-z0-9][A-Za-z0-9._-]{0,63}", flip in any::<(usize, u8)>()) {
            let key = QuarantineKey::new(tenant.parse()?, ObjectId::new());
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
    fn keys_spread() {
        let prefixes: std::collections::HashSet<String> = (0..1000)
            .map(|_| QuarantineKey::new("acme".parse().expect("a tenant"), ObjectId::new()).to_string())
            .map(|key| key[..15].to_owned())
            .collect();
        assert!(prefixes.len() > 900, "{}", prefixes.len());
    }
}
