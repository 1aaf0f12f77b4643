//! Archives that begin within a file: unpackers skip a self-extracting program in front of an archive, and do not
//! check that it is a program.

use crate::{Format, ZipMember, is_tar_header, is_zip_member_header, opaque};
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
    // 7-Zip opens these wherever they begin.
    if find(b"\x1f\x8b\x08", is_gzip) {
        return Some(("application/gzip", "gzip"));
    }
    if find(b"\x31\x41\x59\x26\x53\x59", |_| true)
        && find(b"BZh", |bytes| Format::of_stream(bytes) == Some(Format::Bzip2))
    {
        return Some(("application/x-bzip2", "bzip2"));
    }
    if find(b"\xfd7zXZ\0", is_xz) {
        return Some(("application/x-xz", "xz"));
    }
    if find(b"\x28\xb5\x2f\xfd", is_zstd) {
        return Some(("application/zstd", "Zstandard"));
    }
    let is_tar = |at: usize| at.checked_sub(TAR_SIGNATURE).is_some_and(|at| is_tar_header(&start[at..]));
    if memmem::find_iter(start, b"ustar").any(is_tar) {
        return Some(("application/x-tar", "tar"));
    }
    if find(b"0707", opaque::is_cpio) {
        return Some(("application/x-cpio", "cpio"));
    }
    if find(b"!<arch>\n", is_ar) {
        return Some(("application/x-archive", "ar"));
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

/// Where a tar header has its signature.
const TAR_SIGNATURE: usize = 257;

/// The end of the first member's header.
fn is_ar(bytes: &[u8]) -> bool {
    bytes.get(8 + 58..8 + 60) == Some(b"`\n")
}

/// Flags, and what a compressor says of itself: how hard it tried, and the system (RFC 1952, section 2.3.1).
pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    matches!(bytes.get(3..10), Some([0..=0x1f, _, _, _, _, 0 | 2 | 4, 0..=13 | 255]))
}

/// Its header has a checksum (xz-file-format, 2.1.1).
fn is_xz(bytes: &[u8]) -> bool {
    match (bytes.get(6..8), bytes.get(8..12).and_then(|sum| sum.first_chunk())) {
        (Some(flags), Some(sum)) => crc32fast::hash(flags) == u32::from_le_bytes(*sum),
        _ => false,
    }
}

/// A frame header, and the first block, which is no larger than blocks are (RFC 8878, sections 3.1.1.1 and 3.1.1.2).
fn is_zstd(bytes: &[u8]) -> bool {
    let Some(descriptor) = bytes.get(4) else { return false };
    let is_single = descriptor & 1 << 5 != 0;
    let size = match descriptor >> 6 {
        0 => usize::from(is_single),
        more => 1 << more,
    };
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let block = 5 + usize::from(!is_single) + dictionary + size;
    let Some([a, b, c]) = bytes.get(block..block + 3) else { return false };
    let header = u32::from_le_bytes([*a, *b, *c, 0]);
    descriptor & 1 << 3 == 0 && header >> 1 & 3 != 3 && header >> 3 <= 128 << 10
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

    fn tar() -> Vec<u8> {
        let mut header = tar::Header::new_ustar();
        header.set_path("a").unwrap();
        header.set_size(0);
        header.set_cksum();
        header.as_bytes().to_vec()
    }

    #[test]
    fn a_signature_is_an_archive_with_what_belongs_behind_it() {
        let junk = |archive: &[u8]| [&b"\x81\x82"[..], archive, &[0x83; 99]].concat();
        let cab = b"MSCF\0\0\0\0\x9a\0\0\0\0\0\0\0\x2c\0\0\0\0\0\0\0\x03\x01\x01\0\x01\0\0\0\x01\0\0\0";
        for (expected, bytes) in [
            ("RAR", junk(b"Rar!\x1a\x07\0\xcf\x90\x73\0\0\x0d\0\0\0\0\0\0\0")),
            ("RAR", junk(b"Rar!\x1a\x07\x01\0\x33\x92\xb5\xe5\x0a\x01\x05\x06")),
            ("RAR", junk(b"Rar!\x1a\x07\x01\0\x33\x92\xb5\xe5\x8a\x01\x01\x05\x06")),
            ("tar", junk(&tar())),
            ("cpio", junk(&[&b"070701"[..], &[b'0'; 104], b"a\0"].concat())),
            ("ar", junk(&[&b"!<arch>\na/"[..], &[b' '; 56], b"`\n"].concat())),
            ("gzip", junk(b"\x1f\x8b\x08\0\x01\x02\x03\x04\0\x03")),
            ("bzip2", junk(b"BZh91AY&SY")),
            ("xz", junk(b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46")),
            ("Zstandard", junk(b"\x28\xb5\x2f\xfd\x24\x05\x29\0\0hello")),
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
            b"\x1f\x8b\x08 is how it begins",
            b"BZhello",
            b"ustar is in its header",
            b"070701 is how it begins, and more behind it than a header has, which is a hundred and ten bytes long",
            b"!<arch>\n is its first line",
            b"\xfd7zXZ\0",
            b"\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"",
        ] {
            assert_eq!(name(&junk(other)), None, "{other:?}");
        }
        // What starts as one is known by its signature.
        assert_eq!(name(cab), None);
    }
}
