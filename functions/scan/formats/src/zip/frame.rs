//! ZIP: its frame, which is the members one after another, the directory, and the end record. Programs read it from
//! either end, so both must give the same members.

use crate::{ZIP_WITHIN, ZipMember, zip_traces};
use crate::{
    flaw::{CheckError, Flaw, malformed},
    input::Input,
};
use ::zip::ZipArchive;
use std::io::{Read, Seek};

/// The end-of-central-directory record (APPNOTE.TXT 4.3.16): 22 bytes and a comment.
const END_RECORD: usize = 22;
const LONGEST_COMMENT: u64 = 65_535;

/// The longest data descriptor (APPNOTE.TXT 4.3.9): signature, checksum, two sizes of 8 bytes.
const LONGEST_DESCRIPTOR: u64 = 24;

/// Whether `head` starts with a ZIP member, or is the end record of an empty ZIP.
pub(crate) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// Refuses a file that also ends as a ZIP, whatever the records there say: ZIP programs start at the end of a file.
pub(crate) fn refuse_at_the_end<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    let tail = input.peek_at(input.len().saturating_sub(ZIP_WITHIN as u64), ZIP_WITHIN)?;
    // Rarely anything is found, so the whole file is rarely looked through.
    if zip_traces(&tail, || true).is_empty() {
        return Ok(());
    }
    let has_member = has_member(input)?;
    if zip_traces(&tail, || has_member).is_empty() {
        return Ok(());
    }
    Err(Flaw::Polyglot("application/zip".into()).into())
}

fn has_member<R: Read + Seek>(input: &mut Input<R>) -> Result<bool, CheckError> {
    const PIECE: usize = 1 << 20;
    let (mut from, mut member) = (0, ZipMember::default());
    loop {
        let piece = input.peek_at(from, PIECE)?;
        member.look(&piece);
        if member.is_there() || piece.len() < PIECE {
            return Ok(member.is_there());
        }
        from += (PIECE - ZipMember::OVERLAP) as u64;
    }
}

/// A ZIP must end with its end record and the comment that this announces: programs differ in
/// which record they take when there is more.
pub(crate) fn check_end<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
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
fn read_end<R: Read + Seek>(input: &mut Input<R>) -> Result<(u64, Vec<u8>), CheckError> {
    let from = input.len().saturating_sub(LONGEST_COMMENT + END_RECORD as u64);
    input.go_to(from)?;
    let mut end = Vec::new();
    input.read_to_end(&mut end)?;
    Ok((from, end))
}

fn end_records(end: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    end.windows(END_RECORD).enumerate().filter(|(_, record)| record.starts_with(b"PK\x05\x06"))
}

/// A member's place, from its header to the end of its compressed data.
pub(crate) struct Member {
    start: u64,
    end: u64,
    checksum: u32,
}

/// Where an archive's members lie, and its directory behind them.
pub(crate) struct Layout {
    members: Vec<Member>,
    directory: u64,
}

/// Two readers of one archive must see the same members: those that go by the directory, and those
/// that go from one member to the next.
pub(crate) fn layout<R: Read + Seek>(archive: &mut ZipArchive<&mut Input<R>>) -> Result<Layout, CheckError> {
    if archive.offset() != 0 {
        return Err(malformed("data stands before the first member"));
    }
    if archive.has_duplicate_names() {
        return Err(malformed("two members have the same name"));
    }
    archive.validate_header_consistency()?;
    let mut places = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        places.push((archive.by_index_data(index)?.header_start(), index));
    }
    places.sort_unstable();
    let mut members = Vec::with_capacity(places.len());
    for (start, index) in places {
        let member = archive.by_index_raw(index)?;
        let end = member.data_start().and_then(|start| start.checked_add(member.compressed_size()));
        let end = end.ok_or_else(|| malformed("a length is absurd"))?;
        members.push(Member { start, end, checksum: member.crc32() });
    }
    Ok(Layout { members, directory: archive.central_directory_start() })
}

/// The members must follow one another from the first byte to the directory.
pub(crate) fn refuse_gaps<R: Read + Seek>(input: &mut Input<R>, layout: &Layout) -> Result<(), CheckError> {
    let first = layout.members.first().map_or(layout.directory, |first| first.start);
    if first != 0 {
        return Err(malformed("data stands before the first member"));
    }
    let next = layout.members.iter().skip(1).map(|next| next.start).chain([layout.directory]);
    for (member, next) in layout.members.iter().zip(next) {
        let gap = next.checked_sub(member.end).ok_or_else(|| malformed("two members overlap"))?;
        if gap > 0 && !(gap <= LONGEST_DESCRIPTOR && is_descriptor(input, member, gap)?) {
            return Err(malformed(if next == layout.directory {
                "data stands between the last member and the directory"
            } else {
                "data stands between two members"
            }));
        }
    }
    refuse_gap_at_the_end(input, layout)
}

/// The directory's entries, its 64-bit end record and the end record must follow one another too: a
/// record names the others' places, and these could be those of another archive within the file.
fn refuse_gap_at_the_end<R: Read + Seek>(input: &mut Input<R>, layout: &Layout) -> Result<(), CheckError> {
    input.go_to(layout.directory)?;
    for _ in &layout.members {
        let header: [u8; 46] = input.take_bytes()?;
        let lengths = [28, 30, 32].map(|at| u64::from(u16::from_le_bytes([header[at], header[at + 1]])));
        input.skip(lengths.iter().sum())?;
    }
    loop {
        let signature: [u8; 4] = input.take_bytes()?;
        match &signature {
            // APPNOTE.TXT 4.3.16, 4.3.13 (digital signature), 4.3.14, 4.3.15.
            b"PK\x05\x06" => {
                let record: [u8; 18] = input.take_bytes()?;
                let comment = u16::from_le_bytes([record[16], record[17]]);
                let is_end = input.left() == u64::from(comment);
                return if is_end { Ok(()) } else { Err(malformed("it is two archives in one")) };
            }
            b"PK\x05\x05" => {
                let length = u16::from_le_bytes(input.take_bytes()?);
                input.skip(u64::from(length))?;
            }
            b"PK\x06\x06" => {
                let length = u64::from_le_bytes(input.take_bytes()?);
                input.skip(length)?;
            }
            b"PK\x06\x07" => input.skip(16)?,
            _ => return Err(malformed("data stands behind the directory")),
        }
    }
}

/// Whether the `gap` bytes behind a member repeat its checksum and sizes.
fn is_descriptor<R: Read + Seek>(
    input: &mut Input<R>,
    member: &Member,
    gap: u64,
) -> Result<bool, CheckError> {
    let bytes = input.peek_at(member.end, usize::try_from(gap).unwrap_or(0))?;
    let fields = bytes.strip_prefix(b"PK\x07\x08").unwrap_or(&bytes);
    Ok([12, 20].contains(&fields.len()) && fields.starts_with(&member.checksum.to_le_bytes()))
}
