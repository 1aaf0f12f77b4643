//! The variables that rules can ask for: what the object is declared to be.

use airlock_content::{Declared, media_types};

/// Values while rules are compiled; each scan has its own.
pub(crate) const EXAMPLE: Declared<'_> = Declared { content_type: "", file_name: "", size: 0 };

/// The values for one scan.
pub(crate) struct Variables {
    texts: [(&'static str, String); 3],
    /// The declared size in bytes.
    pub(crate) size: i64,
}

impl Variables {
    /// `filename`, `extension` (lower case, without dot) and `declared_type` (canonical name).
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.texts.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

impl From<&Declared<'_>> for Variables {
    fn from(declared: &Declared<'_>) -> Self {
        // To libyara a NUL is the end of a text; its crate panics at one.
        let clean = |text: &str| text.replace('\0', "\u{fffd}");
        let declared_type =
            media_types::lookup(declared.content_type).map_or(declared.content_type, |known| known.name);
        Self {
            texts: [
                ("filename", clean(declared.file_name)),
                ("extension", clean(&media_types::extension(declared.file_name).unwrap_or_default())),
                ("declared_type", clean(declared_type)),
            ],
            size: i64::try_from(declared.size).unwrap_or(i64::MAX),
        }
    }
}
