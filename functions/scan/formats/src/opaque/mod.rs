//! Opaque files: archives, compressed files, disk images and encrypted files that nothing in this program unpacks.
//! Their content is unknown, so they are never clean.
//!
//! No list of formats is complete. So every file that `file-format` takes for one of these kinds counts as well.

mod encrypted;
mod plausible;
mod signatures;

pub(crate) use plausible::is_cpio;

use crate::{identify::HEAD, text::begins_as_text};
use file_format::{FileFormat, Kind};
use std::borrow::Cow;

/// Types that `file-format` recognises by two or three bytes, which text and other data have by accident. The tables
/// here check more.
const WEAK: [FileFormat; 9] = [
    FileFormat::AppleDiskImage,
    FileFormat::ArchivedByRobertJung,
    FileFormat::Bzip,
    FileFormat::Bzip2,
    FileFormat::Cpio,
    FileFormat::LempelZivMarkovChainAlgorithm,
    FileFormat::Seqbox,
    FileFormat::UnixCompress,
    FileFormat::Zoo,
];

/// Formats that are text themselves, or begin as one.
const TEXTUAL: [&str; 4] = ["age", "PGP", "VMDK", "WARC"];

/// The name of the format of `bytes`, if it is opaque.
pub fn format(bytes: &[u8]) -> Option<Cow<'static, str>> {
    let is_here =
        |at: usize, signature: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(signature));
    // A signature of letters alone may be in a text about the format.
    let is_word = |name: &str, signature: &[u8]| {
        signature.iter().all(|byte| matches!(byte, b' '..=b'~')) && !TEXTUAL.contains(&name)
    };
    let by_signature = || {
        let here = signatures::SIGNATURES.iter().filter(|(_, at, signature)| is_here(*at, signature));
        let mut here = here.filter(|(name, _, signature)| {
            !is_word(name, signature) || !begins_as_text(&bytes[..bytes.len().min(HEAD)])
        });
        here.next()
    };
    let by_check = || plausible::CHECKS.iter().find(|(_, check)| check(bytes));
    by_signature()
        .map(|(name, ..)| *name)
        .or_else(|| by_check().map(|(name, _)| *name))
        .map(Cow::Borrowed)
        .or_else(|| by_library(bytes))
}

/// The name of an opaque format that `bytes` also have, after they were walked as another one: formats whose signature
/// is not at the start leave room for both.
pub fn elsewhere(bytes: &[u8]) -> Option<&'static str> {
    let is_here = |at: usize, signature: &[u8]| {
        at > 0 && bytes.get(at..).is_some_and(|rest| rest.starts_with(signature))
    };
    let found = signatures::SIGNATURES.iter().find(|(_, at, signature)| is_here(*at, signature));
    let checks = || plausible::CHECKS.iter().filter(|(name, _)| plausible::ELSEWHERE.contains(name));
    found.map(|(name, ..)| *name).or_else(|| checks().find(|(_, check)| check(bytes)).map(|(name, _)| *name))
}

/// The name of a format whose signature of at least `length` bytes begins anywhere in `bytes`.
pub(crate) fn within(bytes: &[u8], length: usize) -> Option<&'static str> {
    let mut long =
        signatures::SIGNATURES.iter().filter(|(_, at, signature)| *at == 0 && signature.len() >= length);
    let is_here = |signature: &[u8]| memchr::memmem::find(bytes, signature).is_some();
    long.find(|(_, _, signature)| is_here(signature)).map(|(name, ..)| *name)
}

fn by_library(bytes: &[u8]) -> Option<Cow<'static, str>> {
    let head = &bytes[..bytes.len().min(HEAD)];
    if begins_as_text(head) {
        return None;
    }
    let found = FileFormat::from_bytes(head);
    let is_opaque = matches!(found.kind(), Kind::Archive | Kind::Compressed | Kind::Disk | Kind::Package);
    (is_opaque && !WEAK.contains(&found)).then(|| Cow::Owned(found.name().to_owned()))
}

/// The path of the document of which a part of this path says that other parts are encrypted
/// (OpenDocument 1.3, part 2, section 3.4.1); empty if that is the object. The part's bytes may be in any
/// encoding that keeps letters of ASCII, two bytes each included. An entity could spell the name in
/// pieces, and no document declares one here.
pub fn lists_encrypted_parts<'p>(path: &'p str, bytes: &[u8]) -> Option<&'p str> {
    const LIST: &str = "meta-inf/manifest.xml";
    let at = path.len().checked_sub(LIST.len())?;
    let (document, list) = path.split_at_checked(at)?;
    if !list.eq_ignore_ascii_case(LIST) || !(document.is_empty() || document.ends_with('/')) {
        return None;
    }
    let text: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    let is_one = |mark: &[u8]| memchr::memmem::find(&text, mark).is_some();
    (is_one(b"encryption-data") || is_one(b"<!ENTITY")).then(|| document.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_looked_into_is_known_by_its_signature() {
        for (name, at, signature) in signatures::SIGNATURES {
            let bytes = [&vec![0xff; *at], *signature, &b"\x01\x02\x03 more of it\xff"[..]].concat();
            assert_eq!(format(&bytes).as_deref(), Some(*name));
        }
        for (name, bytes) in [("MLA", &b"MLA\x01\0\0\0"[..]), ("Amiga Disk File", b"DOS\x01\0\xff\xff")] {
            assert_eq!(format(bytes).as_deref(), Some(name));
        }
    }

    #[test]
    fn other_files_are_none_of_them() {
        for bytes in [
            &b""[..],
            b"text",
            b"\x89PNG\r\n\x1a\n",
            b"StuffIt was a program for the Macintosh.",
            b"drpm: a library",
            b"0707 is how it starts",
            b"BZh\xff",
            b"ZOO\xff",
            b"\x78\x01zlib",
        ] {
            assert_eq!(format(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_list_of_encrypted_parts_is_found_in_any_encoding() {
        let list = "<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>";
        let wide: Vec<u8> = list.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (path, document) in [
            ("META-INF/manifest.xml", ""),
            ("a.zip/b.odt/META-INF/manifest.xml", "a.zip/b.odt"),
            ("meta-inf/Manifest.xml", ""),
        ] {
            assert_eq!(lists_encrypted_parts(path, list.as_bytes()), Some(document));
            assert_eq!(lists_encrypted_parts(path, &wide), Some(document));
            assert_eq!(lists_encrypted_parts(path, b"<manifest:file-entry/>"), None);
        }
        for path in ["docs/manifest.xml", "ßmeta-inf/manifest.xml", "xMETA-INF/manifest.xml", ""] {
            assert_eq!(lists_encrypted_parts(path, list.as_bytes()), None);
        }
    }
}
