//! A pre-signed URL: it is a permission for anyone who has it, so it is shown to its owner alone.

use std::fmt;

/// A pre-signed URL. `Debug` hides it, there is no `Display`, and it is not serialisable by
/// accident: [`SignedUrl::reveal`] is the one way out, called where the answer is made.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedUrl(String);

impl SignedUrl {
    /// Takes a URL in.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL, for the answer to the caller it was made for. Never for a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedUrl(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c06_debug_shows_nothing() {
        let url = SignedUrl::new("https://b/k?X-Amz-Signature=abc");
        assert_eq!(format!("{:?}", Some(url)), "Some(SignedUrl(redacted))");
    }
}
