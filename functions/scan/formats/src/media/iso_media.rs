//! The ISO base media family (MP4, QuickTime, AVIF and others): told apart by the brands in the
//! first box, walked box by box to the end (ISO/IEC 14496-12, section 4.2).

use super::Found;
use crate::{
    flaw::{CheckError, malformed},
    input::Input,
};
use memchr::memmem;
use std::io::{Read, Seek};

/// More top-level boxes than any recording has (a fragment has two, and lasts a second or more).
const MOST_BOXES: usize = 1_000_000;

/// As far as a description is searched for sizes: they stand at its beginning, tables behind.
const LONGEST_DESCRIPTION: usize = 1 << 18;

/// A longer list of brands than any file has.
const LONGEST_TYPES: usize = 4096;

/// The media type, if `head` starts with a box of this family.
///
/// The major brand decides; one that isn't known here is left to the compatible brands.
pub(super) fn media_type(head: &[u8]) -> Option<&'static str> {
    let size = u32::from_be_bytes(*head.first_chunk()?);
    match head.get(4..8)? {
        b"ftyp" => {}
        // QuickTime files older than the `ftyp` box.
        b"moov" | b"mdat" | b"wide" if size >= 8 || size == 1 => return Some("video/quicktime"),
        _ => return None,
    }
    let brands = head.get(8..usize::try_from(size).ok()?)?;
    let (brands, _) = brands.as_chunks::<4>();
    let (major, compatible) = brands.split_first()?;
    let by_compatible = || compatible.iter().skip(1).find_map(by_brand);
    match major {
        // "Some image": only the others say of which kind.
        b"mif1" | b"msf1" => by_compatible().or(Some("image/heif")),
        _ => by_brand(major).or_else(by_compatible).or(Some("application/octet-stream")),
    }
}

/// Brands and their types: <https://mp4ra.org/registered-types/brands>.
fn by_brand(brand: &[u8; 4]) -> Option<&'static str> {
    Some(match brand {
        b"qt  " => "video/quicktime",
        b"avif" | b"avis" => "image/avif",
        b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" => "image/heic",
        b"M4A " | b"M4B " | b"M4P " | b"F4A " => "audio/mp4",
        b"jp2 " => "image/jp2",
        b"jpx " => "image/jpx",
        b"crx " => "image/x-canon-cr3",
        [b'3', b'g', b'p', _] | [b'3', b'g', b's', _] | [b'3', b'g', b'r', _] => "video/3gpp",
        [b'3', b'g', b'2', _] => "video/3gpp2",
        [b'i', b's', b'o', b'm' | b'2'..=b'9' | b'a'..=b'c'] => "video/mp4",
        b"mp41" | b"mp42" | b"mp71" | b"avc1" | b"M4V " | b"M4VH" | b"M4VP" | b"MSNV" | b"dash" | b"msdh"
        | b"f4v " => "video/mp4",
        _ => return None,
    })
}

/// The boxes must fill the file exactly, and be those of one file with media in it.
pub(super) fn check<R: Read + Seek>(input: &mut Input<R>, found: &mut Found) -> Result<(), CheckError> {
    found.media_type = media_type(&input.peek_at(0, LONGEST_TYPES)?).unwrap_or_default();
    let is_picture = found.media_type.starts_with("image/");
    let (mut seen, len) = (Seen::default(), input.len());
    for _ in 0..MOST_BOXES {
        let start = input.position();
        if start == len {
            return seen.missing().map_or(Ok(()), |what| Err(malformed(what)));
        }
        match next_box(input, start) {
            // A video behind a picture ("motion photo") is another file.
            Ok(name) if name == *b"ftyp" && is_picture && start > 0 && seen.missing().is_none() => {
                return input.go_to(start);
            }
            Ok(name) => {
                seen.note(name)?;
                if matches!(&name, b"moov" | b"meta") {
                    announced(&input.peek_at(start, LONGEST_DESCRIPTION)?, found);
                }
            }
            // Nothing is missing, so this is no box that is broken but something else.
            Err(CheckError::Flaw(_)) if seen.missing().is_none() && !is_box(input, start)? => {
                return input.go_to(start);
            }
            Err(problem) => return Err(problem),
        }
    }
    Err(malformed("it has more boxes than a recording has"))
}

/// The sizes of pictures and tracks that a description announces: `ispe` (ISO/IEC 23008-12, section 6.5.3) and `tkhd`
/// (ISO/IEC 14496-12, section 8.3.2), which have a length that hardly anything else has.
fn announced(description: &[u8], found: &mut Found) {
    let number = |at: usize| {
        let four = description.get(at..).and_then(|four| four.first_chunk());
        four.map_or(0, |four| u32::from_be_bytes(*four))
    };
    for at in memmem::find_iter(description, b"ispe") {
        if at >= 4 && number(at - 4) == 20 {
            found.picture(number(at + 8), number(at + 12));
        }
    }
    for at in memmem::find_iter(description, b"tkhd") {
        // Width and height are last, with 16 bits behind the point.
        let size = at.checked_sub(4).map_or(0, number);
        if let 92 | 104 = size {
            let end = at - 4 + size as usize;
            found.picture(number(end - 8) >> 16, number(end - 4) >> 16);
        }
    }
}

/// The boxes that make a file, as far as they were seen.
#[derive(Default)]
struct Seen {
    types: u8,
    movies: u8,
    has_meta: bool,
    has_media: bool,
}

impl Seen {
    fn note(&mut self, name: [u8; 4]) -> Result<(), CheckError> {
        self.types += u8::from(name == *b"ftyp");
        self.movies += u8::from(name == *b"moov");
        self.has_meta |= name == *b"meta";
        self.has_media |= [*b"mdat", *b"moof"].contains(&name);
        if self.types > 1 || self.movies > 1 { Err(malformed("it is two files in one")) } else { Ok(()) }
    }

    fn missing(&self) -> Option<&'static str> {
        match (self.movies, self.has_meta, self.has_media) {
            (0, false, _) => Some("it holds no media"),
            (_, _, false) => Some("it is cut off: its media are missing"),
            _ => None,
        }
    }
}

/// Whether a box of a recording begins here, although it may be cut off.
fn is_box<R: Read + Seek>(input: &mut Input<R>, start: u64) -> Result<bool, CheckError> {
    const BOXES: [&[u8]; 9] =
        [b"moof", b"mdat", b"mfra", b"sidx", b"styp", b"moov", b"meta", b"free", b"uuid"];
    let head = input.peek_at(start, 8)?;
    Ok(head.get(4..).is_some_and(|name| BOXES.contains(&name)))
}

/// Moves behind the box at `start` and answers its name.
fn next_box<R: Read + Seek>(input: &mut Input<R>, start: u64) -> Result<[u8; 4], CheckError> {
    let left = input.left();
    let [a, b, c, d, name @ ..] = input.take_bytes::<8>()?;
    let (header, size) = match u32::from_be_bytes([a, b, c, d]) {
        0 => (8, left),
        1 => (16, u64::from_be_bytes(input.take_bytes()?)),
        size => (8, u64::from(size)),
    };
    if !name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
        return Err(malformed("a box has no name"));
    }
    if size < header || size > left {
        return Err(malformed("a box is larger than what is left, or smaller than its header"));
    }
    input.go_to(start + size)?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Exceeded, Why};

    #[test]
    fn a_description_announces_sizes() {
        let side = 100_000_u32.to_be_bytes();
        let picture = [&b"\0\0\0\x14ispe\0\0\0\0"[..], &side, &side].concat();
        let track = [&b"\0\0\0\x5ctkhd"[..], &[0; 76], b"\xff\xff\0\0\xff\xff\0\0"].concat();
        for (description, pixels) in [(picture, 10_000_000_000), (track, 65_535 * 65_535)] {
            let mut found = Found::default();
            announced(&description, &mut found);
            let why = found.hold_to_limits(&crate::limits::tests::LIMITS);
            assert!(
                matches!(why, Err(Why::Limit(Exceeded::Pixels { has, .. })) if has == pixels),
                "{pixels}: {found:?}"
            );
        }
        let mut found = Found::default();
        announced(b"ispe and tkhd are the names of boxes", &mut found);
        assert!(found.hold_to_limits(&crate::limits::tests::LIMITS).is_ok());
    }
}
