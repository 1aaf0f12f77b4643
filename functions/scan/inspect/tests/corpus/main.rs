//! Real files, made by the programs that people use, and the same files renamed, cut, joined and
//! disguised. `tests/corpus` at the root of the workspace holds them and says how they are made.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod cut;
mod disguised;
#[path = "../inspect/inspected.rs"]
mod inspected;
mod joined;
mod others;
mod renamed;

use airlock_content::{
    media_types::{self, DEFAULT, MediaType},
    verdict::Outcome,
};
use airlock_inspect::Finding;
use inspected::inspected;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex},
    thread,
};

/// A file of the corpus.
struct Real {
    name: String,
    bytes: Vec<u8>,
    media_type: &'static MediaType,
}

impl Real {
    fn is(&self, extension: &str) -> bool {
        self.media_type.extensions.contains(&extension)
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/corpus")
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.is_file());
    let mut files: Vec<_> = files.map(|path| (name(&path), fs::read(&path).unwrap())).collect();
    files.sort();
    files
}

/// The corpus: each file is of the type that its extension says.
static CORPUS: LazyLock<Vec<Real>> = LazyLock::new(|| {
    let makers = ["make", "make.js", "README.md"];
    let files = files(&folder()).into_iter().filter(|(name, _)| !makers.contains(&name.as_str()));
    let real = |(name, bytes): (String, Vec<u8>)| {
        let extension = media_types::extension(&name).unwrap();
        let media_type = DEFAULT.iter().find(|known| known.extensions.contains(&extension.as_str()));
        Real { media_type: media_type.unwrap_or_else(|| panic!("{name}")), name, bytes }
    };
    files.map(real).collect()
});

/// Archives of honest programs that are what they say, but hold what is refused or cannot be looked at.
const NOT_TAKEN: [(&str, Outcome, &[&str]); 4] = [
    ("7z-ppmd-solid.7z", Outcome::Unscannable, &["it uses compression method PPMD"]),
    ("gnu-sparse.tar", Outcome::Unscannable, &["sparse: it uses sparse files"]),
    ("info-zip-streamed.zip", Outcome::Mismatch, &["-: it is a device or a pipe"]),
    ("python-lzma.zip", Outcome::Unscannable, &["Größe.txt: it uses compression method 14"]),
];

/// What is to be said of a file of the corpus as it is.
fn as_it_is(file: &Real) -> Expected {
    let not_taken = NOT_TAKEN.into_iter().find(|(name, ..)| *name == file.name);
    not_taken.map_or(Expected::Clean, |(_, outcome, reasons)| Expected::Refused(outcome, reasons))
}

fn real(name: &str) -> &'static Real {
    CORPUS.iter().find(|file| file.name == name).unwrap_or_else(|| panic!("{name}"))
}

fn type_of(extension: &str) -> &'static MediaType {
    DEFAULT.iter().find(|known| known.extensions.contains(&extension)).unwrap()
}

/// Rules that find some of the disguises that identification finds as well.
const DISGUISES: [&str; 3] = ["archive_behind_picture", "java_archive_inside_media", "php_archive"];

/// Something to inspect, and what must be said of it.
struct Case {
    what: String,
    declared: &'static str,
    file_name: String,
    bytes: Vec<u8>,
    expected: Expected,
}

enum Expected {
    Clean,
    /// Refused with this outcome, and a reason that has one of these in it.
    Refused(Outcome, &'static [&'static str]),
}

impl Case {
    fn new(what: impl Into<String>, media_type: &MediaType, bytes: Vec<u8>, expected: Expected) -> Self {
        let file_name = format!("file.{}", media_type.extensions[0]);
        Self { what: what.into(), declared: media_type_name(media_type), file_name, bytes, expected }
    }

    fn wrong(&self) -> Option<String> {
        let found = inspected(self.declared, &self.file_name, &self.bytes);
        let is_right = match &self.expected {
            Expected::Clean => {
                found.outcome == Outcome::Clean && found.detected_type.as_deref() == Some(self.declared)
            }
            Expected::Refused(outcome, reasons) => {
                let reason = found.reason.as_deref().unwrap_or_default();
                let is_told = found.outcome == *outcome && reasons.iter().any(|part| reason.contains(part));
                // A match weighs more than the mismatch that it comes with.
                let is_matched = found.outcome == Outcome::Malicious
                    && *outcome == Outcome::Mismatch
                    && DISGUISES.iter().any(|rule| reason == format!("matched {rule}"));
                is_told || is_matched
            }
        };
        let Finding { outcome, detected_type, reason, .. } = found;
        (!is_right).then(|| format!("{}: {outcome:?}, {detected_type:?}, {reason:?}", self.what))
    }
}

fn media_type_name(media_type: &MediaType) -> &'static str {
    media_type.name
}

/// Inspects all cases on all processors. Prints how many there were by the part of `what` before
/// the first colon, and stops if any finding was wrong.
#[track_caller]
fn run(title: &str, cases: impl IntoIterator<Item = Case, IntoIter: Send>) {
    let cases = Mutex::new(cases.into_iter());
    let (counts, wrong) = (Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(case) = { cases.lock().unwrap().next() } {
                    let group = case.what.split(':').next().unwrap_or_default().to_owned();
                    *counts.lock().unwrap().entry(group).or_insert(0_usize) += 1;
                    wrong.lock().unwrap().extend(case.wrong());
                }
            });
        }
    });
    let (counts, mut wrong) = (counts.into_inner().unwrap(), wrong.into_inner().unwrap());
    let total: usize = counts.values().sum();
    println!("{title}: {total} cases, {} wrong {counts:?}", wrong.len());
    wrong.sort();
    assert!(total > 0 && wrong.is_empty(), "{title}: {} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn c09_every_real_file_is_of_its_type_and_clean_unless_it_holds_what_is_not_taken() {
    assert!(CORPUS.len() >= 150, "{} files", CORPUS.len());
    for known in DEFAULT {
        let count = CORPUS.iter().filter(|file| file.media_type == known).count();
        assert!(count >= 3, "{} files of {}", count, known.name);
    }
    run(
        "real",
        CORPUS.iter().map(|file| Case {
            what: format!("{}: {}", file.media_type.extensions[0], file.name),
            declared: file.media_type.name,
            file_name: file.name.clone(),
            bytes: file.bytes.clone(),
            expected: as_it_is(file),
        }),
    );
}
