//! Archives behind the beginning of a file: unpackers look for one behind a program that unpacks it,
//! and do not ask whether it is a program.

use airlock_unpack::{ZipMember, is_zip_member_header};
use memchr::memmem;

/// How far unpackers look: 1 MiB (`unrar`, `7z`).
pub(crate) const WITHIN: usize = 1 << 20;

/// The type and the name of the archive in `start`, the first [`WITHIN`] bytes of a file, beyond its
/// first byte. All that an unpacker asks for stands in it.
pub(crate) fn archive(start: &[u8]) -> Option<(&'static str, &'static str)> {
    let start = start.get(1..)?;
    let find = |signature: &[u8], is_it: fn(&[u8]) -> bool| {
        memmem::find_iter(start, signature).any(|at| is_it(&start[at..]))
    };
    if find(b"Rar!\x1a\x07", |bytes| matches!(bytes.get(6..), Some([0, ..] | [1, 0, ..]))) {
        return Some(("application/vnd.rar", "RAR"));
    }
    if find(b"7z\xbc\xaf\x27\x1c", is_seven_zip) {
        return Some(("application/x-7z-compressed", "7z"));
    }
    let mut member = ZipMember::default();
    if find(b"PK\x03\x04", is_zip_member_header) {
        member.look(start);
    }
    member.is_there().then_some(("application/zip", "ZIP"))
}

/// Its start header has a checksum.
fn is_seven_zip(bytes: &[u8]) -> bool {
    match (bytes.get(8..12).and_then(|sum| sum.first_chunk()), bytes.get(12..32)) {
        (Some(sum), Some(header)) => crc32fast::hash(header) == u32::from_le_bytes(*sum),
        _ => false,
    }
}
