//! tar files that say two things, or what no honest archive says.

use super::walked;
use airlock_formats::{NameFault, Why};
use tar::{Builder, EntryType, Header};

fn header(name: &str, kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.as_ustar_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

fn archive(entries: &[(Header, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (header, content) in entries {
        builder.append(header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn file(name: &str, content: &'static [u8]) -> (Header, &'static [u8]) {
    (header(name, EntryType::Regular, content.len() as u64), content)
}

#[track_caller]
fn assert_refused(entries: &[(Header, &[u8])], is_it: impl Fn(&Why) -> bool) {
    let seen = walked("a.tar", &archive(entries));
    assert!(is_it(seen.only_refusal()), "{:?}", seen.reasons());
}

#[test]
fn names_are_those_that_programs_use() {
    let long = "long/".repeat(30) + "name.txt";
    let record = format!("{} path={long}\n", long.len() + 10);
    let pax = (header("x", EntryType::XHeader, record.len() as u64), record.as_bytes());
    let seen = walked("a.tar", &archive(&[pax, file("short", b"1"), file("other", b"2")]));
    assert_eq!((seen.paths(), seen.refusals.len()), (vec![long.as_str(), "other"], 0));
    let gnu = (header("L", EntryType::GNULongName, long.len() as u64), long.as_bytes());
    let seen = walked("a.tar", &archive(&[gnu.clone(), file("short", b"1")]));
    assert_eq!((seen.paths(), seen.refusals.len()), (vec![long.as_str()], 0));
    assert_refused(&[gnu.clone(), gnu, file("short", b"1")], |why| matches!(why, Why::Disagreement(_)));
    let evil = b"15 path=../abc\n";
    let evil = (header("x", EntryType::XHeader, 15), &evil[..]);
    assert_refused(&[evil, file("short", b"1")], |why| matches!(why, Why::Name(NameFault::Parent)));
}

#[test]
fn names_that_lead_elsewhere_are_refused_and_the_rest_is_looked_at() {
    for (name, fault) in
        [("../a", NameFault::Parent), ("/a", NameFault::Absolute), ("c:\\a", NameFault::Drive)]
    {
        let seen = walked("a.tar", &archive(&[file(name, b"x"), file("good", b"y")]));
        assert!(matches!(seen.only_refusal(), Why::Name(found) if *found == fault), "{:?}", seen.reasons());
        assert_eq!(seen.paths(), ["good"]);
    }
}

#[test]
fn headers_must_agree() {
    let size = (header("x", EntryType::XHeader, 12), &b"12 size=999\n"[..]);
    assert_refused(&[size, file("a", b"1")], |why| matches!(why, Why::Disagreement(_)));
    let global = (header("g", EntryType::XGlobalHeader, 9), &b"9 path=a\n"[..]);
    assert_refused(&[global, file("b", b"1")], |why| matches!(why, Why::Disagreement(_)));
    let comment = (header("g", EntryType::XGlobalHeader, 13), &b"13 comment=x\n"[..]);
    assert!(walked("a.tar", &archive(&[comment, file("b", b"1")])).refusals.is_empty());
    let folder = (header("a/", EntryType::Directory, 3), &b"abc"[..]);
    assert_refused(&[folder], |why| matches!(why, Why::Disagreement(_)));
    assert_refused(&[file("a", b"1"), file("a", b"2")], |why| matches!(why, Why::Duplicate));
}

#[test]
fn a_path_in_front_of_the_name_is_read_by_all_programs_or_refused() {
    let with = |magic: &[u8; 8], prefix: &[u8]| {
        let (mut header, content) = file("x.txt", b"1");
        header.as_mut_bytes()[257..265].copy_from_slice(magic);
        header.as_mut_bytes()[345..345 + prefix.len()].copy_from_slice(prefix);
        header.set_cksum();
        walked("a.tar", &archive(&[(header, content)]))
    };
    for magic in [b"\0\0\0\0\0\0\0\0", b"ustar\x0011", b"ustar  \0"] {
        for prefix in [&b"../../up"[..], b"evil.hta"] {
            let seen = with(magic, prefix);
            assert!(matches!(seen.only_refusal(), Why::Disagreement(_)), "{:?}", seen.reasons());
        }
    }
    let seen = with(b"ustar\x0000", b"../../up");
    assert!(matches!(seen.only_refusal(), Why::Name(NameFault::Parent)), "{:?}", seen.reasons());
    assert_eq!(with(b"ustar\x0000", b"up").paths(), ["up/x.txt"]);
    assert_eq!(with(b"ustar  \0", b"14000000000\x0014000000000").paths(), ["x.txt"]);
}

#[test]
fn kinds_that_nobody_knows_cannot_be_scanned() {
    for kind in [b'M', b'V', b'D', b'Z'] {
        assert_refused(&[(header("a", EntryType::new(kind), 0), b"")], |why| {
            matches!(why, Why::Unsupported(_))
        });
    }
}

#[test]
fn sizes_and_checksums_that_are_wrong_are_found() {
    let mut bytes = archive(&[file("a", b"1")]);
    bytes.splice(..512, *header("a", EntryType::Regular, 1 << 40).as_bytes());
    assert!(matches!(walked("a.tar", &bytes).only_refusal(), Why::Broken(_)));
    let mut bytes = archive(&[file("a", b"1"), file("b", b"1")]);
    bytes[1024] = b'c';
    assert!(matches!(walked("a.tar", &bytes).only_refusal(), Why::Broken(_)));
}

#[test]
fn nothing_but_zeros_follows_the_end() {
    let one = archive(&[file("a", b"1")]);
    assert!(walked("a.tar", &[one.clone(), vec![0; 10_240]].concat()).refusals.is_empty());
    let two = [one.clone(), archive(&[file("b", b"2")])].concat();
    assert!(matches!(walked("a.tar", &two).only_refusal(), Why::Hidden(_)));
    assert!(matches!(walked("a.tar", &one[..1023]).only_refusal(), Why::Broken(_)));
    // Streaming writers leave the empty blocks out, and transfers add a line end.
    for honest in [one[..1024].to_vec(), [one.clone(), b"\r\n".to_vec()].concat()] {
        assert_eq!(walked("a.tar", &honest).reasons(), Vec::<String>::new());
    }
}

fn link(name: &str, kind: EntryType, target: &str) -> (Header, &'static [u8]) {
    let mut header = header(name, kind, 0);
    header.set_link_name_literal(target).unwrap();
    header.set_cksum();
    (header, b"")
}

#[test]
fn links_stay_within_the_archive_and_nothing_lies_behind_them() {
    let (hard, symbolic) = (EntryType::Link, EntryType::Symlink);
    let seen = walked(
        "a.tar",
        &archive(&[file("d/a", b"1"), link("d/b", symbolic, "../d/a"), link("c", hard, "d/a")]),
    );
    assert_eq!((seen.reasons(), seen.paths()), (Vec::<String>::new(), vec!["d/a", "d/b", "c"]));
    assert_eq!(
        seen.facts,
        "archive.link kind=\"symbolic\" name=\"d/b\" target=\"../d/a\"\n\
         archive.link kind=\"hard\" name=\"c\" target=\"d/a\"\n"
    );
    for out in [link("d/b", symbolic, "../../x"), link("b", symbolic, "/etc/passwd"), link("b", hard, "d/x")]
    {
        assert_refused(&[file("d/a", b"1"), out], |why| matches!(why, Why::NotAFile(_)));
    }
    // `s` is the folder above, so `s/z` would lead out.
    for behind in [file("p/s/x", b"1"), file("P/S/x", b"1"), link("p/s/z", symbolic, "..")] {
        assert_refused(&[link("p/s", symbolic, ".."), behind], |why| matches!(why, Why::Disagreement(_)));
    }
    let mut long = link("a", symbolic, "b");
    long.0.set_size(4);
    long.0.set_cksum();
    assert_refused(&[(long.0, b"1234")], |why| matches!(why, Why::Disagreement(_)));
}

#[test]
fn sizes_that_programs_read_differently_are_refused() {
    for size in [
        &b"+10        \0"[..],
        b"\0 0000000001",
        b"0o1        \0",
        b"1 2         ",
        b"\x80\0\0\x01\0\0\0\0\0\0\0\x01",
    ] {
        let (mut header, content) = file("a", b"1");
        header.as_mut_bytes()[124..136].copy_from_slice(size);
        header.set_cksum();
        assert_refused(&[(header, content)], |why| matches!(why, Why::Broken(_)));
    }
}
