//! Compressed files of several pieces, and of pieces without end.

use super::{LIMITS, Limits, walked, walked_as};
use airlock_formats::{Exceeded, Format, NameFault, Why};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(content: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zstd(content: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(content, ruzstd::encoding::CompressionLevel::Fastest)
}

/// An empty xz file: header, an index of nothing, footer.
const EMPTY_XZ: &[u8] = b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4F\0\0\0\0\x1c\xdfD!\x1f\xb6\xf3}\x01\0\0\0\0\x04YZ";
const SKIPPABLE: &[u8] = b"\x50\x2a\x4d\x18\x01\0\0\0x";

#[test]
fn pieces_are_one_file() {
    let halves = [&b"one "[..], b"two"];
    for (name, bytes) in [
        ("a.txt.gz", halves.map(gzip).concat()),
        ("a.txt.bz2", halves.map(bzip2).concat()),
        ("a.txt.zst", [SKIPPABLE, &zstd(halves[0]), SKIPPABLE, &zstd(halves[1]), SKIPPABLE].concat()),
        ("a.txt.gz", [gzip(b"one two"), gzip(b""), vec![0; 512]].concat()),
    ] {
        let seen = walked(name, &bytes);
        assert_eq!(seen.reasons(), Vec::<String>::new());
        assert_eq!(seen.members, [("a.txt".to_owned(), b"one two".to_vec())]);
    }
    assert_eq!(walked("a.xz", &EMPTY_XZ.repeat(3)).members, [("a".to_owned(), vec![])]);
}

#[test]
fn pieces_without_end_are_refused() {
    for (name, piece) in [
        ("a.gz", gzip(b"")),
        ("a.bz2", bzip2(b"")),
        ("a.xz", EMPTY_XZ.to_vec()),
        ("a.zst", zstd(b"")),
        ("a.zst", SKIPPABLE.to_vec()),
    ] {
        let seen = walked(name, &piece.repeat(20_000));
        let is_it = matches!(seen.only_refusal(), Why::Limit(Exceeded::Pieces(_)));
        assert!(is_it, "{name}: {:?}", seen.reasons());
    }
}

#[test]
fn what_grows_too_large_is_stopped_while_it_grows() {
    let zeros = vec![0; 20 << 20];
    for (name, bytes) in [("a.gz", gzip(&zeros)), ("a.bz2", bzip2(&zeros)), ("a.zst", zstd(&zeros))] {
        let seen = walked(name, &bytes);
        assert!(
            matches!(seen.only_refusal(), Why::Limit(Exceeded::Ratio(_))),
            "{name}: {:?}",
            seen.reasons()
        );
        assert!(seen.members.is_empty());
        assert!(seen.spent <= LIMITS.floor_bytes + LIMITS.ratio * bytes.len() as u64);
        let generous = Limits { ratio: 10_000_000, ..LIMITS };
        let seen = walked_as(Format::of(&bytes).unwrap(), name, &bytes, generous);
        assert!(matches!(seen.only_refusal(), Why::Limit(Exceeded::MemberBytes(_))));
        let generous = Limits { ratio: 10_000_000, member_bytes: 1 << 30, total_bytes: 1 << 30, ..LIMITS };
        assert_eq!(walked_as(Format::of(&bytes).unwrap(), name, &bytes, generous).members[0].1, zeros);
    }
}

#[test]
fn text_may_compress_a_thousandfold() {
    let text = b"2026-01-01 GET / 200\n".repeat(200_000);
    let bytes = gzip(&text);
    assert!(bytes.len() * 200 < text.len());
    let seen = walked("log.gz", &bytes);
    assert_eq!((seen.refusals.len(), seen.members[0].1.len()), (0, text.len()));
}

#[test]
fn windows_are_refused_before_memory_is_taken() {
    // A frame header with a window of 2^41 bytes, and one with 64 MiB.
    for window in [0xf8, 0x80] {
        let seen = walked("a.zst", &[0x28, 0xb5, 0x2f, 0xfd, 0, window, 1, 0, 0]);
        assert!(
            matches!(seen.only_refusal(), Why::Limit(Exceeded::WindowBytes(_)) | Why::Broken(_)),
            "{:?}",
            seen.reasons()
        );
    }
    // A block header that wants a dictionary of 1.5 GiB (xz-file-format, 5.3.1: 37).
    let mut header = [2, 0, 0x21, 1, 37, 0, 0, 0].to_vec();
    header.extend_from_slice(&crc32fast::hash(&header).to_le_bytes());
    let bytes = [&EMPTY_XZ[..12], &header, &[0; 64]].concat();
    let seen = walked("a.xz", &bytes);
    assert!(matches!(seen.only_refusal(), Why::Limit(Exceeded::WindowBytes(_))), "{:?}", seen.reasons());
}

#[test]
fn checksums_are_compared() {
    for (name, bytes, at) in [("a.gz", gzip(b"hello"), 8), ("a.bz2", bzip2(b"hello"), 4)] {
        let mut broken = bytes.clone();
        let at = bytes.len() - at;
        broken[at] ^= 1;
        assert!(matches!(walked(name, &broken).only_refusal(), Why::Broken(_)), "{name}");
    }
}

#[test]
fn a_name_in_a_gzip_header_is_one_of_a_file_alone() {
    let with = |name: &str, extra: bool| {
        let mut builder = flate2::GzBuilder::new().filename(name);
        if extra {
            builder = builder.extra([7; 9]);
        }
        let mut encoder = builder.write(Vec::new(), Compression::best());
        encoder.write_all(b"hello").unwrap();
        walked("a.txt.gz", &encoder.finish().unwrap())
    };
    for extra in [false, true] {
        for name in ["other.txt", "a.txt", "größe.txt", ""] {
            let seen = with(name, extra);
            assert_eq!((seen.paths(), seen.reasons()), (vec!["a.txt"], vec![]), "{name}");
        }
        for (name, fault) in [
            ("../x.txt", NameFault::Parent),
            ("..", NameFault::Parent),
            ("/etc/passwd", NameFault::Absolute),
            ("\\\\server\\a", NameFault::Absolute),
            ("c:a.txt", NameFault::Drive),
            ("a\nb", NameFault::Control),
            ("a/b.txt", NameFault::Folder),
            ("a\\b.txt", NameFault::Folder),
        ] {
            let seen = with(name, extra);
            assert!(
                matches!(seen.only_refusal(), Why::Name(found) if *found == fault),
                "{:?}",
                seen.reasons()
            );
        }
    }
}
