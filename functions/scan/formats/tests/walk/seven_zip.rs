//! 7z files: what their headers announce is checked before it is believed.

use super::{LIMITS, walked, walked_as};
use airlock_formats::{Exceeded, Format, NameFault, Why};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter};
use std::io::Cursor;

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    for (name, content) in entries {
        writer.push_archive_entry(ArchiveEntry::new_file(name), Some(*content)).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A file with that header at its end.
fn with_header(header: &[u8]) -> Vec<u8> {
    let mut start = Vec::new();
    start.extend_from_slice(&0_u64.to_le_bytes());
    start.extend_from_slice(&(header.len() as u64).to_le_bytes());
    start.extend_from_slice(&crc32fast::hash(header).to_le_bytes());
    let checksum = crc32fast::hash(&start).to_le_bytes();
    [b"7z\xbc\xaf\x27\x1c\0\x04", &checksum[..], &start, header].concat()
}

#[test]
fn members_are_shown_in_order() {
    let seen = walked("a.7z", &archive(&[("a/b.txt", b"one"), ("c", &[7; 2_000_000]), ("empty", b"")]));
    assert_eq!((seen.reasons(), seen.paths()), (vec![], vec!["a/b.txt", "c", "empty"]));
    assert_eq!(seen.members[1].1, [7; 2_000_000]);
}

#[test]
fn names_and_duplicates_are_refused_and_the_rest_is_looked_at() {
    let seen = walked("a.7z", &archive(&[("../a", b"one"), ("c", b"two")]));
    assert!(matches!(seen.only_refusal(), Why::Name(NameFault::Parent)), "{:?}", seen.reasons());
    assert_eq!(seen.paths(), ["c"]);
    let seen = walked("a.7z", &archive(&[("a", b"one"), ("a", b"two")]));
    assert!(matches!(seen.only_refusal(), Why::Duplicate), "{:?}", seen.reasons());
}

#[test]
fn limits_hold() {
    let seen = walked("a.7z", &archive(&[("a", &vec![0; 20 << 20])]));
    assert!(matches!(seen.only_refusal(), Why::Limit(Exceeded::Ratio(_))), "{:?}", seen.reasons());
    let names: Vec<String> = (0..1_001).map(|index| index.to_string()).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let seen = walked("a.7z", &archive(&many));
    assert!(matches!(seen.only_refusal(), Why::Limit(Exceeded::Members(_))), "{:?}", seen.reasons());
}

/// A compressed header: one packed stream of 1 byte, one folder with an LZMA coder of these
/// properties, and the size that it unpacks to.
fn encoded(dictionary: u32, size: u32) -> Vec<u8> {
    let mut header = vec![0x17, 6, 0, 1, 9, 1, 0, 7, 11, 1, 0, 1, 0x23, 3, 1, 1, 5, 93];
    header.extend_from_slice(&dictionary.to_le_bytes());
    header.extend_from_slice(&[12, 0xf0]);
    header.extend_from_slice(&size.to_le_bytes());
    header.extend_from_slice(&[0, 0]);
    with_header(&header)
}

#[test]
fn headers_are_measured_before_they_are_unpacked() {
    let is_window = |why: &Why| matches!(why, Why::Limit(Exceeded::WindowBytes(_)));
    for bytes in [encoded(1 << 20, u32::MAX), encoded(3 << 29, 1000), with_header(&vec![1; (1 << 20) + 1])] {
        let seen = walked("a.7z", &bytes);
        assert!(is_window(seen.only_refusal()), "{:?}", seen.reasons());
    }
    assert!(matches!(walked("a.7z", &encoded(1 << 20, 1000)).only_refusal(), Why::Broken(_)));
    // As many members as the header has bytes.
    let mut header = vec![1, 5, 0xe0, 0xff, 0xff, 0x0f];
    header.resize(1 << 20, 0);
    assert!(matches!(walked("a.7z", &with_header(&header)).only_refusal(), Why::Broken(_) | Why::Limit(_)));
}

#[test]
fn a_first_header_without_checksum_is_no_header() {
    let bytes = [&b"7z\xbc\xaf\x27\x1c\0\x04"[..], &[0; 24], &archive(&[("a", b"x")])[32..]].concat();
    assert!(matches!(walked_as(Format::SevenZip, "a", &bytes, LIMITS).only_refusal(), Why::Broken(_)));
}
