//! Ogg: pages with checksums and numbers, and an end that each stream announces (RFC 3533), with
//! the streams' first packets saying what they are (RFC 5334, RFC 7845, and Xiph's own documents).

use super::{CheckError, Found, Input, malformed};
use std::{
    collections::HashMap,
    io::{Read, Seek},
};

/// More streams at a time than any recording has.
const MOST_STREAMS: usize = 64;

const CONTINUED: u8 = 1;
const FIRST: u8 = 2;
const LAST: u8 = 4;

/// What the streams of a file are, as far as it decides on the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sound,
    Picture,
    /// Skeleton: about the other streams.
    Index,
    Unknown,
}

/// The kind of stream by the beginning of its first packet.
fn kind(packet: &[u8]) -> Kind {
    const SOUND: [&[u8]; 5] = [b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ", b"CELT    "];
    const PICTURE: [&[u8]; 5] = [b"\x80theora", b"BBCD\0", b"\x80daala", b"OVP80", b"\x80kate\0\0\0"];
    let is_any_of = |known: &[&[u8]]| known.iter().any(|start| packet.starts_with(start));
    match packet {
        _ if is_any_of(&SOUND) => Kind::Sound,
        _ if is_any_of(&PICTURE) => Kind::Picture,
        [b'f', b'i', b's', b'h', b'e', b'a', b'd', 0, ..] => Kind::Index,
        _ => Kind::Unknown,
    }
}

/// Goes behind the last page.
pub(super) fn check<R: Read + Seek>(input: &mut Input<R>, found: &mut Found) -> Result<(), CheckError> {
    let mut kinds = Vec::new();
    let checked = pages(input, &mut kinds);
    let has = |kind| kinds.contains(&kind);
    found.media_type = if has(Kind::Picture) {
        "video/ogg"
    } else if has(Kind::Sound) && !has(Kind::Unknown) {
        "audio/ogg"
    } else {
        "application/ogg"
    };
    checked
}

/// Walks all pages. Streams may follow one another (RFC 3533, section 4: chaining), as in a
/// recording of a radio station.
fn pages<R: Read + Seek>(input: &mut Input<R>, kinds: &mut Vec<Kind>) -> Result<(), CheckError> {
    let table = checksum_table();
    // The number that the next page of each stream must have.
    let mut open: HashMap<[u8; 4], u32> = HashMap::new();
    loop {
        let start = input.position();
        if input.left() == 0 || input.peek_at(start, 4)? != *b"OggS" {
            return if open.is_empty() { Ok(()) } else { Err(unfinished(input, start)) };
        }
        let header: [u8; 27] = input.take_bytes()?;
        let [_, _, _, _, version, flags, ..] = header;
        if version != 0 || flags > CONTINUED | FIRST | LAST {
            return Err(malformed("an Ogg page is of no known kind"));
        }
        let serial = [header[14], header[15], header[16], header[17]];
        let number = u32::from_le_bytes([header[18], header[19], header[20], header[21]]);
        let stated = u32::from_le_bytes([header[22], header[23], header[24], header[25]]);
        let mut sum = header;
        sum[22..26].fill(0);
        let mut checksum = update(&table, 0, &sum);
        let mut lengths = vec![0; usize::from(header[26])];
        input.read_exact(&mut lengths)?;
        checksum = update(&table, checksum, &lengths);
        let length = lengths.iter().map(|length| u64::from(*length)).sum();
        let packet = if flags & FIRST == 0 { Vec::new() } else { input.peek_at(input.position(), 8)? };
        input.each(length, |piece| checksum = update(&table, checksum, piece))?;
        if checksum != stated {
            return Err(malformed("the checksum of an Ogg page is wrong"));
        }
        let due = match open.get(&serial) {
            None if flags & FIRST != 0 && open.len() < MOST_STREAMS => {
                let found = kind(&packet);
                if !kinds.contains(&found) {
                    kinds.push(found);
                }
                number
            }
            Some(due) if flags & FIRST == 0 => *due,
            _ => return Err(malformed("an Ogg stream has no beginning, or two")),
        };
        if number != due {
            return Err(malformed("an Ogg page is missing"));
        }
        if flags & LAST == 0 {
            open.insert(serial, number.wrapping_add(1));
        } else {
            open.remove(&serial);
        }
    }
}

fn unfinished<R: Read + Seek>(input: &Input<R>, at: u64) -> CheckError {
    if at == input.len() {
        malformed("it is cut off")
    } else {
        malformed("something else stands where an Ogg page is due")
    }
}

/// The table of the checksum (RFC 3533, section 6, field 7): polynomial 0x04c11db7, not reflected.
fn checksum_table() -> [u32; 256] {
    let mut table = [0; 256];
    for (entry, byte) in table.iter_mut().zip(0_u32..) {
        *entry = (0..8).fold(byte << 24, |sum: u32, _| {
            (sum << 1) ^ if sum & 0x8000_0000 == 0 { 0 } else { 0x04c1_1db7 }
        });
    }
    table
}

fn update(table: &[u32; 256], sum: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(sum, |sum, byte| (sum << 8) ^ table[usize::from((sum >> 24) as u8 ^ byte)])
}
