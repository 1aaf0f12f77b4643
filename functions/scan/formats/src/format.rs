//! The archive format of content, whatever its name.

use crate::{
    Media, identify,
    input::Input,
    text::{self, Text},
};
use std::fmt;

/// An archive, or one compressed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// ZIP (APPNOTE.TXT 6.3), and the formats that are ZIPs: documents, Java archives.
    Zip,
    /// tar: ustar, pax and GNU (POSIX.1-2017, pax).
    Tar,
    /// gzip (RFC 1952).
    Gzip,
    /// bzip2.
    Bzip2,
    /// XZ (xz-file-format 1.2).
    Xz,
    /// Zstandard (RFC 8878).
    Zstd,
    /// 7z (7zFormat.txt).
    SevenZip,
    /// PDF (ISO 32000-2), which carries files.
    Pdf,
    /// A picture, a sound or a video, with what cameras append to it.
    Media(Media),
    /// OLE compound files ([MS-CFB]).
    Ole,
    /// XML (XML 1.0), or text that begins like it.
    Xml,
    /// Text in any encoding.
    Text(Text),
}

/// Signatures at the start. Zstandard's skippable frames (RFC 8878, section 3.1.2) can precede a frame.
const SIGNATURES: [(&[u8], Format); 7] = [
    (b"PK\x03\x04", Format::Zip),
    // One without members.
    (b"PK\x05\x06", Format::Zip),
    (b"\x1f\x8b\x08", Format::Gzip),
    (b"BZh", Format::Bzip2),
    (b"\xfd7zXZ\0", Format::Xz),
    (b"\x28\xb5\x2f\xfd", Format::Zstd),
    (b"7z\xbc\xaf\x27\x1c", Format::SevenZip),
];

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zip => "ZIP",
            Self::Tar => "tar",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "Zstandard",
            Self::SevenZip => "7z",
            Self::Pdf => "PDF",
            Self::Media(media) => return media.fmt(f),
            Self::Ole => "OLE",
            Self::Xml => "XML",
            Self::Text(_) => "text",
        })
    }
}

/// What programs take from the end of a compressed file's name, and what they put there instead.
const ENDINGS: [(&str, &str); 27] = [
    (".gz", ""),
    ("-gz", ""),
    (".z", ""),
    ("-z", ""),
    ("_z", ""),
    (".gzip", ""),
    (".bz2", ""),
    (".bz", ""),
    ("-bz2", ""),
    (".bzip2", ""),
    (".xz", ""),
    ("-xz", ""),
    (".lzma", ""),
    (".zst", ""),
    (".zstd", ""),
    ("-zst", ""),
    (".tgz", ".tar"),
    ("-tgz", ".tar"),
    (".taz", ".tar"),
    ("-taz", ".tar"),
    (".tbz", ".tar"),
    (".tbz2", ".tar"),
    (".tz2", ".tar"),
    (".tb2", ".tar"),
    (".txz", ".tar"),
    (".tlz", ".tar"),
    (".tzst", ".tar"),
];

impl Format {
    /// The formats that `bytes` can be unpacked as, the likeliest first. Programs differ in which one they use, so
    /// only a file that is made to mislead has two.
    pub fn all_of(bytes: &[u8]) -> Vec<Self> {
        let mut found: Vec<Self> = Self::of_stream(bytes).into_iter().collect();
        if crate::tar::is_tar_header(bytes) {
            found.push(Self::Tar);
        }
        if found.is_empty() && crate::ole::may_start(bytes) {
            found.push(Self::Ole);
        }
        // Another archive may contain a ZIP near its end; the caller checks that.
        if found.is_empty() && crate::zip::is_at_the_end(bytes) {
            found.push(Self::Zip);
        }
        // An archive may begin with a PDF.
        if crate::pdf::is_pdf(bytes)
            && found.iter().all(|format| *format == Self::Zip)
            && !bytes.starts_with(b"PK")
        {
            found = vec![Self::Pdf];
        }
        if found.is_empty() {
            found.extend(media(bytes).map(Self::Media));
        }
        if found.is_empty() && crate::xml::may_start(bytes) {
            found.push(Self::Xml);
        }
        if found.is_empty() {
            found.extend(Text::of(&mut Input::of_slice(bytes)).map(Self::Text));
        }
        found
    }

    /// What a file is unpacked as whose first bytes say so.
    pub(crate) fn of_stream(bytes: &[u8]) -> Option<Self> {
        let is_it = |signature: &[u8], format| {
            bytes.starts_with(signature) && (format != Self::Bzip2 || is_bzip2(&bytes[signature.len()..]))
        };
        let by_signature = SIGNATURES.iter().find(|(signature, format)| is_it(signature, *format));
        let is_skippable =
            bytes.len() >= 8 && (0x50..=0x5f).contains(&bytes[0]) && bytes[1..4] == *b"\x2a\x4d\x18";
        by_signature.map(|(_, format)| *format).or_else(|| is_skippable.then_some(Self::Zstd))
    }

    /// What a file that begins like this is unpacked as.
    pub(crate) fn at_the_start(head: &[u8]) -> Option<Self> {
        Self::of_stream(head).or_else(|| crate::tar::is_tar_header(head).then_some(Self::Tar))
    }

    /// Whether it is there to hold other files.
    pub fn is_archive(self) -> bool {
        !matches!(self, Self::Media(_) | Self::Xml | Self::Text(_))
    }

    /// What `bytes` are most likely to be unpacked as.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        Self::all_of(bytes).first().copied()
    }

    /// Its media type; of a ZIP, that of one which is nothing more.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Zip => "application/zip",
            Self::Tar => "application/x-tar",
            Self::Gzip => "application/gzip",
            Self::Bzip2 => "application/x-bzip2",
            Self::Xz => "application/x-xz",
            Self::Zstd => "application/zstd",
            Self::SevenZip => "application/x-7z-compressed",
            Self::Pdf => crate::pdf::MEDIA_TYPE,
            // Their readers tell one type from the other.
            Self::Media(_) | Self::Ole | Self::Xml | Self::Text(_) => "application/octet-stream",
        }
    }

    /// What the compressed file in a file of this name is called, where a format has no names.
    pub(crate) fn unpacked_name(self, name: &str) -> String {
        let ending = |(ending, _): &&(&str, &str)| {
            let start = name.len().checked_sub(ending.len()).filter(|start| *start > 0);
            start.and_then(|start| name.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
        };
        match ENDINGS.iter().find(ending) {
            Some((ending, instead)) => format!("{}{instead}", &name[..name.len() - ending.len()]),
            None => "content".to_owned(),
        }
    }
}

/// The format of a picture, a sound or a video. Text may begin like one.
fn media(bytes: &[u8]) -> Option<Media> {
    let head = &bytes[..bytes.len().min(identify::HEAD)];
    let found = Media::of(&mut Input::of_slice(bytes), head).ok().flatten();
    found.filter(|_| !text::begins_as_text(head))
}

/// A level, and a block or the end of a stream without one: the digits of pi and of its root. `BZh`
/// alone can be the start of a text.
fn is_bzip2(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compressed_file_is_called_as_programs_call_it() {
        for (name, unpacked) in [
            ("x.hta.gz", "x.hta"),
            ("x.hta-gz", "x.hta"),
            ("x.hta.z", "x.hta"),
            ("x.hta.Z", "x.hta"),
            ("x.hta-z", "x.hta"),
            ("x.hta_z", "x.hta"),
            ("x.hta.BZ2", "x.hta"),
            ("x.hta.bz", "x.hta"),
            ("x.hta.xz", "x.hta"),
            ("x.hta.zst", "x.hta"),
            ("a.tgz", "a.tar"),
            ("größe.taz", "größe.tar"),
            (".gz", "content"),
            ("ß", "content"),
            ("notes", "content"),
            ("", "content"),
        ] {
            assert_eq!(Format::Gzip.unpacked_name(name), unpacked, "{name}");
        }
    }
}
