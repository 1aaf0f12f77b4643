//! RIFF files (WebP, WAV): one outer chunk whose size is the size of the file, filled with chunks.

use crate::{
    flaw::{CheckError, malformed},
    input::Input,
};
use std::io::{Read, Seek};

/// Recorders that write WAV to a pipe can't go back to fill in a size, and leave 0 or one of the
/// largest numbers there: then it says nothing about the end.
fn is_unknown(size: u32) -> bool {
    size == 0 || size >= 0x7fff_0000
}

/// Everything must be within the outer chunk (RFC 9649, section 2.4, for WebP), and what makes an
/// image or a sound must be there.
pub(crate) fn check<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    input.skip(4)?;
    let size = u32::from_le_bytes(input.take_bytes()?);
    let is_wave = input.take_bytes()? == *b"WAVE";
    let mut end = 8 + u64::from(size);
    if end > input.len() && !(is_wave && is_unknown(size)) {
        return Err(malformed("it is cut off"));
    }
    if is_wave && is_unknown(size) {
        end = input.len();
    }
    let (mut has_format, mut has_content) = (false, false);
    while input.position() + 8 <= end {
        let name: [u8; 4] = input.take_bytes()?;
        let size = u32::from_le_bytes(input.take_bytes()?);
        if !name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
            return Err(malformed("a RIFF chunk has no name"));
        }
        has_format |= !is_wave || name == *b"fmt ";
        has_content |= matches!(&name, b"data" if is_wave);
        has_content |= matches!(&name, b"VP8 " | b"VP8L" | b"ANMF" if !is_wave);
        let left = end - input.position();
        let padded = u64::from(size) + u64::from(size & 1);
        if u64::from(size) > left {
            // The sound itself, from a recorder that did not know how long it would be.
            if !(name == *b"data" && is_unknown(size)) {
                return Err(malformed("a RIFF chunk is larger than what is left"));
            }
            input.go_to(end)?;
        } else {
            // Some writers leave out the last chunk's padding.
            input.skip(padded.min(left))?;
        }
    }
    if !has_format || !has_content {
        return Err(malformed("it holds no image or sound"));
    }
    input.go_to(end)?;
    input.nothing_follows()
}
