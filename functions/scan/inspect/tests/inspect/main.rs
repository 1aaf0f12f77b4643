//! Inspection of files as they are, and of the same files cut, extended, renamed and disguised.
//! `tests/files` at the root of the workspace has a valid file of every allowed type.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod archives;
mod inspected;
mod members;
mod policy;
mod reports;
mod text;
mod unopened;

use airlock_content::{
    Declared,
    media_types::{self, DEFAULT, MediaType},
    policy::Policy,
    verdict::Outcome,
};
use airlock_inspect::{Bounds, Finding, LIMITS, inspect};
use inspected::{ENGINE, POLICY, inspected};
use std::{
    fs,
    io::{Cursor, Seek, Write},
    path::Path,
    time::Duration,
};

fn sample(extension: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../tests/files")
        .join(format!("sample.{extension}"));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sample_of(media_type: &MediaType) -> Vec<u8> {
    sample(media_type.extensions[0])
}

#[track_caller]
fn assert_mismatch(content_type: &str, bytes: &[u8], detected: &str, reason: &str) {
    let found = inspected(content_type, "file", bytes);
    assert_eq!(found.outcome, Outcome::Mismatch, "{found:?}");
    assert_eq!(found.detected_type.as_deref(), Some(detected), "{found:?}");
    assert!(found.reason.as_deref().unwrap().contains(reason), "{found:?}");
}

/// Text of these types is told apart by its declaration alone.
fn is_clean_as(content: &MediaType, declared: &MediaType) -> bool {
    let plain = ["text/plain", "text/csv", "text/markdown"];
    content == declared
        || (plain.contains(&declared.name)
            && (plain.contains(&content.name) || content.name == "application/json"))
}

#[test]
fn c09_a_valid_file_of_every_allowed_type_is_that_type_and_no_other() {
    for content in DEFAULT {
        let bytes = sample_of(content);
        for declared in DEFAULT {
            let found = inspected(declared.name, "sample", &bytes);
            if is_clean_as(content, declared) {
                let clean = Finding {
                    outcome: Outcome::Clean,
                    detected_type: Some(declared.name.into()),
                    matches: vec![],
                    reason: None,
                    out_of_time: false,
                };
                assert_eq!(found, clean);
            } else {
                assert_eq!(
                    found.outcome,
                    Outcome::Mismatch,
                    "{} as {}: {found:?}",
                    content.name,
                    declared.name
                );
                let reason = found.reason.unwrap();
                assert!(reason.starts_with(&format!("declared {}, found ", declared.name)), "{reason}");
                // Plain text that isn't the JSON or XML it was declared to be is just that.
                let (detected, text) = (found.detected_type.unwrap(), content.name.starts_with("text/"));
                assert!(
                    detected == content.name
                        || (detected == "text/plain" && (text || content.name == "application/json")),
                    "{detected} for {}",
                    content.name
                );
            }
        }
    }
}

#[test]
fn c09_the_extension_must_fit_and_may_lack() {
    for (name, outcome) in [
        ("photo.jpg", Outcome::Clean),
        ("photo.JPEG", Outcome::Clean),
        ("photo", Outcome::Clean),
        ("photo.png", Outcome::Mismatch),
        ("photo.jpg.exe", Outcome::Mismatch),
        ("photo.php ", Outcome::Mismatch),
    ] {
        let found = inspected("image/jpeg", name, &sample("jpg"));
        assert_eq!(found.outcome, outcome, "{name}: {found:?}");
    }
    let reason = inspected("image/jpeg", "photo.jpg.exe", &sample("jpg")).reason.unwrap();
    assert_eq!(
        reason,
        "declared image/jpeg, but the file name ends in .exe; give it the name that fits its type"
    );
}

#[test]
fn c09_types_that_are_not_allowed_are_refused_even_if_true() {
    let found = inspected("text/html", "page.html", b"<html></html>");
    assert_eq!(found.outcome, Outcome::Mismatch);
    assert_eq!(found.reason.unwrap(), "text/html is not an allowed type");
}

#[test]
fn t02_the_policy_of_the_moment_of_the_scan_holds() {
    let png = sample("png");
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&png).unwrap();
    let declared = Declared { content_type: "image/png", file_name: "a.png", size: png.len() as u64 };
    for (policy, outcome, reason) in [
        ("image/png", Outcome::Clean, None),
        ("default=1KiB", Outcome::Clean, None),
        ("image/gif", Outcome::Mismatch, Some("image/png is not an allowed type")),
        ("default,image/png=100", Outcome::LimitsExceeded, Some("image/png must be at most 100 bytes")),
    ] {
        file.rewind().unwrap();
        let policy = Policy::parse(policy, 1 << 20).unwrap();
        let bounds = Bounds {
            scratch: tempfile::tempfile().unwrap(),
            limits: LIMITS,
            timeout: Duration::from_secs(20),
        };
        let found = inspect(&mut ENGINE.scanner(), &policy, &file, &declared, bounds);
        assert_eq!((found.outcome, found.reason.as_deref()), (outcome, reason), "{policy:?}");
    }
}

/// Types whose end can be found, and so whether something follows it.
const WITH_AN_END: [&str; 17] = [
    "png", "jpg", "gif", "webp", "avif", "pdf", "wav", "mp4", "mov", "7z", "zip", "docx", "xlsx", "pptx",
    "odt", "ods", "odp",
];

fn declared_for(extension: &str) -> &'static str {
    DEFAULT.iter().find(|known| known.extensions.contains(&extension)).unwrap().name
}

#[test]
fn c09_a_file_that_is_cut_off_is_refused() {
    for extension in WITH_AN_END {
        let bytes = sample(extension);
        for length in [bytes.len() - 3, bytes.len() / 2] {
            // Trailing line breaks of a PDF are no loss.
            let length = if extension == "pdf" { length - 8 } else { length };
            let found = inspected(declared_for(extension), "file", &bytes[..length]);
            assert_eq!(found.outcome, Outcome::Mismatch, "{extension} cut to {length}: {found:?}");
        }
    }
}

#[test]
fn c09_data_behind_the_end_is_refused() {
    for extension in WITH_AN_END {
        // A PDF's end is looked for in its last kilobyte, and behind an archive a line may be left over.
        let is_archive =
            ["zip", "tar", "7z", "docx", "xlsx", "pptx", "odt", "ods", "odp"].contains(&extension);
        let is_media = !declared_for(extension).starts_with("application/");
        for count in match extension {
            "pdf" => [1_100, 80_000],
            _ if is_archive => [65, 80_000],
            _ => [1, 80_000],
        } {
            let bytes = [sample(extension), b"+".repeat(count)].concat();
            let found = inspected(declared_for(extension), "file", &bytes);
            let expected = if is_media && count == 1 { Outcome::Clean } else { Outcome::Mismatch };
            assert_eq!(found.outcome, expected, "{extension} and {count} bytes: {found:?}");
        }
    }
    let noise: Vec<u8> =
        (0..5000_u64).map(|at| (at.pow(3).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8).collect();
    let encrypted = [sample("png"), noise].concat();
    assert_mismatch(
        "image/png",
        &encrypted,
        "image/png",
        "5000 bytes follow its end, and they are packed or encrypted",
    );
}

#[test]
fn cameras_may_append_pictures_videos_and_zeros() {
    let two = [sample("jpg"), vec![0; 100], sample("jpg")].concat();
    assert_eq!(inspected("image/jpeg", "a.jpg", &two).outcome, Outcome::Clean);
    let padded = [sample("png"), vec![0; 100]].concat();
    assert_eq!(inspected("image/png", "a.png", &padded).outcome, Outcome::Clean);
    let motion_photo = [sample("jpg"), sample("mp4")].concat();
    assert_eq!(inspected("image/jpeg", "a.jpg", &motion_photo).outcome, Outcome::Clean);
    // The video is a member like any other.
    let page = [b"<?php ".as_slice(), &[0; 10]].concat();
    let with_page = [motion_photo, [&18_u32.to_be_bytes()[..], b"free", &page[..10]].concat()].concat();
    assert_eq!(inspected("image/jpeg", "a.jpg", &with_page).outcome, Outcome::Malicious);
}

#[test]
fn what_a_maker_packed_is_unpacked() {
    let test_file =
        [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-", "TEST-FILE!$H+H*"].concat();
    // 7z opens a file at a stream of gzip, wherever that lies.
    for (content, expected) in [("measured", Outcome::Mismatch), (test_file.as_str(), Outcome::Malicious)] {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(content.as_bytes()).unwrap();
        let photo = [sample("jpg"), b"aecDebug\xe1".to_vec(), packed.finish().unwrap()].concat();
        let found = inspected("image/jpeg", "a.jpg", &photo);
        assert_eq!(found.outcome, expected, "{found:?}");
    }
}

#[test]
fn what_a_picture_announces_has_a_limit() {
    let mut png = sample("png");
    png[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1]);
    let sum = crc32fast::hash(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&sum);
    let found = inspected("image/png", "a.png", &png);
    assert_eq!(found.outcome, Outcome::LimitsExceeded, "{found:?}");
    assert!(found.reason.is_some_and(|reason| reason.contains("2147483647 pixels")));
}

#[test]
fn matches_weigh_more_than_a_mismatch() {
    let test_file =
        [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-", "TEST-FILE!$H+H*"].concat();
    for content_type in ["text/plain", "image/png"] {
        let found = inspected(content_type, "a", test_file.as_bytes());
        assert_eq!(found.outcome, Outcome::Malicious, "{found:?}");
        assert_eq!(found.matches.len(), 1);
        assert_eq!(found.matches[0].rule, "eicar_test_file");
        assert_eq!(found.matches[0].severity, "critical");
        assert!(!found.matches[0].description.is_empty());
        assert_eq!(found.reason.as_deref(), Some("matched eicar_test_file"));
    }
}

#[test]
fn broken_files_are_findings_not_crashes() {
    for known in DEFAULT {
        let bytes = sample_of(known);
        for at in (0..bytes.len().min(4096)).step_by(7) {
            for value in [0, 0x7f, 0xff] {
                let mut broken = bytes.clone();
                broken[at] = value;
                broken.truncate(bytes.len().min(8192));
                let found = airlock_formats::identify::identify(
                    Cursor::new(&broken),
                    media_types::lookup(known.name).unwrap(),
                );
                assert!(found.is_ok(), "{} with byte {at} = {value}: {found:?}", known.name);
            }
        }
    }
}
