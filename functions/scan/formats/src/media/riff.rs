//! RIFF files (WebP, WAV): one outer chunk whose size is the size of the file, filled with chunks. RF64, its form for
//! large sounds, has the sizes in a chunk of their own (EBU Tech 3306).

use super::{CheckError, Found, Input, malformed};
use std::io::{Read, Seek};

/// Recorders that write WAV to a pipe can't go back to fill in a size, and leave 0 or one of the
/// largest numbers there: then it says nothing about the end.
fn is_unknown(size: u32) -> bool {
    size == 0 || size >= 0x7fff_0000
}

/// Programs that count the outer chunk's header as well write a size that is too large by so much.
const TOO_LARGE_BY: u64 = 8;

/// Whether what stands behind the outer chunk's size is a form that is read here.
pub(super) fn is_known(kind: &[u8]) -> bool {
    kind.starts_with(b"WEBP") || kind.starts_with(b"WAVE")
}

/// What was seen of a file.
#[derive(Default)]
struct Seen {
    has_format: bool,
    has_content: bool,
    /// The size of the sound, where it does not fit into its chunk's header.
    sound: Option<u64>,
}

/// Everything must be within the outer chunk (RFC 9649, section 2.4, for WebP), and what makes an
/// image or a sound must be there.
pub(super) fn check<R: Read + Seek>(input: &mut Input<R>, found: &mut Found) -> Result<(), CheckError> {
    let is_large = input.take_bytes()? == *b"RF64";
    let size = u32::from_le_bytes(input.take_bytes()?);
    let is_wave = input.take_bytes()? == *b"WAVE";
    found.media_type = if is_wave { "audio/wav" } else { "image/webp" };
    let mut end = 8 + u64::from(size);
    let is_unknown = is_wave && (is_large || is_unknown(size) || end == input.len() + TOO_LARGE_BY);
    if end > input.len() {
        if !is_unknown {
            return Err(malformed("it is cut off"));
        }
        end = input.len();
    } else if is_wave && self::is_unknown(size) {
        end = input.len();
    }
    let mut seen = Seen { has_format: !is_wave, ..Seen::default() };
    while input.position() + 8 <= end {
        let start = input.position();
        match chunk(input, end, is_wave, &mut seen, found) {
            Ok(()) => {}
            // Nothing says where it ends, and nothing is missing: here.
            Err(CheckError::Flaw(_)) if is_unknown && end == input.len() && seen.has_content => {
                input.go_to(start)?;
                end = start;
            }
            Err(problem) => return Err(problem),
        }
    }
    if !seen.has_format || !seen.has_content {
        return Err(malformed("it holds no image or sound"));
    }
    input.go_to(end)
}

/// Moves behind a chunk.
fn chunk<R: Read + Seek>(
    input: &mut Input<R>,
    end: u64,
    is_wave: bool,
    seen: &mut Seen,
    found: &mut Found,
) -> Result<(), CheckError> {
    let name: [u8; 4] = input.take_bytes()?;
    let mut size = u64::from(u32::from_le_bytes(input.take_bytes()?));
    if !is_name(&name) {
        return Err(malformed("a RIFF chunk has no name"));
    }
    seen.has_format |= name == *b"fmt ";
    seen.has_content |= name == *b"data" && is_wave;
    let start = input.position();
    let head = input.peek_at(start, 24)?;
    if !is_wave {
        seen.has_content |= matches!(&name, b"VP8 " | b"VP8L" | b"ANMF");
        announced(&name, &head, found);
    }
    if let (b"ds64", Some(sizes)) = (&name, head.get(8..16).and_then(|sizes| sizes.first_chunk())) {
        seen.sound = Some(u64::from_le_bytes(*sizes));
    }
    if let (b"data", 0xffff_ffff, Some(sound)) = (&name, size, seen.sound) {
        size = sound;
    }
    let left = end - start;
    if size > left {
        // The sound itself, from a recorder that did not know how long it would be, or counted too much.
        let is_unknown = u32::try_from(size).is_ok_and(is_unknown) || size == left + TOO_LARGE_BY;
        if !(name == *b"data" && is_unknown) {
            return Err(malformed("a RIFF chunk is larger than what is left"));
        }
        return input.go_to(end);
    }
    // Some writers leave out the last chunk's padding, and a few leave it out everywhere.
    let is_padded = size & 1 == 1 && left > size && {
        let next = input.peek_at(start + size, 5)?;
        next.first() == Some(&0) || !next.get(..4).is_some_and(is_name)
    };
    input.skip(size + u64::from(is_padded))
}

/// Letters, blanks at the end, and a zero there in what a few programs write (`XMP\0`).
fn is_name(name: &[u8]) -> bool {
    let name = name.strip_suffix(&[0]).unwrap_or(name);
    name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

/// The size of a WebP picture: of the canvas, of a frame, or of the bit stream (RFC 9649, sections 2.7 and 3.4; RFC
/// 6386, section 9.1).
fn announced(name: &[u8; 4], head: &[u8], found: &mut Found) {
    let three = |at: usize| match head.get(at..at + 3) {
        Some([a, b, c]) => u32::from_le_bytes([*a, *b, *c, 0]) + 1,
        _ => 0,
    };
    match (name, head) {
        (b"VP8X", _) => found.picture(three(4), three(7)),
        (b"ANMF", _) => {
            found.picture(three(6), three(9));
            found.frame();
        }
        (b"VP8L", [0x2f, a, b, c, d, ..]) => {
            let bits = u32::from_le_bytes([*a, *b, *c, *d]);
            found.picture((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1);
        }
        (b"VP8 ", [_, _, _, 0x9d, 0x01, 0x2a, a, b, c, d, ..]) => {
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            found.picture(side(*a, *b), side(*c, *d));
        }
        _ => {}
    }
}
