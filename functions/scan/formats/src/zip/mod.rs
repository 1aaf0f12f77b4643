//! ZIP (APPNOTE.TXT 6.3.10). Read here and not by a library, because what matters is whether all programs see the same
//! members: the directory at the end must agree with each member's own header, and every byte must belong to one of
//! them. Decoders are libraries.

mod directory;
mod local;
mod traces;

use crate::{
    Format,
    compressed::{self, Pieces},
    office, path,
    refusal::{Special, Stop, Why},
    walk::Walk,
};
use directory::Entry;
use flate2::bufread::DeflateDecoder;
use std::io::{self, Read};

pub(crate) use directory::is_at_the_end;
pub use traces::{ZIP_WITHIN, ZipMember, has_zip_member, is_zip_member_header, zip_directory, zip_traces};

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const BZIP2: u16 = 12;
const ZSTD: u16 = 93;
const XZ: u16 = 95;

/// Flags (4.4.4).
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const HAS_DESCRIPTOR: u16 = 1 << 3;
const PATCH: u16 = 1 << 5;

/// AE-x encryption (WinZip) takes the place of the method.
const AES: u16 = 99;

/// The kind of file of a symbolic link: S_IFLNK of `st_mode`.
const LINK: u32 = 0o120_000;

/// No system has longer ones.
const LONGEST_TARGET: usize = 4096;

impl Entry<'_> {
    fn is_encrypted(&self) -> bool {
        self.flags & ENCRYPTED != 0 || self.method == AES
    }

    fn is_link(&self) -> bool {
        self.unix_type() == Some(LINK)
    }
}

pub(crate) fn walk(walk: &mut Walk<'_>, bytes: &[u8]) -> Result<(), Stop> {
    // Something else that a ZIP stands behind is what it begins as.
    let is_zip = Format::at_the_start(bytes) == Some(Format::Zip);
    if is_zip {
        walk.is(Format::Zip.media_type());
    }
    let directory = directory::find(bytes)?;
    walk.budget().announced_members(directory.count)?;
    let entries = directory::read(bytes, &directory)?;
    let contents = local::place(bytes, &directory, &entries)?;
    let announced = entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
    walk.budget().announced(announced)?;
    let mut seen = office::Seen::default();
    for (entry, content) in entries.iter().zip(contents) {
        seen.name(entry.path(), entry.is_encrypted());
        member(walk, entry, content, &mut seen)?;
    }
    if is_zip {
        walk.content = Some(seen.told());
    }
    let (comment, rest) = directory.behind(bytes);
    walk.comment(comment)?;
    walk.leftover(rest)
}

fn member(
    walk: &mut Walk<'_>,
    entry: &Entry<'_>,
    content: &[u8],
    seen: &mut office::Seen,
) -> Result<(), Stop> {
    let is_folder = entry.name.ends_with(b"/") || entry.name.ends_with(b"\\");
    if let Some(Err(fault)) = entry.names().other.map(path::check) {
        return walk.refuse(entry.name, Why::Name(fault));
    }
    if let Err(why) = walk.enter(entry.path(), is_folder).and_then(|()| acceptable(walk, entry, is_folder)) {
        return walk.refuse(entry.path(), why);
    }
    if is_folder && entry.packed == 0 {
        return Ok(());
    }
    if entry.method == STORED {
        let is_whole = entry.size == entry.packed;
        let checked = if is_whole { checksum(entry, content) } else { Err(lengths()) };
        seen.content(entry.path(), content);
        walk.stored(entry.names(), content)?;
        checked.or_else(|why| walk.refuse(entry.path(), why))?;
        return link(walk, entry, content);
    }
    let window = walk.budget().limits().window_bytes;
    let mut used = Used::new(entry.method, content, window);
    let mut size = 0;
    let mut counted = Counted { inner: &mut used, size: &mut size };
    let mut target = Vec::new();
    walk.packed(entry.names(), &mut counted, entry.size, compressed::fault, |bytes| {
        if bytes.len() as u64 != entry.size {
            return Err(Why::broken("it is cut off"));
        }
        seen.content(entry.path(), bytes);
        if entry.is_link() {
            target.extend_from_slice(bytes.get(..LONGEST_TARGET).unwrap_or(bytes));
        }
        checksum(entry, bytes)
    })?;
    // Only content that was read to its end is known to end.
    if size == entry.size && used.left_over() {
        return walk.refuse(entry.path(), Why::Hidden("compressed data follows its end"));
    }
    link(walk, entry, &target)
}

/// The content of a link is its target.
fn link(walk: &mut Walk<'_>, entry: &Entry<'_>, target: &[u8]) -> Result<(), Stop> {
    if entry.is_link() { walk.link(Special::SymbolicLink, entry.path(), target) } else { Ok(()) }
}

fn acceptable(walk: &mut Walk<'_>, entry: &Entry<'_>, is_folder: bool) -> Result<(), Why> {
    match entry.unix_type() {
        None | Some(0o100_000 | 0o040_000 | LINK) => {}
        Some(_) => return Err(Why::NotAFile(Special::Device)),
    }
    if entry.is_encrypted() {
        return Err(Why::Encrypted);
    }
    if entry.flags & PATCH != 0 || ![STORED, DEFLATED, BZIP2, ZSTD, XZ].contains(&entry.method) {
        return Err(Why::Unsupported(format!("compression method {}", entry.method)));
    }
    if is_folder && entry.size != 0 {
        return Err(Why::Disagreement("a folder has content"));
    }
    walk.budget().announced_member(entry.size)
}

fn lengths() -> Why {
    Why::Disagreement("its length and its stored length differ")
}

fn checksum(entry: &Entry<'_>, bytes: &[u8]) -> Result<(), Why> {
    if crc32fast::hash(bytes) == entry.crc { Ok(()) } else { Err(Why::broken("its checksum is wrong")) }
}

/// A decoder that can tell whether it used all it was given.
enum Used<'b> {
    Deflate(Box<DeflateDecoder<&'b [u8]>>),
    Pieces(Pieces<'b>),
}

impl<'b> Used<'b> {
    fn new(method: u16, content: &'b [u8], window: u64) -> Self {
        let format = match method {
            BZIP2 => Format::Bzip2,
            ZSTD => Format::Zstd,
            XZ => Format::Xz,
            _ => return Self::Deflate(Box::new(DeflateDecoder::new(content))),
        };
        Self::Pieces(Pieces::new(format, content, window))
    }

    fn left_over(&self) -> bool {
        match self {
            Self::Deflate(decoder) => !decoder.get_ref().is_empty(),
            // These refuse what follows their end themselves.
            Self::Pieces(_) => false,
        }
    }
}

impl Read for Used<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Deflate(decoder) => decoder.read(buffer),
            Self::Pieces(pieces) => pieces.read(buffer),
        }
    }
}

struct Counted<'r, R> {
    inner: &'r mut R,
    size: &'r mut u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        *self.size += read as u64;
        Ok(read)
    }
}
