//! What is recognised and not walked is not clean, and what opens as something else as well is refused:
//! as the object and as a member at any depth.

use super::{
    declared_for, inspected,
    members::{assert_found, eicar, gzip, tar, zip, zipped},
    sample,
};
use airlock_content::verdict::Outcome;
use std::fs;

fn case(name: &str) -> Vec<u8> {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/cases/refuse").join(name);
    fs::read(path).unwrap()
}

/// What a checksum field holds, of the sums over unsigned and over signed bytes.
type Spelling = fn(i64, i64) -> Vec<u8>;

/// A tar with one member, whose checksum field is what `write` makes of its unsigned and signed sums.
fn tar_with_sum(name: &[u8], content: &[u8], write: impl Fn(i64, i64) -> Vec<u8>) -> Vec<u8> {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..108].copy_from_slice(b"0000644\0");
    block[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    block[156] = b'0';
    block[148..156].fill(b' ');
    let unsigned = block.iter().map(|byte| i64::from(*byte)).sum();
    let signed = block.iter().map(|byte| i64::from(byte.cast_signed())).sum();
    let field = write(unsigned, signed);
    block[148..148 + field.len()].copy_from_slice(&field);
    let padding = vec![0; content.len().next_multiple_of(512) - content.len() + 1024];
    [&block[..], content, &padding].concat()
}

#[test]
fn a_tar_to_any_program_is_walked_at_any_depth() {
    let inner = gzip(&eicar());
    let name = "größe.gz".as_bytes();
    let spellings: [(&str, Spelling); 11] = [
        ("unsigned", |sum, _| format!("{sum:06o}\0 ").into_bytes()),
        ("signed", |_, sum| format!("{sum:06o}\0 ").into_bytes()),
        ("begins with NUL", |sum, _| format!("\0{sum:06o}\0").into_bytes()),
        ("signed and begins with NUL", |_, sum| format!("\0{sum:06o} ").into_bytes()),
        ("begins with spaces", |sum, _| format!("  {sum:o}\0").into_bytes()),
        ("binary", |sum, _| [&[0x80], &sum.to_be_bytes()[1..]].concat()),
        ("has a prefix", |sum, _| format!("0o{sum:o}").into_bytes()),
        ("has an underscore", |sum, _| format!("{:o}_{:03o}\0", sum >> 9, sum & 511).into_bytes()),
        ("has a sign", |sum, _| format!("+{sum:o}\0").into_bytes()),
        ("has white space", |sum, _| format!("\x1c{sum:o}\0").into_bytes()),
        ("ends in something else", |sum, _| format!("{sum:o} x").into_bytes()),
    ];
    for (what, write) in spellings {
        let archive = tar_with_sum(name, &inner, write);
        for (declared, file_name, bytes) in [
            ("tar", "a.tar", archive.clone()),
            ("gz", "a.tgz", gzip(&archive)),
            ("zip", "a.zip", zip(&[("notes.txt", &archive)])),
            ("zip", "a.zip", zip(&[("b.zip", &zip(&[("c", &archive)]))])),
            ("tar", "b.tar", tar(&[("a.tar", &archive)])),
        ] {
            let found = inspected(declared_for(declared), file_name, &bytes);
            assert_eq!(found.outcome, Outcome::Malicious, "{what} in {file_name}: {found:?}");
            assert_eq!(found.matches[0].rule, "eicar_test_file");
        }
    }
    // A first member without a name is one to GNU tar and Python.
    let nameless = tar_with_sum(b"", &inner, |sum, _| format!("{sum:06o}\0 ").into_bytes());
    assert_eq!(zipped(&[("a.txt", &nameless)]).outcome, Outcome::Mismatch);
}

/// Things that nothing here looks into: what it is called, and the bytes.
fn opaque() -> Vec<(&'static str, Vec<u8>)> {
    let cpio = |magic: &[u8], header: &[u8]| [magic, header, b"a.txt\0", b"hello"].concat();
    let binary = |magic: [u8; 2], length: [u8; 2]| cpio(&magic, &[&[0; 18][..], &length, &[0; 4]].concat());
    let mut image = vec![7; 600];
    image[88..100].copy_from_slice(b"koly\0\0\0\x04\0\0\x02\0");
    vec![
        ("cpio", cpio(b"070707", &[b'0'; 70])),
        ("cpio", cpio(b"070701", &[b'0'; 104])),
        ("cpio", cpio(b"070702", &[b'0'; 104])),
        ("cpio", binary([0xc7, 0x71], [6, 0])),
        ("cpio", binary([0x71, 0xc7], [0, 6])),
        ("LZMA", [&[0x5d, 0, 0, 0x80, 0][..], &[0xff; 8], &[0, 0x20, 0x8b, 0x35, 0x1b, 0x77]].concat()),
        ("LZMA", [&[0x66, 0, 0, 0, 4][..], &68_u64.to_le_bytes(), &[0, 0x20, 0x8b, 0x35, 0x1b]].concat()),
        ("compress", b"\x1f\x9d\x90\x58\x6a\x40".to_vec()),
        ("RAR", b"Rar!\x1a\x07\x01\0 and so on".to_vec()),
        ("CAB", b"MSCF\0\0\0\0\x80\0\0\0".to_vec()),
        ("LZ4", b"\x04\x22\x4d\x18\x64\x40\xa7".to_vec()),
        ("lzip", b"LZIP\x01\x0c\0\x2c".to_vec()),
        ("LHA", b"\x19\x2e-lh5-\x40\0\0\0".to_vec()),
        ("XAR", b"xar!\0\x1c\0\x01".to_vec()),
        ("ACE", b"\x80\x22\x31\0\0\0\x10**ACE**\x14".to_vec()),
        ("ar", b"!<arch>\nmain.o/         ".to_vec()),
        ("Apple disk image", image),
        ("QCOW", b"QFI\xfb\0\0\0\x03".to_vec()),
        ("SquashFS", b"hsqs\x07\0\0\0".to_vec()),
        ("WIM", b"MSWIM\0\0\0\xd0\0".to_vec()),
        ("Snappy", b"\xff\x06\0\0sNaPpY\0".to_vec()),
        ("age", b"age-encryption.org/v1\n-> X25519 ".to_vec()),
        ("KeePass", b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5\x01\0\x04\0".to_vec()),
        ("KeePass", b"\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5\x03\0\0\0".to_vec()),
        ("PGP", b"Hash: x\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n".to_vec()),
        ("encrypted CMS", b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80".to_vec()),
        ("LUKS", b"LUKS\xba\xbe\0\x02".to_vec()),
    ]
}

#[test]
fn what_is_recognised_and_not_walked_is_not_clean() {
    for (format, bytes) in opaque() {
        let reason = |path: &str| format!("{path}: its format is {format}, which cannot be checked here");
        assert_found(
            &zipped(&[("a.txt", b"x"), ("docs/b.dat", &bytes)]),
            Outcome::Unscannable,
            &reason("docs/b.dat"),
        );
        let inner = zip(&[("c", &bytes)]);
        assert_found(&zipped(&[("b.zip", &inner)]), Outcome::Unscannable, &reason("b.zip/c"));
        let packed = gzip(&tar(&[("c.jpg", &bytes)]));
        let found = inspected("application/gzip", "a.tgz", &packed);
        assert_found(&found, Outcome::Unscannable, &reason("a.tar/c.jpg"));
        // One compressed file, and one compressed twice.
        let found = inspected("application/gzip", "d.gz", &gzip(&bytes));
        assert_found(&found, Outcome::Unscannable, &reason("d"));
        let found = inspected("application/gzip", "d.gz.gz", &gzip(&gzip(&bytes)));
        assert_found(&found, Outcome::Unscannable, &reason("d.gz/d"));
        // As the object it is no type that may be uploaded, whatever it is declared to be.
        let found = inspected("application/zip", "a.zip", &bytes);
        assert!([Outcome::Mismatch, Outcome::Unscannable].contains(&found.outcome), "{format}: {found:?}");
    }
    let packed = super::members::seven_zip(&[("b.dat", &opaque()[0].1)]);
    let found = inspected("application/x-7z-compressed", "a.7z", &packed);
    assert_found(&found, Outcome::Unscannable, "b.dat: its format is cpio, which cannot be checked here");
}

#[test]
fn what_is_encrypted_is_not_clean_as_an_object_or_a_member() {
    for (name, extension, reason) in [
        ("pdf-needs-a-password.pdf", "pdf", "it is encrypted"),
        ("odt-encrypted.odt", "odt", "its format is encrypted OpenDocument, which cannot be checked here"),
    ] {
        let found = inspected(declared_for(extension), name, &case(name));
        assert_found(&found, Outcome::Unscannable, reason);
        for member in [name, "a", "a.txt"] {
            let found = zipped(&[(member, &case(name))]);
            assert_eq!(found.outcome, Outcome::Unscannable, "{found:?}");
            let reason = format!("{member}: {reason}");
            assert!(found.reason.as_deref().unwrap().starts_with(&reason), "{found:?}");
        }
    }
    // As an object that may be text, or is declared to be.
    let letter = b"Dear all,\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n";
    for (name, bytes) in
        [("a.asc", &letter[..]), ("a.txt", letter), ("a.age", b"age-encryption.org/v1\n-> X25519 \n")]
    {
        let found = inspected("text/plain", name, bytes);
        assert_ne!(found.outcome, Outcome::Clean, "{found:?}");
    }
    assert_eq!(inspected("text/plain", "a.txt", letter).outcome, Outcome::Unscannable);
    // What readers repair does not hide it: a broken table, junk in front of the header, a cut end.
    let pdf = case("pdf-needs-a-password.pdf");
    for broken in
        [[&b"junk\n"[..], &pdf].concat(), pdf[..pdf.len() - 20].to_vec(), [&pdf[..], b"more"].concat()]
    {
        assert_eq!(zipped(&[("a.pdf", &broken)]).outcome, Outcome::Unscannable);
    }
    let page = b"A trailer is found behind %PDF-1.7 and may say /Encrypt 7 0 R.\n";
    assert_eq!(zipped(&[("notes.md", page)]).outcome, Outcome::Clean);
}

/// A ZIP with one member as programs find it behind anything: all numbers of its end record are left to
/// the zip64 records, or to be repaired.
fn repaired_zip() -> Vec<u8> {
    let pdf = case("pdf-that-is-a-zip64.pdf");
    let at = |signature: &[u8]| pdf.windows(4).position(|four| four == signature).unwrap();
    pdf[at(b"PK\x03\x04")..at(b"PK\x05\x06") + 22].to_vec()
}

/// The same ZIP with the records that are named alone.
fn with_end(end: &[u8]) -> Vec<u8> {
    let zip = repaired_zip();
    let at = zip.windows(4).position(|four| four == b"PK\x06\x06").unwrap();
    [&zip[..at], end].concat()
}

fn png_with(hidden: &[u8]) -> Vec<u8> {
    let png = sample("png");
    let chunk = [&b"prVt"[..], hidden].concat();
    let length = u32::try_from(hidden.len()).unwrap().to_be_bytes();
    let end = png.len() - 12;
    [&png[..end], &length, &chunk, &crc32fast::hash(&chunk).to_be_bytes(), &png[end..]].concat()
}

#[test]
fn whatever_the_records_of_a_zip_say_nothing_else_has_them_at_its_end() {
    let ends: [&[u8]; 6] = [
        &repaired_zip()[with_end(b"").len()..],
        b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0",
        b"PK\x05\x06\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff",
        b"PK\x05\x06\x07\0\x09\0\x01\0\x02\0\x12\x34\x56\x78\x9a\xbc\xde\xf0\x10\0comment",
        b"PK\x06\x07\0\0\0\0\xa4\0\0\0\0\0\0\0\x01\0\0\0",
        // A directory alone.
        b"",
    ];
    for end in ends {
        let hidden = with_end(end);
        let png = png_with(&hidden);
        let reason = "declared image/png, but it also opens as application/zip";
        assert_found(&inspected("image/png", "a.png", &png), Outcome::Mismatch, reason);
        let found = zipped(&[("a.png", &png)]);
        assert_eq!(found.outcome, Outcome::Mismatch, "{found:?}");
        // Further behind than where unpackers look for an archive from the start.
        let large = png_with(&[vec![7; 1 << 20], hidden.clone()].concat());
        assert_found(&inspected("image/png", "a.png", &large), Outcome::Mismatch, reason);
        for extension in ["jpg", "gif", "pdf", "mp3", "wav", "mp4", "webm"] {
            let behind = [sample(extension), hidden.clone()].concat();
            let found = zipped(&[("a.bin", &behind)]);
            assert_ne!(found.outcome, Outcome::Clean, "{extension}: {found:?}");
        }
    }
}

/// gzip with an extra field.
fn gzip_with_extra(extra: &[u8], content: &[u8]) -> Vec<u8> {
    let plain = gzip(content);
    let length = u16::try_from(extra.len()).unwrap().to_le_bytes();
    [&plain[..3], &[4], &plain[4..10], &length, extra, &plain[10..]].concat()
}

#[test]
fn an_archive_does_not_open_as_another_zip_than_those_in_it() {
    let also = "it also opens as application/zip";
    for extra in [repaired_zip(), zip(&[("a", &eicar())])] {
        let hidden = gzip_with_extra(&extra, b"hello");
        assert_found(&inspected("application/gzip", "a.gz", &hidden), Outcome::Mismatch, also);
        assert_found(&zipped(&[("a.gz", &hidden)]), Outcome::Mismatch, &format!("a.gz: {also}"));
        // A ZIP inside is no excuse for another.
        let hidden = gzip_with_extra(&extra, &zip(&[("b", b"b")]));
        assert_found(&inspected("application/gzip", "a.gz", &hidden), Outcome::Mismatch, also);
    }
    // In the bytes that fill up a tar's last block, behind a ZIP that is cut in two members.
    let hidden = zip(&[("a", &eicar())]);
    let at = hidden.windows(4).position(|four| four == b"PK\x05\x06").unwrap();
    let mut split = tar(&[("decoy.zip", &zip(&[("b", b"b")])), ("a.bin", &hidden[..at])]);
    let end = split.len() - 1024 - 22;
    split[end..end + 22].copy_from_slice(&hidden[at..]);
    let found = inspected("application/x-tar", "a.tar", &split);
    assert_found(&found, Outcome::Mismatch, also);
}

#[test]
fn honest_archives_hold_zips_at_their_ends() {
    let inner = zip(&[("a.txt", b"hello"), ("b.txt", b"world")]);
    let docx = sample("docx");
    for (what, declared, name, bytes) in [
        ("a ZIP last in a tar", "tar", "a.tar", tar(&[("b.txt", b"b"), ("a.zip", &inner)])),
        ("a document last in a tar", "tar", "a.tar", tar(&[("b.txt", b"b"), ("a.docx", &docx)])),
        (
            "two in a tar in a tar",
            "tar",
            "a.tar",
            tar(&[("b.tar", &tar(&[("a.docx", &docx), ("a.zip", &inner)]))]),
        ),
        ("a compressed ZIP", "gz", "a.zip.gz", gzip(&inner)),
        ("a ZIP stored in gzip", "gz", "a.zip.gz", stored_gzip(&inner)),
        ("a document stored in gzip", "gz", "a.docx.gz", stored_gzip(&docx)),
        (
            "a tar of ZIPs stored in gzip",
            "gz",
            "a.tgz",
            stored_gzip(&tar(&[("b.docx", &docx), ("a.zip", &inner)])),
        ),
        ("a ZIP in 7z", "7z", "a.7z", super::members::seven_zip(&[("a.zip", &inner), ("b.docx", &docx)])),
    ] {
        let found = inspected(declared_for(declared), name, &bytes);
        assert_eq!(found.outcome, Outcome::Clean, "{what}: {found:?}");
    }
}

fn stored_gzip(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn an_archive_behind_the_beginning_of_what_nobody_knows_is_not_clean() {
    let seven = super::members::seven_zip(&[("a", b"hello")]);
    let rar = b"Rar!\x1a\x07\0\xcf\x90\x73\0\0\x0d\0\0\0\0\0\0\0".to_vec();
    let far = [zip(&[("a", b"hello")]), vec![b'x'; 200_000]].concat();
    for (name, archive) in [("7z", seven), ("RAR", rar), ("ZIP", far.clone())] {
        let hidden = [&b"\x00junk\xff"[..], &archive].concat();
        let reason = format!("a.dat: its format is {name}, which cannot be checked here");
        assert_found(&zipped(&[("a.dat", &hidden)]), Outcome::Unscannable, &reason);
    }
    // In a picture it is a second type, however far the end is.
    let png = png_with(&far);
    let reason = "declared image/png, but it also opens as application/zip";
    assert_found(&inspected("image/png", "a.png", &png), Outcome::Mismatch, reason);
}

/// A cabinet with one file, as it is.
fn cab() -> Vec<u8> {
    let header = b"MSCF\0\0\0\0\x51\0\0\0\0\0\0\0\x2c\0\0\0\0\0\0\0\x03\x01\x01\0\x01\0\0\0\x01\0\0\0";
    let folder_and_file = b"\x44\0\0\0\x01\0\0\0\x05\0\0\0\0\0\0\0\0\0\x21\x50\0\0\x20\0a.gz\0";
    [&header[..], folder_and_file, b"\0\0\0\0\x05\0\x05\0hello"].concat()
}

#[test]
fn an_archive_is_found_as_far_as_any_program_looks_in_whatever_it_is() {
    let seven = super::members::seven_zip(&[("a", b"hello")]);
    for (name, archive) in [("7z", &seven), ("CAB", &cab())] {
        for junk in [vec![0x81; 700], vec![0x81; 4 << 20], vec![0x81; 8 << 20], b"a line\n".repeat(200_000)] {
            let found = zipped(&[("a.dat", &[&junk, &archive[..]].concat())]);
            let reason = format!("a.dat: its format is {name}, which cannot be checked here");
            assert_found(&found, Outcome::Unscannable, &reason);
        }
        for large in [vec![7; 1 << 10], vec![7; 3 << 20]] {
            let png = png_with(&[&large, &archive[..]].concat());
            assert_eq!(inspected("image/png", "a.png", &png).outcome, Outcome::Mismatch);
            let found = zipped(&[("a.png", &png)]);
            assert_eq!(found.outcome, Outcome::Mismatch, "{name}: {found:?}");
        }
        for extension in ["png", "jpg", "gif", "wav", "mp3", "flac", "ogg", "mp4", "webm", "webp"] {
            let behind = [sample(extension), archive.clone()].concat();
            let found = zipped(&[("a", &behind)]);
            // A rule may know it as well.
            let is_refused = [Outcome::Mismatch, Outcome::Malicious].contains(&found.outcome);
            assert!(is_refused, "{name} {extension}: {found:?}");
        }
    }
    // GNU tar skips what is no header.
    let inner = tar_with_sum(b"a.gz", &gzip(&eicar()), |sum, _| format!("{sum:06o}\0 ").into_bytes());
    for junk in [vec![0x81; 512], vec![0xff; 5 * 512], b"0123456\n".repeat(64)] {
        let found = zipped(&[("a.bin", &[junk, inner.clone()].concat())]);
        let reason = "a.bin: its format is tar, which cannot be checked here";
        assert_found(&found, Outcome::Unscannable, reason);
    }
}

#[test]
fn a_file_that_is_two_archives_is_refused() {
    // To a decoder of Zstandard the name of the only member is a frame that it skips.
    let content = gzip(&eicar());
    let frame = [&b"P\x2a\x4d\x18"[..], &10_240_u32.to_le_bytes()].concat();
    let mut both = tar_with_sum(&frame, &content, |sum, _| format!("{sum:06o}\0 ").into_bytes());
    both.resize(10_248, 0);
    assert_found(&zipped(&[("a.zst", &both)]), Outcome::Mismatch, "a.zst: it also opens as tar");
    let found = inspected("application/x-tar", "a.tar", &both);
    assert_eq!(found.outcome, Outcome::Mismatch, "{found:?}");
    // A tar with a disk image around it.
    let mut image = vec![b' '; 40_000];
    image[32_768 - 512..][..6].copy_from_slice(b"\x01CD001");
    let disk = tar(&[("notes.txt", &image)]);
    assert_found(
        &inspected("application/x-tar", "a.tar", &disk),
        Outcome::Mismatch,
        "it also opens as ISO 9660",
    );
}
