//! The rules that ship with the function, held against samples and against files that are fine.
//!
//! Samples are base64, so that neither this repository nor a clone of it is taken for what they
//! hold: `samples/<rule>/match/<file name>.b64` must match that rule, `…/clean/…` must not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use airlock_content::{Declared, media_types};
use airlock_engine::Engine;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const TIMEOUT: Duration = Duration::from_secs(20);

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// What the owner of an honest file of this name would declare it to be.
fn content_type(file_name: &str) -> &'static str {
    let extension = media_types::extension(file_name).unwrap_or_default();
    media_types::DEFAULT
        .iter()
        .find(|known| known.extensions.contains(&extension.as_str()))
        .map_or("application/octet-stream", |known| known.name)
}

fn matches(engine: &Engine, file_name: &str, bytes: &[u8]) -> Vec<String> {
    let declared = Declared { content_type: content_type(file_name), file_name, size: bytes.len() as u64 };
    engine.scan(bytes, &declared, TIMEOUT).unwrap().into_iter().map(|found| found.rule).collect()
}

/// The file name and content of each sample of one side.
fn samples(rule: &str, side: &str) -> Vec<(String, Vec<u8>)> {
    let decode = |path: &PathBuf| {
        let text: String = fs::read_to_string(path).unwrap().split_ascii_whitespace().collect();
        let file_name = name(path).strip_suffix(".b64").unwrap().to_owned();
        (file_name, BASE64_STANDARD.decode(text).unwrap())
    };
    entries(&folder("samples").join(rule).join(side)).iter().map(decode).collect()
}

#[test]
fn each_rule_matches_its_samples_and_spares_the_clean_ones() {
    let engine = Engine::load().unwrap();
    let rules = engine.rule_names();
    assert!(rules.len() > 10);
    let mut wrong = Vec::new();
    for rule in &rules {
        let [bad, clean] = ["match", "clean"].map(|side| samples(rule, side));
        if bad.is_empty() || clean.is_empty() {
            wrong.push(format!("{rule} lacks samples"));
        }
        for (side, expected, samples) in [("match", true, bad), ("clean", false, clean)] {
            for (file_name, bytes) in samples {
                let found = matches(&engine, &file_name, &bytes);
                if found.contains(rule) != expected {
                    wrong.push(format!("{rule}/{side}/{file_name} matched {found:?}"));
                }
            }
        }
    }
    let folders: BTreeSet<String> =
        entries(&folder("samples")).iter().filter(|path| path.is_dir()).map(|path| name(path)).collect();
    wrong.extend(
        folders
            .into_iter()
            .filter(|folder| !rules.contains(folder))
            .map(|folder| format!("{folder} is no rule")),
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_rule_file_is_loaded() {
    let source = fs::read_to_string(folder("../engine/src/lib.rs")).unwrap();
    let mut files = entries(&folder("rules"));
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yar"));
    assert!(!files.is_empty());
    for file in files {
        assert!(
            source.contains(&format!("include_str!(\"../../inspect/rules/{}\")", name(&file))),
            "{}",
            file.display()
        );
    }
}

#[test]
fn rules_are_silent_on_a_valid_file_of_every_allowed_type() {
    let engine = Engine::load().unwrap();
    for file in entries(&folder("../../../tests/files")) {
        assert_eq!(
            matches(&engine, &name(&file), &fs::read(&file).unwrap()),
            Vec::<String>::new(),
            "{}",
            file.display()
        );
    }
}

/// Files under `folder` whose name has the extension of an allowed type, at most `most`.
fn allowed_files(folder: &Path, most: usize, found: &mut Vec<PathBuf>) {
    for path in entries_or_none(folder) {
        if found.len() >= most {
            return;
        }
        let Ok(about) = fs::symlink_metadata(&path) else { continue };
        if about.is_dir() {
            allowed_files(&path, most, found);
        } else if about.is_file()
            && (1..1_000_000).contains(&about.len())
            && media_types::extension(&name(&path)).is_some()
            && content_type(&name(&path)) != "application/octet-stream"
        {
            found.push(path);
        }
    }
}

fn entries_or_none(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// Rules that match what programs and libraries ship would block honest people. Which files a
/// machine has is its own matter; that it has some is not, so the sources of the crates that this
/// test is built from are searched, too.
#[test]
fn rules_are_silent_on_files_of_this_machine() {
    let engine = Engine::load().unwrap();
    let mut files = Vec::new();
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let crates = cargo_home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    for (folder, most) in
        [(Some(PathBuf::from("/usr/share")), 600), (crates.map(|home| home.join("registry/src")), 1_000)]
    {
        let mut here = Vec::new();
        folder.iter().for_each(|folder| allowed_files(folder, most, &mut here));
        files.append(&mut here);
    }
    assert!(files.len() >= 100, "only {} files to try", files.len());
    let mut wrong = Vec::new();
    for file in &files {
        let Ok(bytes) = fs::read(file) else { continue };
        let found = matches(&engine, &name(file), &bytes);
        if !found.is_empty() {
            wrong.push(format!("{} matched {found:?}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "of {} files: {wrong:#?}", files.len());
}

#[test]
fn rules_load_in_a_moment() {
    Engine::load().unwrap();
    let start = Instant::now();
    Engine::load().unwrap();
    // 20 ms is the aim on a machine with nothing else to do; a busy one is given ten times that.
    assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
}
