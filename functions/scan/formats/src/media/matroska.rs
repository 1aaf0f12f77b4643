//! WebM and Matroska: EBML elements within elements (RFC 8794, RFC 9559), told apart by the
//! document type in the header, walked through the segment to the end.

use super::{CheckError, Found, Input, malformed};
use std::io::{Read, Seek};

const DOC_TYPE: u32 = 0x4282;
const VOID: u32 = 0xec;
const CHECKSUM: u32 = 0xbf;
const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_a966;
const TRACKS: u32 = 0x1654_ae6b;
const CLUSTER: u32 = 0x1f43_b675;
/// SeekHead, Cues, Chapters, Tags. Attachments are no part of WebM.
const OTHER_PARTS: [u32; 4] = [0x114d_9b74, 0x1c53_bb6b, 0x1043_a770, 0x1254_c367];
const ATTACHMENTS: u32 = 0x1941_a469;
/// Timestamp, SimpleBlock, BlockGroup, Position, PrevSize, EncryptedBlock, SilentTracks.
const CLUSTER_PARTS: [u32; 7] = [0xe7, 0xa3, 0xa0, 0xa7, 0xab, 0xaf, 0x5854];

/// The longest element in a header: names are short.
const LONGEST_NAME: u64 = 64;

struct Element {
    id: u32,
    /// `None` if the writer did not know it (RFC 8794, section 6.2).
    size: Option<u64>,
}

/// Goes behind the segment.
pub(super) fn check<R: Read + Seek>(input: &mut Input<R>, found: &mut Found) -> Result<(), CheckError> {
    let media_type = &mut found.media_type;
    *media_type = "application/octet-stream";
    let header = element(input)?;
    let size = header.size.ok_or_else(|| malformed("its header has no size"))?;
    let end = end_of(input, size)?;
    while input.position() < end {
        let Element { id, size } = element(input)?;
        let size = size.filter(|size| *size <= LONGEST_NAME).ok_or_else(|| malformed("its header is odd"))?;
        let mut value = Vec::new();
        input.by_ref().take(size).read_to_end(&mut value)?;
        if id == DOC_TYPE {
            // A string may be padded with zeros (RFC 8794, section 7.4).
            match value.split(|byte| *byte == 0).next() {
                Some(b"webm") => *media_type = "video/webm",
                Some(b"matroska") => *media_type = "video/matroska",
                _ => {}
            }
        }
    }
    let segment = loop {
        match element(input)? {
            Element { id: SEGMENT, size } => break size,
            Element { id: VOID, size: Some(size) } => input.skip(size)?,
            _ => return Err(malformed("it holds no segment")),
        }
    };
    let end = segment.map(|size| end_of(input, size)).transpose()?;
    parts(input, end.unwrap_or(input.len()), *media_type == "video/matroska")
}

/// The parts that every file has, as far as they were seen.
#[derive(Default)]
struct Seen {
    info: bool,
    tracks: bool,
    content: bool,
}

/// Walks the parts of the segment, which ends at `end`.
fn parts<R: Read + Seek>(input: &mut Input<R>, end: u64, may_attach: bool) -> Result<(), CheckError> {
    let mut seen = Seen::default();
    while input.position() < end {
        let start = input.position();
        match part(input, end, may_attach, &mut seen) {
            Ok(()) => {}
            // Nothing is missing, and the segment did not say where it ends: here.
            Err(CheckError::Flaw(_)) if end == input.len() && seen.info && seen.tracks && seen.content => {
                return input.go_to(start);
            }
            Err(problem) => return Err(problem),
        }
    }
    if seen.info && seen.tracks && seen.content { Ok(()) } else { Err(malformed("it holds no media")) }
}

fn part<R: Read + Seek>(
    input: &mut Input<R>,
    end: u64,
    may_attach: bool,
    seen: &mut Seen,
) -> Result<(), CheckError> {
    let Element { id, size } = element(input)?;
    match (id, size) {
        (CLUSTER, None) => cluster(input, end)?,
        (INFO | TRACKS | CLUSTER | VOID | CHECKSUM, Some(size)) => input.skip(size)?,
        (id, Some(size)) if OTHER_PARTS.contains(&id) => input.skip(size)?,
        (ATTACHMENTS, Some(size)) if may_attach => input.skip(size)?,
        _ => return Err(malformed("an element of its segment is of no known kind")),
    }
    if (id == INFO && seen.info) || (id == TRACKS && seen.tracks) {
        return Err(malformed("it is two files in one"));
    }
    seen.info |= id == INFO;
    seen.tracks |= id == TRACKS;
    seen.content |= id == CLUSTER;
    if input.position() > end { Err(malformed("an element is larger than what it is in")) } else { Ok(()) }
}

/// Walks a cluster of unknown size: it ends where something else than its parts begins.
fn cluster<R: Read + Seek>(input: &mut Input<R>, end: u64) -> Result<(), CheckError> {
    while input.position() < end {
        let start = input.position();
        match element(input)? {
            Element { id, size: Some(size) }
                if CLUSTER_PARTS.contains(&id) || [VOID, CHECKSUM].contains(&id) =>
            {
                input.skip(size)?;
            }
            _ => return input.go_to(start),
        }
    }
    Ok(())
}

fn end_of<R: Read + Seek>(input: &Input<R>, size: u64) -> Result<u64, CheckError> {
    let end = input.position().checked_add(size).filter(|end| *end <= input.len());
    end.ok_or_else(|| malformed("it is cut off"))
}

/// Reads an element's id and size (RFC 8794, sections 4 to 6).
fn element<R: Read + Seek>(input: &mut Input<R>) -> Result<Element, CheckError> {
    let id = number(input, 4, true)?;
    let id = u32::try_from(id.0).map_err(|_| malformed("an element has no name"))?;
    let (size, is_unknown) = number(input, 8, false)?;
    Ok(Element { id, size: (!is_unknown).then_some(size) })
}

/// A number of at most `longest` bytes, whose first bits tell its length, and whether all its bits are set.
fn number<R: Read + Seek>(
    input: &mut Input<R>,
    longest: u32,
    with_length: bool,
) -> Result<(u64, bool), CheckError> {
    let [first] = input.take_bytes()?;
    let more = first.leading_zeros();
    if more >= longest {
        return Err(malformed("an element has no name or no size"));
    }
    let mark = 0x80_u8 >> more;
    let mut number = u64::from(if with_length { first } else { first & !mark });
    for _ in 0..more {
        let [byte] = input.take_bytes()?;
        number = number << 8 | u64::from(byte);
    }
    let all = (1_u64 << (7 * (more + 1))) - 1;
    Ok((number, number == all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn numbers_are_as_long_as_they_say() {
        let read = |bytes: &[u8], with_length| {
            let mut input = Input::new(Cursor::new(bytes.to_vec())).unwrap();
            number(&mut input, 8, with_length).ok().map(|found| (found, input.left()))
        };
        assert_eq!(read(&[0x81], false), Some(((1, false), 0)));
        assert_eq!(read(&[0xff], false), Some(((127, true), 0)));
        assert_eq!(read(&[0x40, 2, 9], false), Some(((2, false), 1)));
        assert_eq!(read(&[0x1a, 0x45, 0xdf, 0xa3], true), Some(((0x1a45_dfa3, false), 0)));
        assert_eq!(read(&[1, 255, 255, 255, 255, 255, 255, 255], false), Some((((1 << 56) - 1, true), 0)));
        assert_eq!(read(&[0, 1], false), None);
        assert_eq!(read(&[0x40], false), None);
    }
}
