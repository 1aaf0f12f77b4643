//! MP3: a chain of frames, each of which tells its own length (ISO/IEC 11172-3, section 2.4.1),
//! usually behind an ID3v2 tag (<https://id3.org/id3v2.4.0-structure>).

use super::{Found, Media};
use crate::{
    flaw::{CheckError, malformed},
    input::Input,
};
use std::io::{self, Read, Seek};

/// The fewest frames of a sound: a shorter one is an accident of its bytes.
const FRAMES: u64 = 2;

/// More sounds, each with its tags, than anybody joins. A tag may cost the reading of a megabyte.
const MOST_SOUNDS: usize = 16;

/// Bit rates of layer III in kbit/s by the header's index, for MPEG-1 and for MPEG-2 and 2.5.
const BIT_RATES: [[u32; 15]; 2] = [
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// What stands behind tags: FLAC or MP3. Two bytes are a weak signature, so without a tag two frames must follow each
/// other. Zeros may stand in front of them.
pub(super) fn behind_tags<R: Read + Seek>(input: &mut Input<R>, head: &[u8]) -> io::Result<Option<Media>> {
    if matches!(head, [b'I', b'D', b'3', 2..=4, ..]) {
        input.rewind()?;
        // Without what should follow a tag, it is an MP3 that is broken.
        let behind = leading_tags(input).is_ok().then(|| input.peek_at(input.position(), 4)).transpose()?;
        return Ok(Some(if behind.is_some_and(|behind| behind == *b"fLaC") {
            Media::Flac
        } else {
            Media::Mp3
        }));
    }
    let zeros = head.iter().take_while(|byte| **byte == 0).count();
    let length =
        head.get(zeros..).and_then(|frame| frame.first_chunk()).and_then(|frame| frame_length(*frame));
    let Some(length) = length else { return Ok(None) };
    let next = input.peek_at(zeros as u64 + length, 4)?;
    Ok(next.first_chunk().and_then(|frame| frame_length(*frame)).map(|_| Media::Mp3))
}

/// Tags, then frames, then tags, and perhaps another such sound. Goes behind them. Programs that cut a sound do not
/// care where its last frame ends.
pub(super) fn check<R: Read + Seek>(input: &mut Input<R>, found: &mut Found) -> Result<(), CheckError> {
    found.media_type = "audio/mpeg";
    input.skip_zeros()?;
    leading_tags(input)?;
    let mut count = 0;
    for _ in 0..MOST_SOUNDS {
        let more = frames(input, count)?;
        if more == 0 {
            break;
        }
        count += more;
        trailing_tags(input)?;
    }
    if count == 0 {
        return Err(malformed("no MP3 frame where one is due"));
    }
    if count < FRAMES { Err(malformed("it has too few frames to be an MP3")) } else { Ok(()) }
}

/// Goes behind the frames that follow, of which the last may be cut off, and answers how many they are.
fn frames<R: Read + Seek>(input: &mut Input<R>, before: u64) -> Result<u64, CheckError> {
    let mut count = 0;
    loop {
        let header = input.peek_at(input.position(), 4)?;
        let header = header.first_chunk();
        let Some(length) = header.and_then(|header| frame_length(*header)) else { return Ok(count) };
        if length > input.left() && before + count < FRAMES {
            return Err(malformed("it is cut off"));
        }
        input.skip(length.min(input.left()))?;
        count += 1;
    }
}

/// ID3v2 tags, and zeros that some programs leave room with.
pub(super) fn leading_tags<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
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
/// (<https://id3.org/Lyrics3v2>), ID3v1 (<https://id3.org/ID3v1>) and ID3v2 tags, one of each at most, in
/// whichever order programs have added them.
fn trailing_tags<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    let (mut has_ape, mut has_lyrics, mut has_id3, mut has_id3v2) = (false, false, false, false);
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
        } else if start.starts_with(b"ID3") && !has_id3v2 {
            leading_tags(input)?;
            has_id3v2 = true;
        } else {
            return Ok(());
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
