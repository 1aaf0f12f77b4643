//! JPEG: segments up to the end-of-image marker (ITU-T T.81, annex B). What cameras append, further images included
//! (CIPA DC-007), is no part of it.

use super::{CheckError, Found, Input, malformed};
use std::{
    io::{BufRead, Read, Seek},
    ops::Range,
};

/// What a segment of XMP begins with that does not fit into one: its name, a digest, and two numbers (Adobe, XMP
/// Specification part 3, section 1.1.3.1).
const MORE_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
const BEFORE_MORE_XMP: u64 = 35 + 32 + 4 + 4;

/// Goes behind the end of the image.
pub(super) fn check<R: Read + Seek>(input: &mut Input<R>, found: &mut Found) -> Result<(), CheckError> {
    found.media_type = "image/jpeg";
    if input.take_bytes()? != [0xff, 0xd8] {
        return Err(malformed("a JPEG image does not start with its marker"));
    }
    let mut more_xmp = Vec::new();
    let checked = segments(input, found, &mut more_xmp);
    if !more_xmp.is_empty() {
        found.cut("metadata", more_xmp);
    }
    checked
}

fn segments<R: Read + Seek>(
    input: &mut Input<R>,
    found: &mut Found,
    more_xmp: &mut Vec<Range<u64>>,
) -> Result<(), CheckError> {
    let (mut has_frame, mut has_scan) = (false, false);
    let mut code = marker(input)?;
    loop {
        match code {
            0xd9 if has_frame && has_scan => return Ok(()),
            0xd9 => return Err(malformed("a JPEG holds no image")),
            0x01 | 0xd0..=0xd7 => code = marker(input)?,
            0x00 | 0xd8 => return Err(malformed("a JPEG marker is out of place")),
            _ => {
                let length = u16::from_be_bytes(input.take_bytes()?);
                let content =
                    length.checked_sub(2).ok_or_else(|| malformed("a JPEG segment is too short"))?;
                let start = input.position();
                input.skip(u64::from(content))?;
                if matches!(code, 0xc0..=0xcf) && !matches!(code, 0xc4 | 0xc8 | 0xcc) {
                    has_frame = true;
                    // The precision, the height and the width (section B.2.2).
                    if let [_, a, b, c, d] = *input.peek_at(start, 5)? {
                        let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
                        found.picture(side(c, d), side(a, b));
                    }
                }
                if code == 0xe1
                    && u64::from(content) > BEFORE_MORE_XMP
                    && input.peek_at(start, MORE_XMP.len())? == MORE_XMP
                {
                    more_xmp.push(start + BEFORE_MORE_XMP..input.position());
                }
                has_scan |= code == 0xda;
                code = if code == 0xda { after_scan(input)? } else { marker(input)? };
            }
        }
    }
}

fn marker<R: Read + Seek>(input: &mut Input<R>) -> Result<u8, CheckError> {
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
fn after_scan<R: Read + Seek>(input: &mut Input<R>) -> Result<u8, CheckError> {
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

/// Whether bytes are compressed data of a JPEG: `FF` never stands in it alone, and in random data nearly always does.
/// Cameras leave such remains of other pictures behind the end of one.
pub(super) fn is_like_a_scan(bytes: &[u8]) -> bool {
    let (mut all, mut followed) = (0_usize, 0_usize);
    for at in memchr::memchr_iter(0xff, bytes) {
        all += 1;
        followed += usize::from(matches!(bytes.get(at + 1), Some(0x00 | 0xd0..=0xd9) | None));
    }
    all >= 8 && followed * 10 >= all * 9
}
