//! The central directory of a ZIP and the records behind it that say where it is (APPNOTE.TXT
//! 4.3.12 to 4.3.16).

use super::traces::{ZIP_WITHIN, has_zip_member, zip_traces};
use crate::{refusal::Why, walk::Names};

const END: usize = 22;
const END_64: usize = 56;
const LOCATOR_64: usize = 20;
const ENTRY: usize = 46;
const LONGEST_COMMENT: usize = 65_535;

const UTF_8: u16 = 1 << 11;

/// Where the directory lies.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) start: usize,
    end: usize,
    pub(super) count: u64,
    /// Where the archive ends, with its comment in front.
    record: usize,
    last: usize,
}

impl Directory {
    /// The archive's comment, and what follows the archive.
    pub(super) fn behind<'b>(&self, bytes: &'b [u8]) -> (&'b [u8], &'b [u8]) {
        let (archive, rest) = bytes.split_at(self.last);
        (&archive[self.record + END..], rest)
    }
}

/// What the directory says of one member.
#[derive(Debug)]
pub(super) struct Entry<'b> {
    pub(super) name: &'b [u8],
    unicode_path: Option<&'b [u8]>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) header: u64,
    made_on: u8,
    attributes: u32,
}

impl Entry<'_> {
    /// The name that programs use: an extra field can replace it (4.6.9).
    pub(super) fn path(&self) -> &[u8] {
        self.unicode_path.unwrap_or(self.name)
    }

    /// Both names, where programs differ in which they use.
    pub(super) fn names(&self) -> Names<'_> {
        Names { main: self.path(), other: self.unicode_path.map(|_| self.name) }
    }

    /// The kind of file, where the archive was made on a system that has such: S_IFMT of `st_mode`.
    pub(super) fn unix_type(&self) -> Option<u32> {
        const UNIX: u8 = 3;
        const MACOS: u8 = 19;
        let kind = self.attributes >> 16 & 0o170_000;
        // Programs look at the mode whatever the system is; only 0 says nothing.
        (kind != 0 && ([UNIX, MACOS].contains(&self.made_on) || kind == 0o120_000)).then_some(kind)
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Why> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map(|bytes| u16::from_le_bytes(*bytes)).ok_or_else(cut_off)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Why> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map(|bytes| u32::from_le_bytes(*bytes)).ok_or_else(cut_off)
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, Why> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map(|bytes| u64::from_le_bytes(*bytes)).ok_or_else(cut_off)
}

fn cut_off() -> Why {
    Why::broken("it is cut off")
}

/// The last end record, which is where programs start, and where its comment ends.
fn end_record(bytes: &[u8]) -> Result<(usize, usize), Why> {
    let from = bytes.len().saturating_sub(END + LONGEST_COMMENT);
    let last = bytes[from..].windows(END).rposition(|record| record.starts_with(b"PK\x05\x06"));
    let at = from + last.ok_or_else(cut_off)?;
    let comment = usize::from(u16_at(bytes, at + 20)?);
    let end = at + END + comment;
    if end > bytes.len() { Err(cut_off()) } else { Ok((at, end)) }
}

/// Whether `bytes`, which do not start as one, end as a ZIP to some program.
pub(crate) fn is_at_the_end(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(ZIP_WITHIN)..];
    !zip_traces(tail, || has_zip_member(bytes)).is_empty()
}

/// Finds the directory. Nothing is read that its size does not cover.
pub(super) fn find(bytes: &[u8]) -> Result<Directory, Why> {
    let (at, last) = end_record(bytes)?;
    locate(bytes, at, last)
}

fn locate(bytes: &[u8], at: usize, last: usize) -> Result<Directory, Why> {
    let same =
        |field: usize, other: usize| Ok::<_, Why>(u16_at(bytes, at + field)? == u16_at(bytes, at + other)?);
    if u16_at(bytes, at + 4)? != 0 && u16_at(bytes, at + 4)? != u16::MAX || !same(8, 10)? {
        return Err(Why::Unsupported("several volumes".to_owned()));
    }
    let mut count = u64::from(u16_at(bytes, at + 10)?);
    let mut size = u64::from(u32_at(bytes, at + 12)?);
    let mut start = u64::from(u32_at(bytes, at + 16)?);
    let mut end = at;
    let locator = at.checked_sub(LOCATOR_64).filter(|locator| bytes[*locator..].starts_with(b"PK\x06\x07"));
    if let Some(locator) = locator {
        // Its place is announced; the record must be right in front of the locator.
        let place = u64_at(bytes, locator + 8)?;
        end = usize::try_from(place).map_err(|_| cut_off())?;
        if !bytes.get(end..).is_some_and(|record| record.starts_with(b"PK\x06\x06"))
            || end.checked_add(END_64) != Some(locator)
            || u64_at(bytes, end + 4)? != (END_64 - 12) as u64
        {
            return Err(Why::Disagreement("its zip64 record is not where it should be"));
        }
        let large = (u64_at(bytes, end + 32)?, u64_at(bytes, end + 40)?, u64_at(bytes, end + 48)?);
        let agrees = |small: u64, most: u64, large: u64| small == most || small == large;
        if !agrees(count, 0xffff, large.0)
            || !agrees(size, 0xffff_ffff, large.1)
            || !agrees(start, 0xffff_ffff, large.2)
            || u64_at(bytes, end + 24)? != large.0
        {
            return Err(Why::Disagreement("its two end records differ"));
        }
        (count, size, start) = large;
    }
    if start.checked_add(size) != Some(end as u64) {
        return Err(Why::Disagreement("its directory does not end where its end record begins"));
    }
    let start = usize::try_from(start).map_err(|_| cut_off())?;
    Ok(Directory { start, end, count, record: at, last })
}

/// Reads the directory, which must be exactly as many entries as announced.
pub(super) fn read<'b>(bytes: &'b [u8], directory: &Directory) -> Result<Vec<Entry<'b>>, Why> {
    let mut rest = bytes.get(directory.start..directory.end).ok_or_else(cut_off)?;
    let mut entries = Vec::new();
    while !rest.is_empty() {
        if entries.len() as u64 == directory.count {
            return Err(Why::Disagreement("its directory has more members than announced"));
        }
        let (entry, behind) = entry(rest)?;
        entries.push(entry);
        rest = behind;
    }
    if entries.len() as u64 != directory.count {
        return Err(Why::Disagreement("its directory has fewer members than announced"));
    }
    Ok(entries)
}

fn entry(bytes: &[u8]) -> Result<(Entry<'_>, &[u8]), Why> {
    if !bytes.starts_with(b"PK\x01\x02") {
        return Err(Why::broken("its directory has something else than members"));
    }
    let lengths = [u16_at(bytes, 28)?, u16_at(bytes, 30)?, u16_at(bytes, 32)?].map(usize::from);
    let (_, rest) = bytes.split_at_checked(ENTRY).ok_or_else(cut_off)?;
    let (name, rest) = rest.split_at_checked(lengths[0]).ok_or_else(cut_off)?;
    let (extra, rest) = rest.split_at_checked(lengths[1]).ok_or_else(cut_off)?;
    let (_, rest) = rest.split_at_checked(lengths[2]).ok_or_else(cut_off)?;
    let flags = u16_at(bytes, 8)?;
    let small = [u32_at(bytes, 24)?, u32_at(bytes, 20)?, u32_at(bytes, 42)?];
    let [size, packed, header] = large_numbers(extra, small)?;
    let entry = Entry {
        name,
        unicode_path: agreed_path(flags, extra, name)?,
        flags,
        method: u16_at(bytes, 10)?,
        crc: u32_at(bytes, 16)?,
        packed,
        size,
        header,
        made_on: bytes[5],
        attributes: u32_at(bytes, 38)?,
    };
    Ok((entry, rest))
}

/// Numbers with those that do not fit taken from the zip64 field (4.5.3), where they stand in order.
pub(super) fn large_numbers<const N: usize>(extra: &[u8], small: [u32; N]) -> Result<[u64; N], Why> {
    let field = field(extra, 1)?;
    let mut at = 0;
    let mut large = [0; N];
    for (large, small) in large.iter_mut().zip(small) {
        *large = match field {
            Some(field) if small == u32::MAX => {
                at += 8;
                u64_at(field, at - 8)?
            }
            _ => u64::from(small),
        };
    }
    Ok(large)
}

/// The extra field of that kind. Bytes at the end that are no field are padding to some writers.
fn field(extra: &[u8], wanted: u16) -> Result<Option<&[u8]>, Why> {
    let mut found = None;
    let mut rest = extra;
    while let [a, b, c, d, behind @ ..] = rest {
        let (id, length) = (u16::from_le_bytes([*a, *b]), usize::from(u16::from_le_bytes([*c, *d])));
        let Some((field, behind)) = behind.split_at_checked(length) else { break };
        if id == wanted && found.replace(field).is_some() {
            return Err(Why::Disagreement("a member has one extra field twice"));
        }
        rest = behind;
    }
    Ok(found)
}

/// The name that takes the place of `name`. Where that is UTF-8 already, only some programs read
/// another.
fn agreed_path<'b>(flags: u16, extra: &'b [u8], name: &[u8]) -> Result<Option<&'b [u8]>, Why> {
    match unicode_path(extra, name)? {
        Some(path) if flags & UTF_8 != 0 && path != name => {
            Err(Why::Disagreement("a member has two names in Unicode"))
        }
        path => Ok(path),
    }
}

/// The name in the Info-ZIP Unicode Path field, if it is for this name.
pub(super) fn unicode_path<'b>(extra: &'b [u8], name: &[u8]) -> Result<Option<&'b [u8]>, Why> {
    let Some([1, a, b, c, d, path @ ..]) = field(extra, 0x7075)? else { return Ok(None) };
    Ok((u32::from_le_bytes([*a, *b, *c, *d]) == crc32fast::hash(name)).then_some(path))
}
