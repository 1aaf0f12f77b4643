//! Anything at all: no input makes the walk panic, spend more than it may, or show more than it spent.

use super::{LIMITS, Limits, walked_as, zip_writer};
use airlock_formats::Format;
use proptest::prelude::*;
use std::{fs, path::Path};

const FORMATS: [Format; 9] = [
    Format::Zip,
    Format::Tar,
    Format::Gzip,
    Format::Bzip2,
    Format::Xz,
    Format::Zstd,
    Format::SevenZip,
    Format::Ole,
    Format::Xml,
];

/// Small, so that mutated sizes reach it.
const TIGHT: Limits = Limits {
    members: 20,
    member_bytes: 100_000,
    total_bytes: 200_000,
    multiple: 0,
    window_bytes: 1 << 20,
    pixels: 1 << 20,
    frames: 100,
    ..LIMITS
};

fn check(format: Format, bytes: &[u8]) -> Result<(), TestCaseError> {
    let seen = walked_as(format, "a", bytes, TIGHT);
    let shown: u64 = seen.members.iter().map(|(_, content)| content.len() as u64).sum();
    prop_assert!(shown <= seen.spent && seen.spent <= TIGHT.total_bytes);
    prop_assert!(seen.members.len() as u64 <= TIGHT.members);
    prop_assert!(seen.reasons().iter().all(|reason| reason.chars().count() < 600), "{:?}", seen.reasons());
    Ok(())
}

fn samples() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/archives");
    let mut samples: Vec<Vec<u8>> =
        fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    let inner = zip_writer::archive(&[zip_writer::deflated("a", &[7; 5_000]), zip_writer::stored("b", b"x")]);
    samples
        .push(zip_writer::archive(&[zip_writer::deflated("c.zip", &inner), zip_writer::stored("d/", b"")]));
    // More than may be: in one, and in all.
    samples.push(gzip_of(&[7; 300_000]));
    let large = ["a", "b", "c"].map(|name| zip_writer::deflated(name, &[7; 90_000]));
    samples.push(zip_writer::archive(&large));
    samples.push(compound());
    samples.push(
        b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY % p '<!ENTITY b \"&c;\">'> %p; <!ENTITY c 'd'><!ATTLIST a e CDATA 'f'>]>\
          <a xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'>&b;<w:instrText>DDE a \"b\"</w:instrText></a>"
            .to_vec(),
    );
    samples
}

/// With a package, a project of macros and a ZIP in a stream.
fn compound() -> Vec<u8> {
    use std::io::{Cursor, Write};
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    file.create_storage("/VBA").unwrap();
    let dir = b"\x01\x13\x30\x32\0\x02\0\0\0A\0\x31\0\x04\0\0\0\x01\0\0\0";
    let package = b"\x20\0\0\0\x02\0a\0b\0\0\0\x03\0\x02\0\0\0c\0\x01\0\0\0x";
    let zip = [&[7; 99][..], &zip_writer::archive(&[zip_writer::stored("b", b"x")])].concat();
    for (path, content) in [
        ("/VBA/dir", &dir[..]),
        ("/VBA/A", b"x\x01\x03\xb0\x02a\x45\0"),
        ("/\u{1}Ole10Native", package),
        ("/Workbook", &zip),
    ] {
        file.create_stream(path).unwrap().write_all(content).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

fn gzip_of(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..2_000), format in 0..FORMATS.len()) {
        check(FORMATS[format], &bytes)?;
    }

    #[test]
    fn changed_archives_are_an_answer(
        sample in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let samples = samples();
        let mut bytes = sample.get(&samples).clone();
        let format = Format::of(&bytes);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Some(format) = format {
            check(format, &bytes)?;
        }
    }
}
