//! ZIP files that say two things, or what no honest archive says.

use super::{
    LIMITS, walked, walked_as,
    zip_writer::{Entry, archive, deflated, stored},
};
use airlock_formats::{Exceeded, Format, Kind, NameFault, Why};

#[track_caller]
fn assert_refused(entries: &[Entry], is_it: impl Fn(&Why) -> bool) {
    let seen = walked("a.zip", &archive(entries));
    assert!(is_it(seen.only_refusal()), "{:?}", seen.reasons());
}

#[test]
fn members_of_archives_in_archives_have_paths() {
    let inner = archive(&[stored("evil.txt", b"x"), deflated("b/c.txt", &b"y".repeat(3_000_000))]);
    let outer = archive(&[stored("docs/", b""), deflated("docs/a.bin", &inner), stored("z", b"")]);
    let seen = walked("a.zip", &outer);
    assert!(seen.refusals.is_empty(), "{:?}", seen.reasons());
    assert_eq!(seen.paths(), ["docs/a.bin", "docs/a.bin/evil.txt", "docs/a.bin/b/c.txt", "z"]);
    assert_eq!(seen.members[2].1, b"y".repeat(3_000_000));
    assert_eq!(seen.spent, inner.len() as u64 + 1 + 3_000_000);
}

#[test]
fn large_members_lie_behind_each_other_in_the_scratch_file() {
    let [one, two, three] = [b'1', b'2', b'3'].map(|byte| vec![byte; (1 << 20) + 77]);
    let inner = archive(&[stored("one", &one), deflated("two", &two)]);
    let outer = archive(&[deflated("a.zip", &inner), deflated("three", &three), deflated("b.zip", &inner)]);
    let seen = walked("a.zip", &outer);
    assert!(seen.refusals.is_empty(), "{:?}", seen.reasons());
    let contents: Vec<&[u8]> = seen.members.iter().map(|(_, content)| content.as_slice()).collect();
    let all: [&[u8]; 7] = [&inner, &one, &two, &three, &inner, &one, &two];
    assert!(contents == all, "{:?}", seen.paths());
}

#[test]
fn names_that_lead_elsewhere_are_refused_and_the_rest_is_looked_at() {
    for (name, fault) in [
        ("../a", NameFault::Parent),
        ("a\\..\\..\\b", NameFault::Parent),
        ("/etc/passwd", NameFault::Absolute),
        ("C:/a", NameFault::Drive),
        ("", NameFault::Empty),
        ("a\0b", NameFault::Control),
    ] {
        let seen = walked("a.zip", &archive(&[stored(name, b"x"), stored("good.txt", b"y")]));
        assert!(
            matches!(seen.only_refusal(), Why::Name(found) if *found == fault),
            "{name:?}: {:?}",
            seen.reasons()
        );
        assert_eq!(seen.refusals[0].why.kind(), Kind::Structure);
        assert_eq!(seen.paths(), ["good.txt"]);
    }
}

/// The extra field that has `path` for the member called `name`.
fn unicode_path(name: &str, path: &str) -> Vec<u8> {
    let length = u16::try_from(path.len() + 5).unwrap().to_le_bytes();
    let sum = crc32fast::hash(name.as_bytes()).to_le_bytes();
    [b"up", &length[..], &[1], &sum, path.as_bytes()].concat()
}

#[test]
fn a_name_in_unicode_is_the_same_in_the_directory_and_in_front_of_the_member() {
    let extra = unicode_path("gr.txt", "größe.txt");
    let other = unicode_path("gr.txt", "evil.hta");
    let entry = |flags, extra: &[u8], extra_inside: &[u8]| Entry {
        flags,
        extra: extra.to_vec(),
        extra_inside: extra_inside.to_vec(),
        ..stored("gr.txt", b"x")
    };
    for honest in [entry(0, &extra, &extra), entry(0, &extra, b""), entry(1 << 11, b"", b"")] {
        let seen = walked("a.zip", &archive(&[honest]));
        assert_eq!(seen.reasons(), Vec::<String>::new());
    }
    for two in [
        entry(0, b"", &other),
        entry(0, &extra, &other),
        entry(1 << 11, b"", &other),
        entry(1 << 11, &other, &other),
        entry(1 << 11, &other, b""),
    ] {
        let inner = archive(&[two]);
        assert!(matches!(walked("a.zip", &inner).only_refusal(), Why::Disagreement(_)));
        let seen = walked("b.zip", &archive(&[stored("a.zip", &inner)]));
        assert!(matches!(seen.only_refusal(), Why::Disagreement(_)), "{:?}", seen.reasons());
    }
    // What does not read the field reads the name that it replaces.
    let hidden = Entry { extra: unicode_path("../a", "a"), ..stored("../a", b"x") };
    assert_refused(&[hidden], |why| matches!(why, Why::Name(NameFault::Parent)));
}

#[test]
fn a_unicode_path_counts_as_the_name() {
    let mut extra = [0x75_u8, 0x70, 10, 0, 1].to_vec();
    extra.extend_from_slice(&crc32fast::hash(b"good").to_le_bytes());
    extra.extend_from_slice(b"../x!");
    assert_refused(&[Entry { extra, ..stored("good", b"x") }], |why| {
        matches!(why, Why::Name(NameFault::Parent))
    });
}

#[test]
fn one_name_is_one_member() {
    assert_refused(&[stored("a/b", b"1"), stored("a/b", b"2")], |why| matches!(why, Why::Duplicate));
    assert_refused(&[stored("a/b", b"1"), stored("./a//b", b"2")], |why| matches!(why, Why::Duplicate));
    assert_refused(&[stored("a/b", b"1"), stored("a\\b", b"2")], |why| matches!(why, Why::Duplicate));
    assert_refused(&[stored("a", b"1"), stored("a/", b"")], |why| matches!(why, Why::Duplicate));
    // Honest archives have these: both are looked at.
    let seen = walked("a.zip", &archive(&[stored("a", b"1"), stored("A", b"2")]));
    assert_eq!((seen.paths(), seen.refusals.len()), (vec!["a", "A"], 0));
}

#[test]
fn header_and_directory_must_agree() {
    let good = stored("a.txt", b"hello");
    let is_disagreement = |why: &Why| matches!(why, Why::Disagreement(_));
    assert_refused(&[Entry { name_inside: b"b.txt".into(), ..good.clone() }], is_disagreement);
    assert_refused(&[Entry { size_inside: 4, ..good.clone() }], is_disagreement);
    assert_refused(&[Entry { method_inside: 8, ..good.clone() }], is_disagreement);
    assert_refused(&[Entry { size: 4, size_inside: 4, ..good.clone() }], is_disagreement);
    assert_refused(
        &[Entry { size: 2_000, size_inside: 2_000, ..deflated("a", &[7; 3_000]) }],
        is_disagreement,
    );
    assert_refused(&[Entry { size: 4_000, size_inside: 4_000, ..deflated("a", &[7; 3_000]) }], |why| {
        matches!(why, Why::Broken(_))
    });
}

#[test]
fn every_byte_belongs_to_one_member() {
    let (one, two) = (stored("a", b"hello"), stored("b", b"world"));
    // Two directory entries for one header.
    assert_refused(&[one.clone(), Entry { header: Some(0), ..two.clone() }], |why| {
        matches!(why, Why::Overlap)
    });
    // A header inside the content of another.
    let inner = archive(&[stored("b", b"inner")]);
    let inside = Entry { header: Some(31), ..stored("b", b"inner") };
    assert_refused(&[stored("a", &inner), inside], |why| matches!(why, Why::Overlap));
    // A member that only a program sees that reads from the start.
    let mut bytes = archive(&[one.clone(), two.clone()]);
    let only_second = archive(&[two]);
    let directory = only_second.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    let start = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    bytes.truncate(start);
    let second = u32::try_from(start - (31 + 5)).unwrap();
    bytes.extend_from_slice(&only_second[directory..]);
    let (entry, end) = (start + 42, bytes.len() - 6);
    bytes[entry..entry + 4].copy_from_slice(&second.to_le_bytes());
    bytes[end..end + 4].copy_from_slice(&u32::try_from(start).unwrap().to_le_bytes());
    assert!(matches!(walked("a.zip", &bytes).only_refusal(), Why::Hidden(_)));
    // In front, behind the compressed data, behind the end.
    let in_front = [b"MZ".to_vec(), archive(&[one])].concat();
    assert_eq!(walked_as(Format::Zip, "a", &in_front, LIMITS).only_refusal().kind(), Kind::Structure);
    let mut padded = deflated("a", b"hello hello hello");
    padded.content.extend_from_slice(b"hidden");
    assert_refused(&[padded], |why| matches!(why, Why::Hidden(_)));
}

#[test]
fn entries_outside_the_file_and_bad_counts_are_refused() {
    assert_refused(&[Entry { header: Some(u32::MAX - 1), ..stored("a", b"x") }], |why| {
        matches!(why, Why::Hidden(_) | Why::Broken(_))
    });
    for count in [0_u8, 2] {
        let mut bytes = archive(&[stored("a", b"x")]);
        let end = bytes.len() - 22;
        (bytes[end + 8], bytes[end + 10]) = (count, count);
        assert!(matches!(walked("a.zip", &bytes).only_refusal(), Why::Disagreement(_)));
    }
}

#[test]
fn what_fails_its_checksum_is_shown_and_refused() {
    for entry in [stored("a", b"hello"), deflated("a", &[7; 3_000])] {
        let seen = walked("a.zip", &archive(&[Entry { crc: 1, ..entry }]));
        assert_eq!(seen.paths(), ["a"]);
        assert!(matches!(seen.only_refusal(), Why::Broken(_)));
    }
    assert_refused(&[Entry { content: b"\xff\xff\xff".to_vec(), ..deflated("a", b"hello") }], |why| {
        matches!(why, Why::Broken(_))
    });
}

#[test]
fn encrypted_and_unknown_methods_cannot_be_scanned() {
    assert_refused(&[Entry { flags: 1, ..stored("a", b"x") }], |why| matches!(why, Why::Encrypted));
    let unknown = Entry { method: 97, method_inside: 97, ..stored("a", b"x") };
    assert_refused(&[unknown], |why| matches!(why, Why::Unsupported(_)));
}

#[test]
fn links_are_refused_whatever_the_system_is_called() {
    assert_refused(&[Entry { attributes: 0o120_777 << 16, ..stored("a", b"/etc/passwd") }], |why| {
        matches!(why, Why::NotAFile(_))
    });
    assert_refused(&[Entry { attributes: 0o020_777 << 16, ..stored("a", b"") }], |why| {
        matches!(why, Why::NotAFile(_))
    });
}

#[test]
fn limits_are_checked_before_anything_is_unpacked() {
    // These say that they are large; there is nothing in them that could be unpacked.
    let large = Entry { size: 20 << 20, size_inside: 20 << 20, ..deflated("a", b"x") };
    assert_refused(std::slice::from_ref(&large), |why| matches!(why, Why::Limit(Exceeded::Ratio(_))));
    let generous = super::Limits { floor_bytes: 64 << 20, ..LIMITS };
    let seen = walked_as(Format::Zip, "a", &archive(&[large]), generous);
    assert!(matches!(seen.only_refusal(), Why::Limit(Exceeded::MemberBytes(_))));
    let many: Vec<Entry> = (0..1_001).map(|index| stored(&index.to_string(), b"")).collect();
    assert_refused(&many, |why| matches!(why, Why::Limit(Exceeded::Members(1_000))));
    assert_refused(&[stored(&"a/".repeat(129), b"")], |why| {
        matches!(why, Why::Limit(Exceeded::PathBytes(256)))
    });
}

#[test]
fn nesting_ends() {
    let mut bytes = archive(&[stored("a.txt", b"x")]);
    for _ in 0..3 {
        bytes = archive(&[stored("a.zip", &bytes)]);
    }
    assert!(walked("a.zip", &bytes).refusals.is_empty());
    let seen = walked("a.zip", &archive(&[stored("a.zip", &bytes)]));
    assert!(matches!(seen.only_refusal(), Why::Limit(Exceeded::Depth(4))));
    assert_eq!(seen.refusals[0].path, "a.zip/a.zip/a.zip/a.zip");
}
