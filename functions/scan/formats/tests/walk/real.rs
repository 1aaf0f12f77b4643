//! What real programs write.

use super::{LIMITS, walked, walked_as};
use airlock_formats::{Format, Kind, Special, Why};
use std::{fs, path::Path};

fn read(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/archives").join(name)).unwrap()
}

#[test]
fn archives_of_real_programs_are_walked() {
    let content = b"hello, archive\n".repeat(100);
    for (name, path) in [
        ("v7.tar.gz", "v7.tar/docs/hello.txt"),
        ("ustar.tar.gz", "ustar.tar/docs/hello.txt"),
        ("gnu.tar.gz", "gnu.tar/docs/hello.txt"),
        ("pax.tar.gz", "pax.tar/docs/hello.txt"),
        ("all.tar.xz", "all.tar/docs/hello.txt"),
        ("all.tar.zst", "all.tar/docs/hello.txt"),
        ("hello.txt.gz", "hello.txt"),
        ("hello.txt.xz", "hello.txt"),
        ("filters.txt.xz", "filters.txt"),
        ("hello.txt.zst", "hello.txt"),
        ("hello.txt.bz2", "hello.txt"),
        ("python.zip", "docs/hello.txt"),
        ("streamed.zip", "docs/hello.txt"),
        ("streamed-zip64.zip", "docs/hello.txt"),
        ("bzip2.zip", "docs/hello.txt"),
        ("xz.zip", "docs/hello.txt"),
        ("info-zip.zip", "docs/hello.txt"),
        ("bsdtar.zip", "docs/hello.txt"),
        ("7-zip.zip", "docs/hello.txt"),
        ("7-zip.7z", "docs/hello.txt"),
        ("bsdtar.7z", "docs/hello.txt"),
        ("python.7z", "docs/hello.txt"),
        ("bzip2.7z", "docs/hello.txt"),
        ("copy.7z", "docs/hello.txt"),
    ] {
        let seen = walked(name, &read(name));
        assert!(seen.refusals.is_empty(), "{name}: {:?}", seen.reasons());
        let (last_path, last) = seen.members.last().unwrap();
        assert_eq!(last_path, path, "{name}");
        assert_eq!(last, &content, "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_unscannable() {
    for (name, is_it) in [
        ("secret.zip", (|why| matches!(why, Why::Encrypted)) as fn(&Why) -> bool),
        ("aes.zip", |why| matches!(why, Why::Encrypted)),
        ("secret.7z", |why| matches!(why, Why::Encrypted)),
        ("secret-names.7z", |why| matches!(why, Why::Encrypted)),
        ("lzma.zip", |why| matches!(why, Why::Unsupported(_))),
        ("deflate64.zip", |why| matches!(why, Why::Unsupported(_))),
        ("ppmd.7z", |why| matches!(why, Why::Unsupported(_))),
        ("sparse-gnu.tar.gz", |why| matches!(why, Why::Unsupported(_))),
        ("sparse-pax.tar.gz", |why| matches!(why, Why::Unsupported(_))),
    ] {
        let seen = walked(name, &read(name));
        assert!(is_it(seen.only_refusal()), "{name}: {:?}", seen.reasons());
        assert_eq!(seen.refusals[0].why.kind(), Kind::Unscannable);
    }
}

#[test]
fn links_that_lead_out_and_devices_are_refused() {
    for (name, special) in [
        ("link.zip", Special::SymbolicLink),
        ("link.7z", Special::SymbolicLink),
        ("link-7-zip.7z", Special::SymbolicLink),
        ("link.tar.gz", Special::SymbolicLink),
        ("fifo.tar.gz", Special::Device),
    ] {
        let seen = walked(name, &read(name));
        assert!(
            matches!(seen.only_refusal(), Why::NotAFile(found) if *found == special),
            "{name}: {:?}",
            seen.reasons()
        );
        assert_eq!(seen.refusals[0].why.kind(), Kind::Structure);
        assert!(!seen.refusals[0].path.is_empty());
    }
}

#[test]
fn a_link_within_an_archive_is_a_fact() {
    let seen = walked("hardlink.tar.gz", &read("hardlink.tar.gz"));
    assert_eq!(seen.facts, "archive.link kind=\"hard\" name=\"b\" target=\"a\"\n");
    assert_eq!(seen.reasons(), Vec::<String>::new());
}

#[test]
fn archives_are_refused_wherever_they_are_cut_off() {
    for name in [
        "hello.txt.gz",
        "hello.txt.xz",
        "hello.txt.zst",
        "hello.txt.bz2",
        "python.zip",
        "7-zip.7z",
        "copy.7z",
    ] {
        let whole = read(name);
        let format = Format::of(&whole).unwrap();
        for length in 0..whole.len() {
            let seen = walked_as(format, name, &whole[..length], LIMITS);
            assert!(!seen.refusals.is_empty(), "{name} cut to {length} bytes");
        }
    }
}

#[test]
fn what_follows_an_archive_is_refused() {
    for name in ["hello.txt.gz", "hello.txt.xz", "hello.txt.zst", "hello.txt.bz2", "python.zip", "7-zip.7z"] {
        let seen = walked(name, &[read(name), b"more\xff".to_vec()].concat());
        assert!(matches!(seen.only_refusal(), Why::Hidden(_)), "{name}: {:?}", seen.reasons());
    }
}
