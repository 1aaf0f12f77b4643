//! What is recognised as something that holds other files, and was not walked.

use airlock_content::members::is_program;
use airlock_formats::{embedded, identify::Content, opaque};
use std::borrow::Cow;

/// The name of the format that hides what `bytes` hold, which no walk has shown.
pub(crate) fn format(content: &Content, bytes: &[u8]) -> Option<Cow<'static, str>> {
    opaque::format(bytes)
        .or_else(|| archive(&content.media_type).map(Cow::Borrowed))
        .or_else(|| embedded_in(content, bytes).map(Cow::Borrowed))
}

/// The archive that begins within the first bytes of a file. Programs may unpack themselves, and compound files hold
/// other files as they are, so these two are not searched.
fn embedded_in(content: &Content, bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\xd0\xcf\x11\xe0") || is_program(&content.media_type) {
        return None;
    }
    embedded::archive(&bytes[..bytes.len().min(embedded::WITHIN)]).map(|(_, name)| name)
}

/// The name of an archive format that is unpacked here, by its media type.
fn archive(media_type: &str) -> Option<&'static str> {
    const ARCHIVES: [(&str, &str); 4] = [
        ("application/zip", "ZIP"),
        ("application/gzip", "gzip"),
        ("application/x-tar", "tar"),
        ("application/x-7z-compressed", "7z"),
    ];
    ARCHIVES.iter().find(|(known, _)| *known == media_type).map(|(_, name)| *name)
}
