//! PNG: chunks with their checksums from the header to `IEND` (<https://www.w3.org/TR/png-3/#5Chunk-layout>). Animated
//! PNG, too.

use super::{CheckError, Found, Input, malformed};
use std::io::{Read, Seek};

/// The longest keyword of a text or a profile, and its end (section 11.3.3.2).
const KEYWORD: usize = 80;
/// As far as the language and the translated keyword of an international text are looked at.
const LANGUAGE: usize = 4096;

/// Goes behind `IEND`.
pub(super) fn check<R: Read + Seek>(input: &mut Input<R>, found: &mut Found) -> Result<(), CheckError> {
    found.media_type = "image/png";
    input.skip(8)?;
    let (mut first, mut has_image) = (true, false);
    loop {
        let length = u64::from(u32::from_be_bytes(input.take_bytes()?));
        let name: [u8; 4] = input.take_bytes()?;
        if !name.iter().all(u8::is_ascii_alphabetic) {
            return Err(malformed("a PNG chunk has no name"));
        }
        if first && name != *b"IHDR" {
            return Err(malformed("a PNG does not begin with its header"));
        }
        let content = input.position();
        if length <= input.left() {
            look_into(input, name, content, length, found)?;
        }
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&name);
        input.each(length, |piece| checksum.update(piece))?;
        if u32::from_be_bytes(input.take_bytes()?) != checksum.finalize() {
            return Err(malformed("the checksum of a PNG chunk is wrong"));
        }
        has_image |= name == *b"IDAT";
        first = false;
        if name == *b"IEND" {
            return if has_image { Ok(()) } else { Err(malformed("a PNG holds no image")) };
        }
    }
}

/// Notes what a chunk announces, and what is compressed in it.
fn look_into<R: Read + Seek>(
    input: &mut Input<R>,
    name: [u8; 4],
    content: u64,
    length: u64,
    found: &mut Found,
) -> Result<(), CheckError> {
    let packed_from = match &name {
        b"IHDR" => {
            if let Some([a, b, c, d, e, f, g, h]) = input.peek_at(content, 8)?.first_chunk() {
                found.picture(u32::from_be_bytes([*a, *b, *c, *d]), u32::from_be_bytes([*e, *f, *g, *h]));
            }
            None
        }
        b"fcTL" => {
            found.frame();
            None
        }
        // A keyword, its end, and the method, which is 0 (sections 11.3.2.3 and 11.3.3.3).
        b"zTXt" | b"iCCP" => {
            let start = input.peek_at(content, KEYWORD)?;
            memchr::memchr(0, &start).map(|end| end + 2)
        }
        // Behind the keyword: whether it is compressed, the method, the language, the translated keyword.
        b"iTXt" => {
            let start = input.peek_at(content, LANGUAGE)?;
            let mut ends = memchr::memchr_iter(0, &start);
            let keyword = ends.next();
            let is_compressed = keyword.is_some_and(|end| start.get(end + 1) == Some(&1));
            // The method is another zero.
            let mut ends = ends.filter(|end| keyword.is_some_and(|keyword| *end > keyword + 2));
            ends.nth(1).filter(|_| is_compressed).map(|end| end + 1)
        }
        _ => None,
    };
    if let Some(from) = packed_from.map(|from| from as u64).filter(|from| *from < length) {
        let place = if name == *b"iCCP" { "color profile" } else { "text" };
        found.compressed(place, content + from..content + length);
    }
    Ok(())
}
