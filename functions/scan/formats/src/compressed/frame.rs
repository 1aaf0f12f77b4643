//! gzip and 7z as such: their outer frame, not what they hold.

use crate::{
    flaw::{CheckError, malformed},
    input::Input,
};
use std::io::{BufRead, Read, Seek};

/// gzip: the header of the first member (RFC 1952, section 2.3), and room for what must follow it.
/// Where a member ends only unpacking tells.
pub(crate) fn check_gzip<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    let [0x1f, 0x8b, 8, flags @ 0..=0x1f, ..] = input.take_bytes::<10>()? else {
        return Err(malformed("no gzip header"));
    };
    if flags & 4 != 0 {
        let length = u16::from_le_bytes(input.take_bytes()?);
        input.skip(u64::from(length))?;
    }
    for _name_or_comment in 0..(flags >> 3 & 3).count_ones() {
        skip_string(input)?;
    }
    // A checksum of the header; then at least an empty block of two bytes, a checksum and a size.
    input.skip(if flags & 2 == 0 { 0 } else { 2 })?;
    input.skip(2 + 8)
}

fn skip_string<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Err(malformed("it is cut off"));
        }
        let end = memchr::memchr(0, buffer);
        let used = end.map_or(buffer.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

/// 7z: the start header says where the end header stops, and both have checksums (7zFormat.txt,
/// "Archive structure").
pub(crate) fn check_7z<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    input.skip(8)?;
    let stated = u32::from_le_bytes(input.take_bytes()?);
    let start: [u8; 20] = input.take_bytes()?;
    if crc32fast::hash(&start) != stated {
        return Err(malformed("the checksum of its start is wrong"));
    }
    let [offset, size] = [0, 8]
        .map(|at| start[at..at + 8].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)));
    let stated = u32::from_le_bytes([start[16], start[17], start[18], start[19]]);
    input.skip(offset)?;
    let mut checksum = crc32fast::Hasher::new();
    input.each(size, |piece| checksum.update(piece))?;
    if checksum.finalize() != stated {
        return Err(malformed("the checksum of its end is wrong"));
    }
    input.nothing_follows()
}
