//! Keys of the published bucket.

use airlock_objects::id::ObjectRef;
use sha2::{Digest, Sha256};
use std::fmt;

/// `published/<4 hex>/<tenant>/<object id>`. The same object always gets the same key, so a publish
/// that is tried again writes over itself instead of leaving a copy that no record knows. The hex
/// digits spread keys over S3's partitions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublishedKey(ObjectRef);

impl PublishedKey {
    /// The only key at which this object can be published.
    pub fn of(object: &ObjectRef) -> Self {
        Self(object.clone())
    }
}

impl fmt::Display for PublishedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ObjectRef { tenant, id } = &self.0;
        let hash = Sha256::new().chain_update("published").chain_update(id.as_bytes()).finalize();
        write!(f, "published/{:02x}{:02x}/{tenant}/{id}", hash[0], hash[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_objects::id::ObjectId;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn c05_a_key_matches_its_pattern(tenant in "[A-Za-z0-9][A-Za-z0-9._-]{0,63}") {
            let id = ObjectId::new();
            let key = PublishedKey::of(&ObjectRef::new(tenant.parse()?, id)).to_string();
            let parts: Vec<&str> = key.split('/').collect();
            prop_assert_eq!(parts.len(), 4);
            prop_assert_eq!(parts[0], "published");
            prop_assert!(parts[1].len() == 4 && parts[1].bytes().all(|byte| byte.is_ascii_hexdigit()));
            prop_assert_eq!(parts[2], tenant);
            prop_assert_eq!(parts[3], id.to_string());
        }
    }
}
