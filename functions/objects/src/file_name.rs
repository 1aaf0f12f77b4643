//! The name a file had where it came from: shown to people, sent back on download, never a path.

use serde::Serialize;
use std::{fmt, str::FromStr};

/// The longest file name, in bytes of UTF-8: what common file systems take.
pub const MAX_BYTES: usize = 255;

/// A display name without path separators, control characters or characters that reorder text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FileName(String);

/// Why a text cannot be a file name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFileName {
    /// Empty, or longer than [`MAX_BYTES`].
    #[error("must be 1 to {MAX_BYTES} bytes long")]
    Length,
    /// It holds `/` or `\`, or is `.` or `..`.
    #[error("must be a name, not a path")]
    Path,
    /// It holds control characters.
    #[error("must not contain control characters")]
    Control,
    /// It holds characters that reorder or hide text, such as U+202E (Unicode TR 36).
    #[error("must not contain characters that reorder or hide text")]
    Invisible,
    /// It starts or ends with white space.
    #[error("must not start or end with white space")]
    Space,
}

impl FileName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Directional marks, embeddings, overrides and isolates, zero-width characters, the byte order
/// mark, line separators and tag characters.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl FromStr for FileName {
    type Err = NotAFileName;

    fn from_str(text: &str) -> Result<Self, NotAFileName> {
        if text.is_empty() || text.len() > MAX_BYTES {
            Err(NotAFileName::Length)
        } else if text.contains(['/', '\\']) || text == "." || text == ".." {
            Err(NotAFileName::Path)
        } else if text.chars().any(char::is_control) {
            Err(NotAFileName::Control)
        } else if text.chars().any(is_invisible) {
            Err(NotAFileName::Invisible)
        } else if text.trim() != text {
            Err(NotAFileName::Space)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_name_files_in_many_ways() {
        for name in ["naïve “résumé”.pdf", "a b.txt", "レポート.docx", ".gitignore", "x".repeat(255).as_str()]
        {
            assert_eq!(name.parse::<FileName>().map(|name| name.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn what_is_not_a_name_says_why() {
        for (name, why) in [
            ("", NotAFileName::Length),
            ("x".repeat(256).as_str(), NotAFileName::Length),
            ("../etc/passwd", NotAFileName::Path),
            ("a\\b", NotAFileName::Path),
            ("..", NotAFileName::Path),
            ("a\r\nSet-Cookie: x", NotAFileName::Control),
            ("a\0.pdf", NotAFileName::Control),
            ("invoice\u{202e}fdp.exe", NotAFileName::Invisible),
            (" a", NotAFileName::Space),
        ] {
            assert_eq!(name.parse::<FileName>(), Err(why), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_never_a_path_or_a_header_break(text in any::<String>()) {
            if let Ok(name) = text.parse::<FileName>() {
                prop_assert!(!name.as_str().contains(['/', '\\', '\r', '\n', '\0']));
            }
        }
    }
}
