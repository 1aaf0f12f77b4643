//! The inputs of `tests/cases`, and what becomes of each. Those that are still decided wrongly are in
//! the table as what they are: whoever mends one has to say so here.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "inspect/inspected.rs"]
mod inspected;

use Outcome::{Clean, Malicious, Mismatch, Unscannable};
use airlock_content::{media_types, verdict::Outcome};
use inspected::inspected;
use std::{fs, path::Path};

/// Must not be published; and the words that the reason has.
const REFUSE: &[(&str, Outcome, &str)] = &[
    ("csv-formula-utf16.csv", Malicious, "matched csv_formula_that_runs_a_program"),
    ("odt-encrypted.odt", Unscannable, "encrypted OpenDocument"),
    ("pdf-javascript-encrypted-empty-password.pdf", Mismatch, "it has a script that runs"),
    ("pdf-javascript-in-object-stream.pdf", Mismatch, "it has a script that runs"),
    (
        "docx-remote-template-prefix.docx",
        Mismatch,
        "word/_rels/settings.xml.rels: it has a template or an object that is fetched from elsewhere",
    ),
    ("pdf-javascript-nul-as-space.pdf", Mismatch, "it has a script that runs"),
    ("pdf-launch-name-in-hex.pdf", Malicious, "matched pdf_that_launches_a_program"),
    ("pdf-needs-a-password.pdf", Unscannable, "it is encrypted"),
    (
        "docx-remote-template-beside-honest-one.docx",
        Mismatch,
        "it has a template or an object that is fetched from elsewhere",
    ),
    (
        "docx-remote-template-utf16.docx",
        Mismatch,
        "it has a template or an object that is fetched from elsewhere",
    ),
    (
        "docx-remote-template-with-decoy.docx",
        Mismatch,
        "it has a template or an object that is fetched from elsewhere",
    ),
    ("docx-dde-over-two-runs.docx", Malicious, "matched office_dde_field in word/document.xml"),
    (
        "docx-with-packaged-program.docx",
        Mismatch,
        "it holds a program, word/embeddings/oleObject1.bin/a.exe, which is not taken here",
    ),
    ("pdf-that-is-a-zip64.pdf", Mismatch, "it also opens as application/zip"),
    ("tar-checksum-begins-with-nul.tar", Malicious, "matched eicar_test_file in a.gz/a"),
    ("tar-signed-checksum.tar", Malicious, "matched eicar_test_file in gr"),
    ("zip-with-cpio.zip", Unscannable, "a.cpio: its format is cpio"),
    ("zip-with-lzma-alone.zip", Unscannable, "a.lzma: its format is LZMA"),
];

/// Must not be published, and still is.
const STILL_PUBLISHED: &[&str] = &[];

/// Must be published, and still is not, with the outcome that it has.
const STILL_REFUSED: &[(&str, Outcome)] = &[("60-animated.apng", Mismatch)];

fn found(folder: &str, name: &str) -> (Outcome, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/cases").join(folder).join(name);
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // Of the one extension that is in no list, the type is known.
    let declared = media_types::of_file_name(name).map_or("image/apng", |known| known.name);
    let finding = inspected(declared, name, &bytes);
    (finding.outcome, finding.reason.unwrap_or_default())
}

fn names(folder: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/cases").join(folder);
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(path).unwrap().map(name).collect();
    names.sort();
    names
}

#[test]
fn what_must_be_refused_is_refused_and_says_why() {
    let mut wrong = Vec::new();
    for name in names("refuse") {
        let (outcome, reason) = found("refuse", &name);
        let is_right = match REFUSE.iter().find(|(known, ..)| *known == name) {
            Some((_, expected, words)) => outcome == *expected && reason.contains(words),
            None => STILL_PUBLISHED.contains(&name.as_str()) && outcome == Clean,
        };
        if !is_right {
            wrong.push(format!("{name}: {outcome:?}, {reason}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(names("refuse").len(), REFUSE.len() + STILL_PUBLISHED.len());
}

#[test]
fn what_is_honest_is_published() {
    let mut wrong = Vec::new();
    for name in names("honest") {
        let (outcome, reason) = found("honest", &name);
        let expected =
            STILL_REFUSED.iter().find(|(known, _)| *known == name).map_or(Clean, |(_, outcome)| *outcome);
        if outcome != expected {
            wrong.push(format!("{name}: {outcome:?}, {reason}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(STILL_REFUSED.iter().all(|(known, _)| names("honest").iter().any(|name| name == known)));
}
