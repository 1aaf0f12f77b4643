//! FLAC: blocks of metadata, then frames, each with a checksum over all of it (RFC 9639). A frame
//! does not tell its length; it ends where its checksum holds and the next one begins.

use super::{Found, mpeg_audio};
use crate::{
    flaw::{CheckError, malformed},
    input::Input,
};
use std::io::{BufRead, Read, Seek};

/// The longest frame header: two bytes of sync, two of codes, seven of number, two of block size,
/// two of sample rate, one of checksum (RFC 9639, section 9.1).
const LONGEST_HEADER: usize = 16;

/// Goes behind the last frame. Some programs write a tag of MP3 in front.
pub(super) fn check<R: Read + Seek>(input: &mut Input<R>, found: &mut Found) -> Result<(), CheckError> {
    found.media_type = "audio/flac";
    mpeg_audio::leading_tags(input)?;
    input.skip(4)?;
    let total = metadata(input)?;
    let samples = frames(input)?;
    // 0 means that the encoder did not know (RFC 9639, section 8.2).
    if total != 0 && total != samples {
        return Err(malformed("it is cut off, or holds more than it says"));
    }
    Ok(())
}

/// Walks the metadata and answers the number of samples that it announces.
fn metadata<R: Read + Seek>(input: &mut Input<R>) -> Result<u64, CheckError> {
    let mut total = None;
    loop {
        let [kind, a, b, c] = input.take_bytes()?;
        let length = u64::from(u32::from_be_bytes([0, a, b, c]));
        match (kind & 0x7f, total) {
            (0, None) if length == 34 => {
                let info: [u8; 34] = input.take_bytes()?;
                let [.., e, f, g, h] = *info.first_chunk::<18>().unwrap_or(&[0; 18]);
                total = Some(u64::from(info[13] & 0x0f) << 32 | u64::from(u32::from_be_bytes([e, f, g, h])));
            }
            (1..=6, Some(_)) => input.skip(length)?,
            _ => return Err(malformed("a FLAC block of metadata is of no known kind")),
        }
        if kind & 0x80 != 0 {
            return total.ok_or_else(|| malformed("a FLAC does not say what it holds"));
        }
    }
}

struct Frame {
    samples: u64,
    number: u64,
    /// Whether `number` counts samples, not frames.
    is_variable: bool,
}

/// Walks the frames and answers how many samples they hold.
fn frames<R: Read + Seek>(input: &mut Input<R>) -> Result<u64, CheckError> {
    let table = checksum_table();
    let (mut samples, mut count) = (0, 0);
    while input.left() > 0 {
        let head = input.peek_at(input.position(), LONGEST_HEADER)?;
        let Some(frame) = frame(&head) else {
            return if count == 0 { Err(malformed("no FLAC frame where one is due")) } else { Ok(samples) };
        };
        if frame.number != if frame.is_variable { samples } else { count } {
            return Err(malformed("a FLAC frame is missing"));
        }
        end_of_frame(input, &table)?;
        samples += frame.samples;
        count += 1;
    }
    Ok(samples)
}

/// Moves behind the frame that begins here.
fn end_of_frame<R: Read + Seek>(input: &mut Input<R>, table: &[u16; 256]) -> Result<(), CheckError> {
    let mut sum = 0_u16;
    // The sync code itself is no candidate for the next frame.
    for byte in input.take_bytes::<2>()? {
        sum = update(table, sum, byte);
    }
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            // Over a frame with its checksum, the checksum is 0.
            return if sum == 0 {
                Ok(())
            } else {
                Err(malformed("its last frame is cut off, or something follows it"))
            };
        }
        let mut candidate = None;
        let mut used = 0;
        for byte in buffer {
            if sum == 0 && matches!(byte, 0xff | 0) {
                candidate = Some(*byte);
                break;
            }
            sum = update(table, sum, *byte);
            used += 1;
        }
        input.consume(used);
        match candidate {
            None => {}
            Some(0xff) if frame(&input.peek_at(input.position(), LONGEST_HEADER)?).is_some() => return Ok(()),
            Some(byte) => {
                // Zeros leave a checksum of 0 as it is: they are padding if they go on to the end.
                let back = input.position();
                input.skip_zeros()?;
                if byte == 0 && input.left() == 0 {
                    return Ok(());
                }
                if byte != 0 {
                    input.go_to(back + 1)?;
                    sum = update(table, sum, byte);
                }
            }
        }
    }
}

/// Reads a frame header (RFC 9639, section 9.1). `None` if it is none.
fn frame(head: &[u8]) -> Option<Frame> {
    let [0xff, sync @ (0xf8 | 0xf9), codes, format, ..] = *head else { return None };
    let (channels, depth) = (format >> 4, format >> 1 & 7);
    if channels > 10 || depth == 3 || format & 1 != 0 {
        return None;
    }
    let mut rest = head.get(4..)?;
    let mut next = |count: usize| -> Option<u64> {
        let (taken, left) = rest.split_at_checked(count)?;
        rest = left;
        Some(taken.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let number = coded_number(&mut next)?;
    let samples = match codes >> 4 {
        0 => return None,
        1 => 192,
        code @ 2..=5 => 144 << code,
        6 => next(1)? + 1,
        7 => next(2)? + 1,
        code => 1 << code,
    };
    match codes & 0x0f {
        12 => next(1)?,
        13 | 14 => next(2)?,
        15 => return None,
        _ => 0,
    };
    let stated = next(1)?;
    let length = head.len() - rest.len() - 1;
    let checksum = head[..length].iter().fold(0_u8, |sum, byte| {
        (0..8).fold(sum ^ byte, |sum, _| (sum << 1) ^ if sum & 0x80 == 0 { 0 } else { 0x07 })
    });
    (u64::from(checksum) == stated).then_some(Frame { samples, number, is_variable: sync == 0xf9 })
}

/// A number in the manner of UTF-8, of up to 36 bits.
fn coded_number(next: &mut impl FnMut(usize) -> Option<u64>) -> Option<u64> {
    let first = u8::try_from(next(1)?).ok()?;
    let length = first.leading_ones();
    if length == 1 || length > 7 {
        return None;
    }
    let bits = if length == 0 { 0x7f } else { 0x7f_u8.checked_shr(length).unwrap_or(0) };
    let mut number = u64::from(first & bits);
    for _ in 1..length {
        let byte = next(1)?;
        if byte & 0xc0 != 0x80 {
            return None;
        }
        number = number << 6 | byte & 0x3f;
    }
    Some(number)
}

/// The table of the checksum (RFC 9639, section 9.3): polynomial 0x8005, not reflected.
fn checksum_table() -> [u16; 256] {
    let mut table = [0; 256];
    for (entry, byte) in table.iter_mut().zip(0_u16..) {
        *entry =
            (0..8).fold(byte << 8, |sum: u16, _| (sum << 1) ^ if sum & 0x8000 == 0 { 0 } else { 0x8005 });
    }
    table
}

fn update(table: &[u16; 256], sum: u16, byte: u8) -> u16 {
    (sum << 8) ^ table[usize::from((sum >> 8) as u8 ^ byte)]
}
