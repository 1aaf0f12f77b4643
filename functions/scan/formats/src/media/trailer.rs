//! What cameras, phones and tools append: further images (previews, gain and depth maps; CIPA DC-007, Android's Ultra HDR
//! and Dynamic Depth), videos ("motion photos"), Samsung's blocks. Each is a member: identified, walked and scanned like
//! any other. What nobody knows is a leftover.

use super::{Media, jpeg, length};
use crate::{
    flaw::{CheckError, Flaw},
    leftover::{self, IN_FRONT},
    numbers::{u16_at, u32_at},
    refusal::{Stop, Why},
    walk::Walk,
};
use flate2::bufread::GzDecoder;
use memchr::memmem;
use std::ops::Range;

/// How many places in a leftover are tried as the beginning of a member. Previews lie up to 32 KiB behind the image.
const MOST_TRIES: usize = 32;

/// More members than any camera appends.
const MOST_MEMBERS: usize = 64;

/// Something behind the end.
enum Piece {
    Member { name: String, range: Range<usize> },
    Unknown(Range<usize>),
}

/// Shows what follows `end`, and says what is wrong with it.
pub(super) fn walk(
    walk: &mut Walk<'_>,
    media: Media,
    bytes: &[u8],
    end: usize,
) -> Result<Result<(), CheckError>, Stop> {
    let (pieces, mut checked) = match pieces(media, bytes, end) {
        Ok(pieces) => (pieces, Ok(())),
        Err((pieces, flaw)) => (pieces, Err(flaw)),
    };
    let mut unknown = 0;
    for piece in pieces {
        match piece {
            Piece::Member { name, range } => {
                let content = bytes.get(range).unwrap_or_default();
                match walk.enter(name.as_bytes(), false) {
                    Ok(()) => walk.stored(name.as_bytes(), content)?,
                    Err(why) => walk.refuse(name.as_bytes(), why)?,
                }
            }
            Piece::Unknown(range) => {
                unknown += range.len();
                let content = bytes.get(range).unwrap_or_default();
                let remains = if media == Media::Jpeg { jpeg::is_like_a_scan } else { |_: &[u8]| false };
                checked = checked.and_then(|()| leftover::refuse(content, bytes.len(), remains));
                walk.decoded("what follows the end", content)?;
                // Measurements of Qualcomm's camera have streams of gzip in them.
                for at in leftover::gzips(content).filter(|_| leftover::is_of_maker(content)) {
                    let name = format!("measurements at {at}");
                    let mut unpacked = GzDecoder::new(&content[at..]);
                    walk.packed(name.as_bytes(), &mut unpacked, u64::MAX, Why::broken, |_| Ok(()))?;
                }
            }
        }
    }
    walk.covers(end, bytes.len());
    Ok(checked.and_then(|()| leftover::refuse_many(unknown, bytes.len())).map_err(CheckError::Flaw))
}

/// All that follows `end`, in order, without the padding between. With a flaw, as far as it was read.
fn pieces(media: Media, bytes: &[u8], end: usize) -> Result<Vec<Piece>, (Vec<Piece>, Flaw)> {
    let mut pieces = Vec::new();
    let blocks = samsung(bytes, end);
    let until = blocks.as_ref().map_or(bytes.len(), |(start, _)| *start);
    let (mut at, mut members) = (end, 0);
    while at < until {
        let rest = &bytes[at..until];
        let padding = leftover::padding(rest);
        // The size of a box looks like padding.
        let start = (0..=padding.min(IN_FRONT))
            .map(|back| padding - back)
            .find_map(|from| member(media, &rest[from..]).map(|found| (from, found)));
        match start {
            Some((from, Ok((what, length)))) if members < MOST_MEMBERS => {
                members += 1;
                let range = at + from..at + from + length;
                at = range.end;
                pieces.push(Piece::Member { name: format!("{what} {}", members + 1), range });
            }
            // It begins like one and does not go on like one.
            Some((_, Err(flaw))) => return Err((pieces, flaw)),
            _ if padding == rest.len() => break,
            _ => {
                let next = next(media, &rest[padding..]);
                let in_front = padding.min(IN_FRONT);
                pieces.push(Piece::Unknown(at + padding - in_front..at + padding + next));
                at += padding + next;
            }
        }
    }
    pieces.extend(blocks.into_iter().flat_map(|(_, blocks)| blocks));
    Ok(pieces)
}

/// What a file of this format may have behind it, if it begins here: what it is, and its length.
fn member(media: Media, bytes: &[u8]) -> Option<Result<(&'static str, usize), Flaw>> {
    let is_picture = match media {
        Media::Jpeg => true,
        Media::Iso => false,
        _ => return None,
    };
    if is_picture && matches!(bytes, [0xff, 0xd8, 0xff, 0xc0..=0xfe, ..]) {
        return Some(length(Media::Jpeg, bytes).map(|(length, _)| ("image", length)));
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return match length(Media::Iso, bytes) {
            Ok((length, media_type)) => media_type.starts_with("video/").then_some(Ok(("video", length))),
            // The video of a phone may be cut off, and is scanned all the same.
            Err(Flaw::Malformed(_)) => Some(Ok(("video", bytes.len()))),
            Err(flaw) => Some(Err(flaw)),
        };
    }
    None
}

/// Where a member begins in `bytes` that do not begin with one; their length if none does.
fn next(media: Media, bytes: &[u8]) -> usize {
    let images = memmem::find_iter(bytes, b"\xff\xd8\xff").take(MOST_TRIES);
    let videos = memmem::find_iter(bytes, b"ftyp").take(MOST_TRIES).filter_map(|at| at.checked_sub(4));
    let reads = |at: &usize| matches!(member(media, &bytes[*at..]), Some(Ok(_)));
    let first = |mut places: Box<dyn Iterator<Item = usize> + '_>| places.find(|at| *at > 0 && reads(at));
    let (image, video) = (first(Box::new(images)), first(Box::new(videos)));
    image.unwrap_or(bytes.len()).min(video.unwrap_or(bytes.len()))
}

/// Samsung's blocks at the end of a file, and where they begin. A directory between `SEFH` and `SEFT` names the place and
/// the size of each; a block has a kind, a name and its data.
fn samsung(bytes: &[u8], end: usize) -> Option<(usize, Vec<Piece>)> {
    const FOOTER: usize = 8;
    let behind = bytes.get(end..)?.strip_suffix(b"SEFT")?;
    let size = u32_at(behind, behind.len().checked_sub(4)?)? as usize;
    let directory = (bytes.len() - FOOTER).checked_sub(size).filter(|at| *at >= end)?;
    let head = bytes.get(directory..bytes.len() - FOOTER)?;
    let entries = head.strip_prefix(b"SEFH")?.get(8..)?;
    let count = u32_at(head, 8)? as usize;
    if count == 0 || count > MOST_MEMBERS || entries.len() < count.checked_mul(12)? {
        return None;
    }
    let mut places = Vec::with_capacity(count);
    for entry in entries.chunks_exact(12).take(count) {
        let start = directory.checked_sub(u32_at(entry, 4)? as usize).filter(|at| *at >= end)?;
        let block = start..start.checked_add(u32_at(entry, 8)? as usize)?;
        // The kind again, and the length of the name.
        let content = bytes.get(block.clone()).filter(|_| block.end <= directory)?;
        let name = content.get(8..)?.get(..u32_at(content, 4)? as usize)?;
        if u16_at(content, 2) != u16_at(entry, 2) || !name.iter().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        places.push((block.start, block.start + 8 + name.len()..block.end, name));
    }
    places.sort_unstable_by_key(|(start, ..)| *start);
    let first = places.first()?.0;
    // Between the blocks there is nothing.
    let mut next = first;
    for (start, data, _) in &places {
        if *start != next {
            return None;
        }
        next = data.end;
    }
    let named = |(at, (_, range, name)): (usize, (usize, Range<usize>, &[u8]))| {
        let name = String::from_utf8_lossy(name).replace(['/', '\\', ':'], "_");
        Piece::Member { name: format!("block {} {name}", at + 1), range }
    };
    (next == directory).then(|| (first, places.into_iter().enumerate().map(named).collect()))
}
