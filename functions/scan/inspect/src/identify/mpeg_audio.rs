//! MP3: a chain of frames, each of which tells its own length (ISO/IEC 11172-3, section 2.4.1),
//! usually behind an ID3v2 tag (<https://id3.org/id3v2.4.0-structure>).

use super::problem::{Problem, malformed, skip, take};
use std::io::{BufReader, Read, Seek};

/// So many frames in a row are no accident.
const FRAMES: usize = 3;

/// Bit rates of layer III in kbit/s by the header's index, for MPEG-1 and for MPEG-2 and 2.5.
const BIT_RATES: [[u32; 15]; 2] = [
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Whether `head` starts like an MP3.
pub(super) fn may_start(head: &[u8]) -> bool {
    head.starts_with(b"ID3") || head.first_chunk().is_some_and(|header| frame_length(*header).is_some())
}

/// Tags, then frames.
pub(super) fn check<R: Read + Seek>(input: &mut BufReader<R>, len: u64) -> Result<(), Problem> {
    input.rewind()?;
    let mut header: [u8; 4] = take(input)?;
    while header.starts_with(b"ID3") {
        let [_, flags, a, b, c, d] = take(input)?;
        let size = [a, b, c, d].iter().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        if size == 0 {
            return Err(malformed("an ID3 tag is empty"));
        }
        skip(input, size + footer)?;
        header = take(input)?;
    }
    for _ in 0..FRAMES {
        let length = frame_length(header).ok_or_else(|| malformed("no MP3 frame where one is due"))?;
        skip(input, length - 4)?;
        let position = input.stream_position()?;
        // A sound may be shorter than that, and its last frame may be followed by a tag.
        if position >= len {
            return if position == len { Ok(()) } else { Err(malformed("it is cut off")) };
        }
        header = take(input)?;
        if header.starts_with(b"TAG") || header == *b"APET" {
            return Ok(());
        }
    }
    Ok(())
}

/// The length in bytes of the layer III frame with this header. `None` if it is none.
fn frame_length(header: [u8; 4]) -> Option<u64> {
    let [sync, version_layer, rates, _] = header;
    if sync != 0xff || version_layer & 0xe0 != 0xe0 || version_layer & 0x06 != 0x02 {
        return None;
    }
    let (version1, halvings) = match version_layer >> 3 & 3 {
        3 => (true, 0),
        2 => (false, 1),
        0 => (false, 2),
        _ => return None,
    };
    let bit_rate = *BIT_RATES[usize::from(!version1)].get(usize::from(rates >> 4))?;
    let sample_rate = [44_100, 48_000, 32_000].get(usize::from(rates >> 2 & 3))? >> halvings;
    let samples_per_bit = if version1 { 144_000 } else { 72_000 };
    // Bit rate 0 is "free": nothing says where the next frame is.
    (bit_rate != 0).then(|| u64::from(samples_per_bit * bit_rate / sample_rate) + u64::from(rates >> 1 & 1))
}
