//! ZIP files and what is made of them: documents, programs, and files that are ZIP files too.

use super::{assert_mismatch, declared_for, inspected, sample, sample_of};
use airlock_content::{media_types::DEFAULT, verdict::Outcome};

use std::io::{Cursor, Read, Write};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const ODT: &str = "application/vnd.oasis.opendocument.text";

#[test]
fn c09_nothing_but_an_archive_opens_as_zip() {
    let archives = ["docx", "xlsx", "pptx", "odt", "ods", "odp", "zip", "gz", "tar", "7z"];
    for known in DEFAULT.iter().filter(|known| !archives.contains(&known.extensions[0])) {
        let both = [sample_of(known), sample("zip")].concat();
        let found = inspected(known.name, "file", &both);
        assert_eq!(found.outcome, Outcome::Mismatch, "{}: {found:?}", known.name);
    }
    for extension in ["mp3", "ogg", "flac", "webm"] {
        let both = [sample(extension), sample("zip")].concat();
        assert_mismatch(
            declared_for(extension),
            &both,
            declared_for(extension),
            "it also opens as application/zip",
        );
    }
    // Where a reader expects nothing: in a JPEG comment, with the directory in front of it.
    let (jpeg, zip) = (sample("jpg"), sample("zip"));
    let length = u16::try_from(zip.len() + 2).unwrap().to_be_bytes();
    let inside = [&jpeg[..2], &[0xff, 0xfe], &length, &zip, &jpeg[2..]].concat();
    assert_mismatch("image/jpeg", &inside, "image/jpeg", "it also opens as application/zip");
    let in_front = [b"GIF89a".to_vec(), zip].concat();
    assert_eq!(inspected("application/zip", "a.zip", &in_front).outcome, Outcome::Mismatch);
}

/// The archive with each member kept, changed or dropped, and with others added.
fn rezipped(
    archive: &[u8],
    change: impl Fn(&str, Vec<u8>) -> Option<Vec<u8>>,
    added: &[(&str, &[u8])],
) -> Vec<u8> {
    let mut source = ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut target = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..source.len() {
        let mut member = source.by_index(index).unwrap();
        let name = member.name().unwrap().into_owned();
        let mut content = Vec::new();
        member.read_to_end(&mut content).unwrap();
        if let Some(content) = change(&name, content) {
            target.start_file(name, SimpleFileOptions::default()).unwrap();
            target.write_all(&content).unwrap();
        }
    }
    for (name, content) in added {
        target.start_file(*name, SimpleFileOptions::default()).unwrap();
        target.write_all(content).unwrap();
    }
    target.finish().unwrap().into_inner()
}

fn keep(_: &str, content: Vec<u8>) -> Option<Vec<u8>> {
    Some(content)
}

#[test]
fn c09_a_document_with_macros_is_another_type() {
    let project = rezipped(&sample("xlsx"), keep, &[("xl/vbaProject.bin", b"x")]);
    let found = inspected(XLSX, "a.xlsx", &project);
    assert_eq!(found.outcome, Outcome::Malicious, "{found:?}");
    assert_eq!(found.detected_type.as_deref(), Some("application/vnd.ms-excel.sheet.macroenabled.12"));

    // The project under another name, the type spelled with a character reference.
    let typed = rezipped(
        &sample("xlsx"),
        |name, content| {
            let text = String::from_utf8(content).unwrap();
            let sly = text.replacen("<Override", "<Override PartName=\"/xl/a.bin\" ContentType=\"application/vnd.ms-office.vba&#80;roject\"/><Override", 1);
            Some(if name == "[Content_Types].xml" { sly } else { text }.into_bytes())
        },
        &[("xl/a.bin", b"x")],
    );
    assert_mismatch(XLSX, &typed, "application/vnd.ms-excel.sheet.macroenabled.12", "");

    let basic = rezipped(&sample("odt"), keep, &[("Basic/Standard/Module1.xml", b"<x/>")]);
    assert_mismatch(ODT, &basic, ODT, "it holds macros: member \"Basic/Standard/Module1.xml\"");
}

#[test]
fn c09_a_zip_is_what_its_directory_says() {
    let jar = rezipped(&sample("zip"), keep, &[("META-INF/MANIFEST.MF", b"Main-Class: A")]);
    assert_mismatch("application/zip", &jar, "application/java-archive", "");
    // A document's first member moved to the end is a document all the same.
    let list = std::cell::RefCell::new(Vec::new());
    let without = rezipped(
        &sample("docx"),
        |name, content| {
            let is_list = name == "[Content_Types].xml";
            if is_list {
                list.replace(content.clone());
            }
            (!is_list).then_some(content)
        },
        &[],
    );
    let moved = rezipped(&without, keep, &[("[Content_Types].xml", &list.borrow())]);
    assert_eq!(inspected(declared_for("docx"), "a.docx", &moved).outcome, Outcome::Clean);
    let no_list = inspected(declared_for("docx"), "a.docx", &without);
    assert_eq!(no_list.detected_type.as_deref(), Some("application/zip"));
}

#[test]
fn an_encrypted_archive_cannot_be_scanned() {
    let mut bytes = sample("zip");
    // Bit 0 of the flags of the first member, in its own header and in the directory.
    let entry = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    bytes[6] |= 1;
    bytes[entry + 8] |= 1;
    let found = inspected("application/zip", "a.zip", &bytes);
    assert_eq!(found.outcome, Outcome::Unscannable, "{found:?}");
    assert!(found.reason.unwrap().contains("needs a password"));
}

#[test]
fn two_members_of_one_name_are_refused() {
    let mut bytes = sample("zip");
    let names = ["files/sample.json", "files/sample.same"];
    assert_eq!(names[0].len(), names[1].len());
    let doubled = rezipped(&bytes, keep, &[(names[1], b"{}")]);
    bytes = doubled.clone();
    for at in 0..bytes.len() - names[1].len() {
        if &doubled[at..at + names[1].len()] == names[1].as_bytes() {
            bytes[at..at + names[1].len()].copy_from_slice(names[0].as_bytes());
        }
    }
    let found = inspected("application/zip", "a.zip", &bytes);
    assert_eq!(found.outcome, Outcome::Mismatch, "{found:?}");
    assert!(found.reason.unwrap().starts_with("files/sample.json: two members have this name; "));
}

#[test]
fn c09_an_archive_cannot_name_itself_a_picture() {
    let types = br#"<Types><Override PartName="/a" ContentType="image/png.main+xml"/></Types>"#;
    let program = ("META-INF/MANIFEST.MF", &b"Main-Class: A"[..]);
    for (added, detected) in [
        (vec![("mimetype", &b"image/png"[..])], "application/zip"),
        (vec![("[Content_Types].xml", &types[..])], "application/vnd.openxmlformats-package"),
        (vec![("mimetype", ODT.as_bytes()), program], "application/java-archive"),
    ] {
        let archive = rezipped(&sample("zip"), keep, &added);
        assert_mismatch("image/png", &archive, detected, "");
        let found = inspected(ODT, "a", &archive);
        assert_eq!(found.outcome, Outcome::Mismatch, "{found:?}");
    }
}
