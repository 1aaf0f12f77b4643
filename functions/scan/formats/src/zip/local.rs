//! Each member's own header, and where its content lies: in order, without overlap and without
//! gaps, so that a program that reads from the start sees what one sees that reads from the end.

use super::{
    HAS_DESCRIPTOR,
    directory::{Directory, Entry, large_numbers, u16_at, u32_at, unicode_path},
};
use crate::refusal::Why;

const HEADER: usize = 30;

/// The compressed content of each entry.
pub(super) fn place<'b>(
    bytes: &'b [u8],
    directory: &Directory,
    entries: &[Entry<'_>],
) -> Result<Vec<&'b [u8]>, Why> {
    let members = &bytes[..directory.start];
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_unstable_by_key(|index| entries[*index].header);
    let mut contents: Vec<&[u8]> = vec![&[]; entries.len()];
    let mut end = 0;
    for index in order {
        let entry = &entries[index];
        let start = usize::try_from(entry.header).map_err(|_| outside())?;
        if start < end {
            return Err(Why::Overlap);
        }
        if start > end {
            return Err(hidden(end));
        }
        let content_start = content_start(members, start, entry)?;
        let length = usize::try_from(entry.packed).map_err(|_| outside())?;
        let content_end = content_start.checked_add(length).filter(|end| *end <= members.len());
        let content_end = content_end.ok_or_else(outside)?;
        contents[index] = &members[content_start..content_end];
        end = content_end + descriptor(&members[content_end..], entry)?;
    }
    if end != members.len() {
        return Err(hidden(end));
    }
    Ok(contents)
}

fn hidden(end: usize) -> Why {
    match end {
        0 => Why::Hidden("something stands before its first member"),
        _ => Why::Hidden("something stands between its members"),
    }
}

fn outside() -> Why {
    Why::broken("a member reaches into the directory or beyond")
}

fn content_start(members: &[u8], start: usize, entry: &Entry<'_>) -> Result<usize, Why> {
    let header = members.get(start..).filter(|header| header.starts_with(b"PK\x03\x04"));
    let header = header.ok_or_else(|| Why::broken("a member has no header"))?;
    let lengths = [u16_at(header, 26)?, u16_at(header, 28)?].map(usize::from);
    let rest = header.get(HEADER..).ok_or_else(outside)?;
    let (name, rest) = rest.split_at_checked(lengths[0]).ok_or_else(outside)?;
    let (extra, _) = rest.split_at_checked(lengths[1]).ok_or_else(outside)?;
    if name != entry.name {
        return Err(Why::Disagreement("a member has another name in the directory"));
    }
    // What reads from the start reads the name in the extra field here.
    if unicode_path(extra, name)?.is_some_and(|path| path != entry.path()) {
        return Err(Why::Disagreement("a member has another name in Unicode in the directory"));
    }
    let decisive = super::ENCRYPTED | HAS_DESCRIPTOR | super::PATCH;
    if (u16_at(header, 6)? ^ entry.flags) & decisive != 0 || u16_at(header, 8)? != entry.method {
        return Err(Why::Disagreement("a member is stored in another way than the directory says"));
    }
    let crc = u32_at(header, 14)?;
    let [size, packed] = large_numbers(extra, [u32_at(header, 22)?, u32_at(header, 18)?])?;
    // A program that writes to a stream puts these behind the content, and zeros or unknown values here.
    let is_later = entry.flags & HAS_DESCRIPTOR != 0;
    let agrees =
        |here: u64, there: u64| here == there || (is_later && (here == 0 || here == u64::from(u32::MAX)));
    if !agrees(size, entry.size)
        || !agrees(packed, entry.packed)
        || !agrees(u64::from(crc), u64::from(entry.crc))
    {
        return Err(Why::Disagreement("a member has another size or checksum in the directory"));
    }
    Ok(start + HEADER + lengths[0] + lengths[1])
}

/// The length of the data descriptor behind a member's content (4.3.9): its signature is optional,
/// and its sizes have 4 or 8 bytes.
fn descriptor(behind: &[u8], entry: &Entry<'_>) -> Result<usize, Why> {
    if entry.flags & HAS_DESCRIPTOR == 0 {
        return Ok(0);
    }
    let small = (u32::try_from(entry.packed), u32::try_from(entry.size));
    for signature in [&b"PK\x07\x08"[..], b""] {
        let large =
            [signature, &entry.crc.to_le_bytes(), &entry.packed.to_le_bytes(), &entry.size.to_le_bytes()]
                .concat();
        if is_followed(behind, &large) {
            return Ok(large.len());
        }
        if let (Ok(packed), Ok(size)) = small {
            let small =
                [signature, &entry.crc.to_le_bytes(), &packed.to_le_bytes(), &size.to_le_bytes()].concat();
            if is_followed(behind, &small) {
                return Ok(small.len());
            }
        }
    }
    Err(Why::Disagreement("what stands behind a member contradicts the directory"))
}

/// Whether it is the descriptor, and the next member or nothing behind it.
fn is_followed(behind: &[u8], descriptor: &[u8]) -> bool {
    behind.strip_prefix(descriptor).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"PK\x03\x04"))
}
