//! What is in archives: found wherever it is, and named.

use super::{ENGINE, POLICY, declared_for, inspected, sample};
use airlock_content::{Declared, verdict::Outcome};
use airlock_engine::{Engine, EngineKind, RuleFile};
use airlock_inspect::{Bounds, Finding, LIMITS, Limits, inspect};
use flate2::{Compression, write::GzEncoder};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter};
use std::{
    io::{Cursor, Write},
    time::Duration,
};
use zip::{ZipWriter, write::SimpleFileOptions};

pub(super) fn eicar() -> Vec<u8> {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-", "TEST-FILE!$H+H*"].concat().into_bytes()
}

pub(super) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(super) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(super) fn seven_zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    for (name, content) in members {
        writer.push_archive_entry(ArchiveEntry::new_file(name), Some(*content)).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(super) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zipped(members: &[(&str, &[u8])]) -> Finding {
    inspected("application/zip", "a.zip", &zip(members))
}

#[track_caller]
pub(super) fn assert_found(found: &Finding, outcome: Outcome, reason: &str) {
    assert_eq!(found.outcome, outcome, "{found:?}");
    // What the uploader can do follows.
    assert!(found.reason.as_deref().unwrap().starts_with(reason), "{found:?}");
}

#[test]
fn a_match_is_found_in_any_archive_under_any_name_and_names_the_member() {
    let inner = zip(&[("evil.txt", &eicar())]);
    for name in ["docs/a.zip", "docs/a.jpg", "docs/a"] {
        let found = zipped(&[("fine.txt", b"fine"), (name, &inner)]);
        assert_found(&found, Outcome::Malicious, &format!("matched eicar_test_file in {name}/evil.txt"));
        assert_eq!(found.matches[0].member.as_deref(), Some(format!("{name}/evil.txt").as_str()));
        assert_eq!(found.detected_type.as_deref(), Some("application/zip"));
    }
    let packed = gzip(&tar(&[("a/b.zip", &inner)]));
    let found = inspected("application/gzip", "backup.tgz", &packed);
    assert_found(&found, Outcome::Malicious, "matched eicar_test_file in backup.tar/a/b.zip/evil.txt");
}

#[test]
fn documents_are_looked_into() {
    let bytes = sample("docx");
    let mut archive = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        writer.raw_copy_file(archive.by_index_raw(index).unwrap()).unwrap();
    }
    writer.start_file("word/media/image1.png", SimpleFileOptions::default()).unwrap();
    writer.write_all(&eicar().repeat(2)).unwrap();
    let changed = writer.finish().unwrap().into_inner();
    let found = inspected(declared_for("docx"), "a.docx", &changed);
    assert_found(&found, Outcome::Malicious, "matched eicar_test_file in word/media/image1.png");
}

#[test]
fn c09_programs_do_not_become_acceptable_by_being_packed() {
    let mut program = vec![0; 1024];
    program[..2].copy_from_slice(b"MZ");
    program[0x3c] = 0x80;
    program[0x80..0x84].copy_from_slice(b"PE\0\0");
    let found = zipped(&[("tools/setup.bin", &program)]);
    let reason = "it holds a program, tools/setup.bin, which is not taken here";
    assert_found(&found, Outcome::Mismatch, reason);
}

#[test]
fn rules_see_each_member_under_its_own_name_type_and_size() {
    let rule = r#"
        rule sheet {
            meta: severity = "low" description = "d" reference = "r"
            condition: filename == "Sheet.CSV" and extension == "csv" and declared_type == "text/csv" and size == 4
        }
        rule picture {
            meta: severity = "low" description = "d" reference = "r"
            condition: filename == "really.txt" and declared_type == "image/gif"
        }"#;
    let engine = Engine::compile(EngineKind::Yara, &[RuleFile::new("test", rule)]).unwrap();
    let members: [(&str, &[u8]); 3] =
        [("in/Sheet.CSV", b"a,b\n"), ("really.txt", &sample("gif")), ("other.csv", b"a,b\n")];
    let found = within(&engine, LIMITS, Duration::from_secs(20), &zip(&members));
    assert_found(&found, Outcome::Malicious, "matched sheet in in/Sheet.CSV, picture in really.txt");
}

#[test]
fn what_cannot_be_looked_at_is_named() {
    let mut inner = zip(&[("x", b"secret")]);
    let entry = inner.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    inner[6] |= 1;
    inner[entry + 8] |= 1;
    let found = zipped(&[("docs/a.zip", &inner), ("b.txt", b"b")]);
    assert_found(&found, Outcome::Unscannable, "docs/a.zip/x: it is encrypted");
    let found = zipped(&[("docs/a.txt", b"Rar!\x1a\x07\0 and so on")]);
    assert_found(&found, Outcome::Unscannable, "docs/a.txt: its format is RAR, which cannot be checked here");
    let found = zipped(&[("docs/a.gz", &gzip(b"hello")[..20])]);
    assert_eq!(found.outcome, Outcome::Unscannable, "{found:?}");
    assert!(found.reason.unwrap().starts_with("docs/a.gz/a: it is broken: "));
}

#[test]
fn what_no_honest_archive_has_is_a_mismatch_even_beside_what_cannot_be_read() {
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_link(&mut link, "shadow", "/etc/shadow").unwrap();
    let links = builder.into_inner().unwrap();
    let found = zipped(&[("a.gz", &gzip(b"hello")[..20]), ("b.tar", &links)]);
    assert_found(
        &found,
        Outcome::Mismatch,
        "b.tar/shadow: it is a symbolic link that leads out of the archive",
    );
    for hidden in [
        [b"junk".to_vec(), zip(&[("a", b"b")])].concat(),
        [b"BZh".to_vec(), zip(&[("a", b"b")]), b"!".to_vec()].concat(),
    ] {
        let found = zipped(&[("data.bin", &hidden)]);
        assert_eq!(found.outcome, Outcome::Mismatch, "{found:?}");
    }
    let both = [sample("gif"), zip(&[("a", b"b")])].concat();
    let found = zipped(&[("photo.gif", &both)]);
    assert_eq!(found.outcome, Outcome::Mismatch, "{found:?}");
}

#[test]
fn matches_weigh_most_and_are_counted() {
    let evil = eicar();
    let names: Vec<String> = (0..30).map(|index| format!("{index}.txt")).collect();
    let mut members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &evil[..])).collect();
    members.insert(0, ("../up", b"x"));
    let found = inspected("application/x-tar", "a.zip", &zip(&members[1..]));
    assert_eq!(found.outcome, Outcome::Malicious);
    assert_eq!(found.matches.len(), 20);
    assert!(found.reason.unwrap().ends_with("in 4.txt and 15 more"));
    assert_eq!(zipped(&members[..4]).outcome, Outcome::Malicious);
    assert_found(&zipped(&members[..1]), Outcome::Mismatch, "../up: its name leads out of the archive");
}

fn within(engine: &Engine, limits: Limits, timeout: Duration, bytes: &[u8]) -> Finding {
    let mut object = tempfile::tempfile().unwrap();
    object.write_all(bytes).unwrap();
    let declared = Declared { content_type: "application/zip", file_name: "a.zip", size: bytes.len() as u64 };
    let bounds = Bounds { scratch: tempfile::tempfile().unwrap(), limits, timeout };
    inspect(&mut engine.scanner(), &POLICY, &object, &declared, bounds)
}

#[test]
fn limits_are_the_callers() {
    let bytes = zip(&[("a/b.txt", b"hello"), ("c", b"d")]);
    let timeout = Duration::from_secs(20);
    assert_eq!(within(&ENGINE, LIMITS, timeout, &bytes).outcome, Outcome::Clean);
    let found = within(&ENGINE, Limits { members: 1, ..LIMITS }, timeout, &bytes);
    assert_found(&found, Outcome::LimitsExceeded, "it has more than 1 members");
    let found = within(&ENGINE, Limits { depth: 0, ..LIMITS }, timeout, &bytes);
    assert_found(&found, Outcome::LimitsExceeded, "archives are nested more than 0 deep");
    assert!(!found.out_of_time, "{found:?}");
}

#[test]
fn what_takes_too_long_says_so_unless_something_weighs_more() {
    let late = "it could not be inspected to its end within 0 s";
    let found = within(&ENGINE, LIMITS, Duration::ZERO, &zip(&[("a/b.txt", b"hello")]));
    assert_found(&found, Outcome::LimitsExceeded, late);
    assert!(found.out_of_time, "{found:?}");
    // What is wrong with the declaration is known without the content.
    let object = tempfile::tempfile().unwrap();
    (&object).write_all(b"hello").unwrap();
    for (content_type, outcome, out_of_time) in
        [("text/plain", Outcome::LimitsExceeded, true), ("text/html", Outcome::Mismatch, false)]
    {
        let declared = Declared { content_type, file_name: "a", size: 5 };
        let scratch = tempfile::tempfile().unwrap();
        let bounds = Bounds { scratch, limits: LIMITS, timeout: Duration::ZERO };
        let found = inspect(&mut ENGINE.scanner(), &POLICY, &object, &declared, bounds);
        assert_eq!((found.outcome, found.out_of_time), (outcome, out_of_time), "{found:?}");
    }
}

#[test]
fn large_members_are_scanned_to_their_end_from_the_scratch_file() {
    let mut content = b"0123456789\n".repeat(300_000);
    content.extend_from_slice(&eicar());
    let inner = zip(&[("large.txt", &content)]);
    let found = zipped(&[("first.txt", &content[..2_000_000]), ("a.zip", &inner)]);
    assert_found(&found, Outcome::Malicious, "matched eicar_test_file in a.zip/large.txt");
}
