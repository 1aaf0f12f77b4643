//! The media types that uploads may have, their other names and their file name extensions. `POST /uploads` checks
//! declarations with them, and the scan checks content.

/// A media type that an upload may declare.
#[derive(Debug, PartialEq, Eq)]
pub struct MediaType {
    /// The name under which it is registered (<https://www.iana.org/assignments/media-types>) or,
    /// where there is no registration, the one in common use; lower case, without parameters.
    pub name: &'static str,
    /// The extensions, lower case and without the dot, that a file of this type may have. The
    /// first is the usual one.
    pub extensions: &'static [&'static str],
    /// Other names that browsers and tools send for it.
    pub aliases: &'static [&'static str],
}

const fn media_type(
    name: &'static str,
    extensions: &'static [&'static str],
    aliases: &'static [&'static str],
) -> MediaType {
    MediaType { name, extensions, aliases }
}

/// Text of no other type.
pub const PLAIN_TEXT: MediaType = media_type("text/plain", &["txt", "text", "log"], &[]);

/// The types that a deployment allows unless it says otherwise. None of them is active content: no
/// HTML, no SVG, no scripts, no executables, no documents with macros.
#[rustfmt::skip]
pub const DEFAULT: &[MediaType] = &[
    media_type("image/png", &["png"], &["image/x-png", "image/apng"]),
    media_type("image/jpeg", &["jpg", "jpeg", "jpe", "jfif"], &["image/jpg", "image/pjpeg"]),
    media_type("image/gif", &["gif"], &[]),
    media_type("image/webp", &["webp"], &[]),
    media_type("image/avif", &["avif", "avifs"], &[]),
    media_type("application/pdf", &["pdf"], &["application/x-pdf"]),
    PLAIN_TEXT,
    media_type("text/csv", &["csv"], &["application/csv"]),
    media_type("text/markdown", &["md", "markdown"], &["text/x-markdown"]),
    media_type("application/json", &["json"], &["text/json"]),
    media_type("application/xml", &["xml"], &["text/xml"]),
    media_type("application/vnd.openxmlformats-officedocument.wordprocessingml.document", &["docx"], &[]),
    media_type("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &["xlsx"], &[]),
    media_type("application/vnd.openxmlformats-officedocument.presentationml.presentation", &["pptx"], &[]),
    media_type("application/vnd.oasis.opendocument.text", &["odt"], &[]),
    media_type("application/vnd.oasis.opendocument.spreadsheet", &["ods"], &[]),
    media_type("application/vnd.oasis.opendocument.presentation", &["odp"], &[]),
    media_type("application/zip", &["zip"], &["application/x-zip-compressed", "application/x-zip"]),
    media_type("application/gzip", &["gz", "tgz"], &["application/x-gzip"]),
    media_type("application/x-tar", &["tar"], &[]),
    media_type("application/x-7z-compressed", &["7z"], &[]),
    media_type("audio/mpeg", &["mp3"], &["audio/mp3", "audio/x-mp3", "audio/x-mpeg"]),
    media_type("audio/wav", &["wav"], &["audio/x-wav", "audio/wave", "audio/vnd.wave"]),
    media_type("audio/ogg", &["ogg", "oga", "opus"], &["audio/opus"]),
    media_type("audio/flac", &["flac"], &["audio/x-flac"]),
    media_type("video/mp4", &["mp4", "m4v"], &["video/x-m4v"]),
    media_type("video/webm", &["webm"], &[]),
    media_type("video/quicktime", &["mov", "qt"], &[]),
];

/// Types that a deployment can allow by name (`AllowedTypes: default, image/svg+xml`), each checked as strictly as those
/// of [`DEFAULT`]: active content, and what few services need.
#[rustfmt::skip]
pub const MORE: &[MediaType] = &[
    media_type("image/heic", &["heic", "heif"], &[]),
    media_type("audio/mp4", &["m4a"], &["audio/x-m4a", "audio/m4a"]),
];

/// All types that can be checked.
pub fn all() -> impl Iterator<Item = &'static MediaType> {
    DEFAULT.iter().chain(MORE)
}

/// The type that a `Content-Type` value declares, whatever its case, its parameters and which of
/// its names is used. `None` if it is none of these, or not a media type at all.
///
/// Parameters must have the form of RFC 9110, section 8.3.1; their values are ignored.
pub fn lookup(content_type: &str) -> Option<&'static MediaType> {
    let (essence, parameters) =
        content_type.split_once(';').map_or((content_type, None), |(e, p)| (e, Some(p)));
    if !parameters.is_none_or(are_parameters) {
        return None;
    }
    let essence = essence.trim_matches([' ', '\t']);
    all().find(|known| known.names().any(|name| name.eq_ignore_ascii_case(essence)))
}

/// The type that a file of this name usually is, by its extension. `None` if none has it.
pub fn of_file_name(file_name: &str) -> Option<&'static MediaType> {
    let extension = extension(file_name)?;
    all().find(|known| known.extensions.contains(&extension.as_str()))
}

/// Whether `text`, which follows the first `;`, is `name=value` pairs between semicolons.
fn are_parameters(text: &str) -> bool {
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_token = |token: &str| !token.is_empty() && token.bytes().all(is_token_byte);
    // A quoted value with a semicolon or an escape in it does not occur with these types.
    let is_quoted = |value: &str| {
        value.len() >= 2
            && value.starts_with('"')
            && value.ends_with('"')
            && value[1..value.len() - 1].bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\')
    };
    text.split(';').map(|parameter| parameter.trim_matches([' ', '\t'])).all(|parameter| {
        parameter.is_empty()
            || parameter
                .split_once('=')
                .is_some_and(|(name, value)| is_token(name) && (is_token(value) || is_quoted(value)))
    })
}

impl MediaType {
    /// Whether a file of this name can be of this type: it has one of the type's extensions, or
    /// none at all.
    pub fn allows_file_name(&self, file_name: &str) -> bool {
        extension(file_name).is_none_or(|found| self.extensions.contains(&found.as_str()))
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// The extension of a file name in lower case: what follows its last dot. `None` if there is no
/// dot, or only one in front. Dots and spaces at the end don't count, as Windows drops them.
pub fn extension(file_name: &str) -> Option<String> {
    let (stem, extension) = file_name.trim_end_matches(['.', ' ']).rsplit_once('.')?;
    (!stem.is_empty()).then(|| extension.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_name_and_extension_belongs_to_one_type() {
        let mut names = HashSet::new();
        let mut extensions = HashSet::new();
        for known in all() {
            assert!(known.names().all(|name| names.insert(name)), "{}", known.name);
            assert!(known.extensions.iter().all(|found| extensions.insert(found)), "{}", known.name);
            assert!(known.names().all(|name| name == name.to_lowercase()), "{}", known.name);
            assert!(!known.extensions.is_empty());
        }
    }

    #[test]
    fn looks_up_any_spelling() {
        let name = |text| lookup(text).map(|known| known.name);
        assert_eq!(name("image/png"), Some("image/png"));
        assert_eq!(name("TEXT/Plain; charset=utf-8"), Some("text/plain"));
        assert_eq!(name("text/csv ;header=present; charset=\"utf-8\";"), Some("text/csv"));
        assert_eq!(name("application/x-zip-compressed"), Some("application/zip"));
    }

    #[test]
    fn c09_other_types_are_unknown() {
        for text in [
            "",
            ";",
            "image",
            "image/",
            "image/*",
            "*/*",
            "image/svg+xml",
            "text/html",
            "image/png,text/html",
            "text/plain; charset",
            "text/plain; =utf-8",
            "text/plain; charset=\"utf-8",
            "text/plain\r\nx: y",
            "text/plain; a=b\r\nx: y",
            "text/plain; a=\u{e9}",
            "image /png",
            "application/x-msdownload",
            "application/vnd.ms-word.document.macroenabled.12",
        ] {
            assert_eq!(lookup(text), None, "{text}");
        }
    }

    #[test]
    fn c09_the_last_extension_counts() {
        let jpeg = lookup("image/jpeg").unwrap();
        assert!(
            ["a.jpg", "a.JPEG", "a.exe.jpg", "photo", ".jpg", ".hidden", "a.jpg. ."]
                .iter()
                .all(|n| jpeg.allows_file_name(n))
        );
        assert!(
            !["a.jpg.exe", "a.png", "a.exe.", "a.exe ", "a.jpg .exe", "a.jpg\0"]
                .iter()
                .any(|n| jpeg.allows_file_name(n))
        );
        assert!(lookup("application/gzip").unwrap().allows_file_name("backup.tar.gz"));
    }
}
