//! The secret of the ready file, which only the owner of the stack can read.

use aws_lc_rs::{constant_time::verify_slices_are_equal, error::Unspecified, rand};
use serde::Serialize;

/// A fresh secret for each start: 256 random bits, in hex. It has no `Display`, and `Debug` hides it.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct LocalSecret(String);

/// The system has no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the system has no random numbers for the secret of the ready file")]
pub struct NoRandomness;

impl LocalSecret {
    pub(crate) fn fresh() -> Result<Self, NoRandomness> {
        let mut bytes = [0_u8; 32];
        rand::fill(&mut bytes).map_err(|Unspecified| NoRandomness)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The secret itself, to be sent along.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is this one; how long that takes says nothing about where it differs.
    pub(super) fn is(&self, shown: &[u8]) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), shown).is_ok()
    }
}

impl std::fmt::Debug for LocalSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalSecret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_long_new_each_time_and_not_shown() {
        let (one, two) = (LocalSecret::fresh().unwrap(), LocalSecret::fresh().unwrap());
        assert_eq!(one.expose().len(), 64);
        assert_ne!(one.expose(), two.expose());
        assert_eq!(format!("{one:?}"), "LocalSecret(redacted)");
        assert!(one.is(one.expose().as_bytes()));
        assert!(![two.expose(), "", &one.expose()[1..]].iter().any(|other| one.is(other.as_bytes())));
    }
}
