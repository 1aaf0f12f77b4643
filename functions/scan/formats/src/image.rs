//! PNG, JPEG and GIF, walked from their first to their last part: what follows the last part is
//! shown by no viewer and is where a second file hides.

use crate::{
    flaw::{CheckError, malformed},
    input::Input,
};
use std::io::{BufRead, Read, Seek};

/// PNG: chunks with their checksums up to `IEND` (<https://www.w3.org/TR/png-3/#5Chunk-layout>).
/// Animated PNG, too.
pub(crate) fn check_png<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    input.skip(8)?;
    let (mut first, mut has_image) = (true, false);
    loop {
        let length = u32::from_be_bytes(input.take_bytes()?);
        let name: [u8; 4] = input.take_bytes()?;
        if !name.iter().all(u8::is_ascii_alphabetic) {
            return Err(malformed("a PNG chunk has no name"));
        }
        if first && name != *b"IHDR" {
            return Err(malformed("a PNG does not begin with its header"));
        }
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&name);
        input.each(u64::from(length), |piece| checksum.update(piece))?;
        if u32::from_be_bytes(input.take_bytes()?) != checksum.finalize() {
            return Err(malformed("the checksum of a PNG chunk is wrong"));
        }
        has_image |= name == *b"IDAT";
        first = false;
        if name == *b"IEND" {
            return if has_image { input.nothing_follows() } else { Err(malformed("a PNG holds no image")) };
        }
    }
}

/// JPEG: segments up to the end-of-image marker (ITU-T T.81, annex B).
///
/// Cameras append further JPEG images (previews, gain maps; CIPA DC-007) behind it: these are
/// walked like the first. A video behind it ("motion photo") is refused like any other data.
pub(crate) fn check_jpeg<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    loop {
        if input.take_bytes()? != [0xff, 0xd8] {
            return Err(malformed("a JPEG image does not start with its marker"));
        }
        jpeg_segments(input)?;
        // Zeros may stand between images.
        let end = input.position();
        input.skip_zeros()?;
        if input.peek_at(input.position(), 3)? != [0xff, 0xd8, 0xff] {
            input.go_to(end)?;
            return input.nothing_follows();
        }
    }
}

fn jpeg_segments<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    let (mut has_frame, mut has_scan) = (false, false);
    let mut marker = jpeg_marker(input)?;
    loop {
        match marker {
            0xd9 if has_frame && has_scan => return Ok(()),
            0xd9 => return Err(malformed("a JPEG holds no image")),
            0x01 | 0xd0..=0xd7 => marker = jpeg_marker(input)?,
            0x00 | 0xd8 => return Err(malformed("a JPEG marker is out of place")),
            _ => {
                let length = u16::from_be_bytes(input.take_bytes()?);
                let content =
                    length.checked_sub(2).ok_or_else(|| malformed("a JPEG segment is too short"))?;
                input.skip(u64::from(content))?;
                has_frame |= matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
                has_scan |= marker == 0xda;
                marker = if marker == 0xda { after_jpeg_scan(input)? } else { jpeg_marker(input)? };
            }
        }
    }
}

fn jpeg_marker<R: Read + Seek>(input: &mut Input<R>) -> Result<u8, CheckError> {
    if input.take_bytes()? != [0xff] {
        return Err(malformed("a JPEG segment does not start with a marker"));
    }
    after_fill(input)
}

/// The code of a marker, which any number of `FF` may precede.
fn after_fill<R: Read + Seek>(input: &mut Input<R>) -> Result<u8, CheckError> {
    loop {
        let [code] = input.take_bytes()?;
        if code != 0xff {
            return Ok(code);
        }
    }
}

/// Skips compressed data, in which `FF` is followed by 0, by another `FF` or by a restart marker.
fn after_jpeg_scan<R: Read + Seek>(input: &mut Input<R>) -> Result<u8, CheckError> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Err(malformed("it is cut off"));
        }
        let Some(before) = memchr::memchr(0xff, buffer) else {
            let all = buffer.len();
            input.consume(all);
            continue;
        };
        input.consume(before + 1);
        let code = after_fill(input)?;
        if !matches!(code, 0x00 | 0xd0..=0xd7) {
            return Ok(code);
        }
    }
}

/// GIF: blocks up to the trailer (<https://www.w3.org/Graphics/GIF/spec-gif89a.txt>).
pub(crate) fn check_gif<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    let header: [u8; 13] = input.take_bytes()?;
    input.skip(color_table(header[10]))?;
    let mut has_image = false;
    loop {
        match input.take_bytes()? {
            [0x3b] if has_image => return input.nothing_follows(),
            [0x3b] => return Err(malformed("a GIF holds no image")),
            [0x21] => input.skip(1)?,
            [0x2c] => {
                has_image = true;
                let descriptor: [u8; 9] = input.take_bytes()?;
                input.skip(color_table(descriptor[8]) + 1)?;
            }
            [_] => return Err(malformed("a GIF block is of no known kind")),
        }
        loop {
            match input.take_bytes()? {
                [0] => break,
                [length] => input.skip(u64::from(length))?,
            }
        }
    }
}

/// The size in bytes of the color table that a packed field announces.
fn color_table(packed: u8) -> u64 {
    if packed & 0x80 == 0 { 0 } else { 3 << ((packed & 7) + 1) }
}
