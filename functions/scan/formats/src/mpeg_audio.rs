//! MP3: a chain of frames, each of which tells its own length (ISO/IEC 11172-3, section 2.4.1),
//! usually behind an ID3v2 tag (<https://id3.org/id3v2.4.0-structure>).

use crate::{
    flaw::{CheckError, malformed},
    input::Input,
};
use std::io::{Read, Seek};

/// The fewest frames of a sound: a shorter one is an accident of its bytes.
const FRAMES: u64 = 2;

/// Bit rates of layer III in kbit/s by the header's index, for MPEG-1 and for MPEG-2 and 2.5.
const BIT_RATES: [[u32; 15]; 2] = [
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Whether `head` starts like an MP3.
pub(crate) fn may_start(head: &[u8]) -> bool {
    head.starts_with(b"ID3") || head.first_chunk().is_some_and(|header| frame_length(*header).is_some())
}

/// Tags, then frames to the end, then tags.
pub(crate) fn check<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    input.rewind()?;
    leading_tags(input)?;
    let mut count = 0;
    loop {
        let place = input.position();
        let header = match input.left() {
            0 => break,
            1..4 => return Err(malformed("it is cut off")),
            _ => input.take_bytes()?,
        };
        let Some(length) = frame_length(header) else {
            input.go_to(place)?;
            if count == 0 {
                return Err(malformed("no MP3 frame where one is due"));
            }
            trailing_tags(input)?;
            break;
        };
        input.skip(length - 4)?;
        count += 1;
    }
    if count < FRAMES { Err(malformed("it has too few frames to be an MP3")) } else { Ok(()) }
}

/// ID3v2 tags, and zeros that some programs leave room with.
fn leading_tags<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    while input.peek_at(input.position(), 3)? == *b"ID3" {
        let [_, _, _, _, _, flags, a, b, c, d] = input.take_bytes()?;
        let size = [a, b, c, d].iter().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        if size == 0 {
            return Err(malformed("an ID3 tag is empty"));
        }
        input.skip(size + footer)?;
        input.skip_zeros()?;
    }
    Ok(())
}

/// APE tags (<https://wiki.hydrogenaud.io/index.php?title=APEv2_specification>), Lyrics3
/// (<https://id3.org/Lyrics3v2>) and ID3v1 tags (<https://id3.org/ID3v1>), one of each at most, in
/// whichever order programs have added them.
fn trailing_tags<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    let (mut has_ape, mut has_lyrics, mut has_id3) = (false, false, false);
    loop {
        let start = input.peek_at(input.position(), 32)?;
        if let Some(header) = start.first_chunk::<32>().filter(|tag| tag.starts_with(b"APETAGEX") && !has_ape)
        {
            // The size counts what follows the header, footer included.
            let size = u32::from_le_bytes([header[12], header[13], header[14], header[15]]);
            input.skip(32 + u64::from(size))?;
            has_ape = true;
        } else if start.starts_with(b"LYRICSBEGIN") && !has_lyrics {
            skip_lyrics(input)?;
            has_lyrics = true;
        } else if start.starts_with(b"TAG") && input.left() >= 128 && !has_id3 {
            input.skip(128)?;
            has_id3 = true;
        } else {
            return input.nothing_follows();
        }
    }
}

/// A version 2 tag is at most 999,999 bytes and six digits long, with its end mark.
fn skip_lyrics<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    let text = input.peek_at(input.position(), 1_000_100)?;
    let end = memchr::memmem::find(&text, b"LYRICS200").or_else(|| memchr::memmem::find(&text, b"LYRICSEND"));
    input.skip(end.ok_or_else(|| malformed("a Lyrics3 tag has no end"))? as u64 + 9)
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
