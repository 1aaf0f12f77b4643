//! ZIP, gzip, tar and 7z as such: their outer frame, not what they hold.

use super::problem::{Flaw, Problem, malformed, nothing_follows, take};
use std::io::{BufReader, Read, Seek, SeekFrom};

/// The end-of-central-directory record (APPNOTE.TXT 4.3.16): 22 bytes and a comment.
const END_RECORD: usize = 22;
const LONGEST_COMMENT: u64 = 65_535;

/// Whether `head` starts with a ZIP member, or is the end record of an empty ZIP.
pub(super) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// ZIP programs start at the end of a file, so any file can be a ZIP too. This one must not be.
pub(super) fn refuse_zip_at_the_end<R: Read + Seek>(input: &mut BufReader<R>) -> Result<(), Problem> {
    let (from, end) = read_end(input)?;
    for (at, record) in end_records(&end) {
        let number =
            |at: usize| u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
        // Programs take the directory from its announced place or from just before the record.
        let (size, offset) = (u64::from(number(12)), u64::from(number(16)));
        let before = (from + at as u64).checked_sub(size);
        for place in before.into_iter().chain([offset]) {
            let mut signature = [0; 4];
            input.seek(SeekFrom::Start(place))?;
            if input.read_exact(&mut signature).is_ok() && signature == *b"PK\x01\x02" {
                return Err(Flaw::Polyglot("application/zip").into());
            }
        }
    }
    Ok(())
}

/// A ZIP must end with its end record and the comment that this announces: programs differ in
/// which record they take when there is more.
pub(super) fn check_zip_end<R: Read + Seek>(input: &mut BufReader<R>) -> Result<(), Problem> {
    let (_, end) = read_end(input)?;
    let (at, record) = end_records(&end).last().ok_or_else(|| malformed("it is cut off"))?;
    let comment = usize::from(u16::from_le_bytes([record[20], record[21]]));
    let behind = end.len() - at - END_RECORD;
    if behind < comment {
        return Err(malformed("it is cut off"));
    }
    if behind > comment {
        return Err(Flaw::Trailing((behind - comment) as u64).into());
    }
    Ok(())
}

/// As much of the end as an end record with its comment can take, and where that begins.
fn read_end<R: Read + Seek>(input: &mut BufReader<R>) -> Result<(u64, Vec<u8>), Problem> {
    let len = input.seek(SeekFrom::End(0))?;
    let from = len.saturating_sub(LONGEST_COMMENT + END_RECORD as u64);
    input.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    input.take(len - from).read_to_end(&mut end)?;
    Ok((from, end))
}

fn end_records(end: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    end.windows(END_RECORD).enumerate().filter(|(_, record)| record.starts_with(b"PK\x05\x06"))
}

/// gzip: compression method and flags (RFC 1952, section 2.3.1).
pub(super) fn check_gzip<R: Read>(input: &mut BufReader<R>) -> Result<(), Problem> {
    match take(input)? {
        [0x1f, 0x8b, 8, 0..=0x1f] => Ok(()),
        [..] => Err(malformed("no gzip header")),
    }
}

/// tar: the checksum of the first header (POSIX.1-2017, pax, "ustar Interchange Format"). The
/// signature alone stands in the middle of a block whose beginning can be anything.
pub(super) fn check_tar<R: Read>(input: &mut BufReader<R>) -> Result<(), Problem> {
    let block: [u8; 512] = take(input)?;
    let (before, rest) = block.split_at(148);
    let (checksum, after) = rest.split_at(8);
    let stated = std::str::from_utf8(checksum)
        .ok()
        .and_then(|octal| u32::from_str_radix(octal.trim_matches([' ', '\0']), 8).ok());
    let sum = before.iter().chain(b"        ").chain(after).map(|byte| u32::from(*byte)).sum::<u32>();
    if stated == Some(sum) { Ok(()) } else { Err(malformed("the checksum of the first tar header is wrong")) }
}

/// 7z: the start header says where the end header stops (7zFormat.txt, "Archive structure").
pub(super) fn check_7z<R: Read + Seek>(input: &mut BufReader<R>, len: u64) -> Result<(), Problem> {
    let _signature_version_checksum: [u8; 12] = take(input)?;
    let [offset, size] = [take(input)?, take(input)?].map(u64::from_le_bytes);
    let end = offset.checked_add(size).and_then(|end| end.checked_add(32)).filter(|end| *end <= len);
    input.seek(SeekFrom::Start(end.ok_or_else(|| malformed("it is cut off"))?))?;
    nothing_follows(input)
}
