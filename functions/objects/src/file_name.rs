//! The name a file had where it came from: shown to people, sent back on download, never a path.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The longest file name, in bytes of UTF-8: what common file systems take.
pub const MAX_BYTES: usize = 255;

/// A display name without path separators, control characters or characters that reorder text, and
/// none that Windows takes for a device. It is deserialized as it was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
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
    /// Windows opens a device under this name, such as `NUL` or `COM1.txt`.
    #[error("must not be the name of a device of Windows")]
    Device,
    /// It starts or ends with white space.
    #[error("must not start or end with white space")]
    Space,
}

impl TryFrom<String> for FileName {
    type Error = NotAFileName;

    /// A name that was taken before. Devices of Windows were names once, and their objects stay.
    fn try_from(text: String) -> Result<Self, NotAFileName> {
        match text.parse() {
            Err(NotAFileName::Device) => Ok(Self(text)),
            other => other,
        }
    }
}

impl FileName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Directional marks, embeddings, overrides and isolates, zero-width spaces, the byte order mark, line
/// separators and tag characters. The joiners U+200C and U+200D are none of them: Persian and the
/// scripts of India are spelled with them, and emoji put together (Unicode, section 23.2).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether Windows opens a device instead of a file of this name, whatever its case, with any
/// extension, stream or dots and spaces behind it (Microsoft, "Naming Files, Paths, and Namespaces").
/// Superscript digits count as digits.
fn is_device(name: &str) -> bool {
    let stem = name.split(['.', ':']).next().unwrap_or_default().trim_end_matches(' ');
    let stem = stem.to_ascii_uppercase();
    let is_port = |rest: &str| {
        let mut digits = rest.chars();
        let is_digit = |c: char| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³');
        digits.next().is_some_and(is_digit) && digits.next().is_none()
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || ["COM", "LPT"].iter().any(|port| stem.strip_prefix(port).is_some_and(is_port))
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
        } else if is_device(text) {
            Err(NotAFileName::Device)
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
        for name in [
            "naïve “résumé”.pdf",
            "a b.txt",
            "レポート.docx",
            ".gitignore",
            "x".repeat(255).as_str(),
            // Persian and Hindi with joiners, and a family.
            "نامه\u{200c}ها.pdf",
            "क्\u{200d}ष.txt",
            "👨\u{200d}👩\u{200d}👧.png",
            "console.log",
            "auxiliary.c",
            "com.txt",
            "com10.txt",
            "COM",
            "lpt¹²",
            "nul-values.csv",
            "12:30.log",
            "a.con",
        ] {
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
            ("zero\u{200b}width.txt", NotAFileName::Invisible),
            (" a", NotAFileName::Space),
            ("NUL", NotAFileName::Device),
            ("con.txt", NotAFileName::Device),
            ("Aux.tar.gz", NotAFileName::Device),
            ("prn .pdf", NotAFileName::Device),
            ("COM0", NotAFileName::Device),
            ("lpt9.", NotAFileName::Device),
            ("com¹.png", NotAFileName::Device),
            ("LPT³", NotAFileName::Device),
            ("COM1:x", NotAFileName::Device),
            ("nul:.txt", NotAFileName::Device),
            ("conin$", NotAFileName::Device),
            ("CONOUT$.log", NotAFileName::Device),
        ] {
            assert_eq!(name.parse::<FileName>(), Err(why), "{name:?}");
        }
    }

    #[test]
    fn names_that_were_taken_before_are_kept() {
        assert_eq!(
            FileName::try_from("nul.txt".to_owned()).map(|name| name.to_string()),
            Ok("nul.txt".to_owned())
        );
        assert_eq!(FileName::try_from("a/b".to_owned()), Err(NotAFileName::Path));
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
