//! PNG, JPEG and GIF, walked from their first to their last part: what follows the last part is
//! shown by no viewer and is where a second file hides.

use super::problem::{Flaw, Problem, malformed, nothing_follows, skip, take};
use std::io::{BufRead, BufReader, Read, Seek};

/// PNG: chunks up to `IEND` (<https://www.w3.org/TR/png-3/#5Chunk-layout>). Animated PNG, too.
pub(super) fn check_png<R: Read + Seek>(input: &mut BufReader<R>) -> Result<(), Problem> {
    take::<8>(input)?;
    loop {
        let [a, b, c, d, name @ ..] = take::<8>(input)?;
        if !name.iter().all(u8::is_ascii_alphabetic) {
            return Err(malformed("a PNG chunk has no name"));
        }
        skip(input, u64::from(u32::from_be_bytes([a, b, c, d])))?;
        take::<4>(input)?;
        if name == *b"IEND" {
            return nothing_follows(input);
        }
    }
}

/// JPEG: segments up to the end-of-image marker (ITU-T T.81, annex B).
///
/// Cameras append further JPEG images (previews, gain maps; CIPA DC-007) behind it: these are
/// walked like the first. A video behind it ("motion photo") is refused like any other data.
pub(super) fn check_jpeg<R: Read + Seek>(input: &mut BufReader<R>) -> Result<(), Problem> {
    loop {
        if take::<2>(input)? != [0xff, 0xd8] {
            return Err(malformed("a JPEG image does not start with its marker"));
        }
        jpeg_segments(input)?;
        // Zeros may stand between images.
        let next = loop {
            let buffer = input.fill_buf()?;
            let zeros = buffer.iter().take_while(|byte| **byte == 0).count();
            let (rest, at_end) = (buffer[zeros..].first().copied(), buffer.is_empty());
            input.consume(zeros);
            if rest.is_some() || at_end {
                break rest;
            }
        };
        match next {
            None => return Ok(()),
            Some(0xff) => {}
            Some(_) => return nothing_follows(input),
        }
    }
}

fn jpeg_segments<R: Read + Seek>(input: &mut BufReader<R>) -> Result<(), Problem> {
    let mut marker = jpeg_marker(input)?;
    loop {
        match marker {
            0xd9 => return Ok(()),
            0x01 | 0xd0..=0xd7 => marker = jpeg_marker(input)?,
            0x00 | 0xd8 => return Err(malformed("a JPEG marker is out of place")),
            _ => {
                let length = u16::from_be_bytes(take(input)?);
                let content =
                    length.checked_sub(2).ok_or_else(|| malformed("a JPEG segment is too short"))?;
                skip(input, u64::from(content))?;
                marker = if marker == 0xda { after_jpeg_scan(input)? } else { jpeg_marker(input)? };
            }
        }
    }
}

fn jpeg_marker<R: Read>(input: &mut BufReader<R>) -> Result<u8, Problem> {
    if take(input)? != [0xff] {
        return Err(malformed("a JPEG segment does not start with a marker"));
    }
    loop {
        let [code] = take(input)?;
        if code != 0xff {
            return Ok(code);
        }
    }
}

/// Skips compressed data, in which `FF` is followed by 0, by another `FF` or by a restart marker.
fn after_jpeg_scan<R: Read>(input: &mut BufReader<R>) -> Result<u8, Problem> {
    let mut ignored = Vec::new();
    loop {
        ignored.clear();
        // A run without FF can be as long as the file: keep the memory for it bounded.
        input.by_ref().take(1 << 16).read_until(0xff, &mut ignored)?;
        match ignored.last() {
            None => return Err(malformed("it is cut off")),
            Some(0xff) => {}
            Some(_) => continue,
        }
        let code = loop {
            let [code] = take(input)?;
            if code != 0xff {
                break code;
            }
        };
        if !matches!(code, 0x00 | 0xd0..=0xd7) {
            return Ok(code);
        }
    }
}

/// GIF: blocks up to the trailer (<https://www.w3.org/Graphics/GIF/spec-gif89a.txt>).
pub(super) fn check_gif<R: Read + Seek>(input: &mut BufReader<R>) -> Result<(), Problem> {
    let header: [u8; 13] = take(input)?;
    skip(input, color_table(header[10]))?;
    loop {
        match take(input)? {
            [0x3b] => return nothing_follows(input),
            [0x21] => skip(input, 1)?,
            [0x2c] => {
                let descriptor: [u8; 9] = take(input)?;
                skip(input, color_table(descriptor[8]) + 1)?;
            }
            [_] => return Err(Flaw::Malformed("a GIF block is of no known kind".into()).into()),
        }
        loop {
            match take(input)? {
                [0] => break,
                [length] => skip(input, u64::from(length))?,
            }
        }
    }
}

/// The size in bytes of the color table that a packed field announces.
fn color_table(packed: u8) -> u64 {
    if packed & 0x80 == 0 { 0 } else { 3 << ((packed & 7) + 1) }
}
