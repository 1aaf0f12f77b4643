//! Archives that begin within a file: unpackers skip a self-extracting program in front of an archive, and do not
//! check that it is a program.

use crate::{ZipMember, is_zip_member_header};
use memchr::memmem;

/// How far unpackers look (`7z` 8 MiB, `unrar` 1 MiB), and the longest header that is asked for.
pub const WITHIN: usize = (8 << 20) + 64;

/// The type and the name of an archive that begins after the first byte of `start`, the first [`WITHIN`] bytes of a
/// file. Everything that an unpacker checks must fit: every program that unpacks contains the signature alone.
pub fn archive(start: &[u8]) -> Option<(&'static str, &'static str)> {
    let start = start.get(1..)?;
    let find = |signature: &[u8], is_it: fn(&[u8]) -> bool| {
        memmem::find_iter(start, signature).any(|at| is_it(&start[at..]))
    };
    if find(b"Rar!\x1a\x07", is_rar) {
        return Some(("application/vnd.rar", "RAR"));
    }
    if find(b"7z\xbc\xaf\x27\x1c", is_seven_zip) {
        return Some(("application/x-7z-compressed", "7z"));
    }
    if find(b"MSCF\0\0\0\0", is_cab) {
        return Some(("application/vnd.ms-cab-compressed", "CAB"));
    }
    let mut member = ZipMember::default();
    if find(b"PK\x03\x04", is_zip_member_header) {
        member.look(start);
    }
    member.is_there().then_some(("application/zip", "ZIP"))
}

/// The kind of the first block: up to version 4, and since version 5.
fn is_rar(bytes: &[u8]) -> bool {
    match bytes.get(6..) {
        Some([0, _, _, kind, ..]) => (0x72..=0x7b).contains(kind),
        Some([1, 0, _, _, _, _, size, rest @ ..]) => {
            // The size is written in seven bits at a time.
            let more = if size & 0x80 == 0 {
                0
            } else {
                rest.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1
            };
            rest.get(more).is_some_and(|kind| (1..=5).contains(kind))
        }
        _ => false,
    }
}

/// Its version is 1.3, reserved fields are zero, and there is a folder and a file.
fn is_cab(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.get(8..36) else { return false };
    let is_zero = |range: std::ops::Range<usize>| rest[range].iter().all(|byte| *byte == 0);
    is_zero(4..8)
        && is_zero(12..16)
        && rest[16..18] == [3, 1]
        && !is_zero(18..20)
        && !is_zero(20..22)
        && rest[22] < 8
}

/// Its start header has a checksum.
fn is_seven_zip(bytes: &[u8]) -> bool {
    match (bytes.get(8..12).and_then(|sum| sum.first_chunk()), bytes.get(12..32)) {
        (Some(sum), Some(header)) => crc32fast::hash(header) == u32::from_le_bytes(*sum),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(bytes: &[u8]) -> Option<&'static str> {
        archive(bytes).map(|(_, name)| name)
    }

    #[test]
    fn a_signature_is_an_archive_with_what_belongs_behind_it() {
        let junk = |archive: &[u8]| [&b"\x81\x82"[..], archive, &[0x83; 99]].concat();
        let cab = b"MSCF\0\0\0\0\x9a\0\0\0\0\0\0\0\x2c\0\0\0\0\0\0\0\x03\x01\x01\0\x01\0\0\0\x01\0\0\0";
        for (expected, bytes) in [
            ("RAR", junk(b"Rar!\x1a\x07\0\xcf\x90\x73\0\0\x0d\0\0\0\0\0\0\0")),
            ("RAR", junk(b"Rar!\x1a\x07\x01\0\x33\x92\xb5\xe5\x0a\x01\x05\x06")),
            ("RAR", junk(b"Rar!\x1a\x07\x01\0\x33\x92\xb5\xe5\x8a\x01\x01\x05\x06")),
            ("CAB", junk(cab)),
            ("CAB", [&vec![0x81; 8 << 20][..], cab].concat()),
        ] {
            assert_eq!(name(&bytes), Some(expected), "{:?}", &bytes[..9]);
        }
        for other in [
            &b"MSCF\0\0\0\0 is its signature"[..],
            b"Rar!\x1a\x07\0",
            b"Rar!\x1a\x07\x01\0",
            b"7z\xbc\xaf\x27\x1c",
            b"",
        ] {
            assert_eq!(name(&junk(other)), None, "{other:?}");
        }
        // What starts as one is known by its signature.
        assert_eq!(name(cab), None);
    }
}
