//! The rules that ship with the function, held against samples and against files that are fine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use airlock_content::{Declared, media_types};
use airlock_engine::{
    Engine, EngineKind, MOST, MOST_TOGETHER, Problem, RuleReport, Source, check, samples_of,
};
use std::{
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
fn content_type(file_name: &str) -> Option<&'static str> {
    media_types::of_file_name(file_name).map(|known| known.name)
}

fn matches(engine: &Engine, file_name: &str, bytes: &[u8]) -> Vec<String> {
    let declared = Declared {
        content_type: content_type(file_name).unwrap_or("application/octet-stream"),
        file_name,
        size: bytes.len() as u64,
    };
    engine.scan(bytes, &declared, TIMEOUT).unwrap().into_iter().map(|found| found.rule).collect()
}

fn engine() -> Engine {
    airlock_inspect::engine(EngineKind::Yara).unwrap()
}

/// What `rules check` calls slow, other programs on the same machine may have made so: it measures beside a rule
/// of known cost, but what disturbs one does not always disturb the other as much.
const NOISE: u32 = 2;

#[test]
fn each_rule_matches_its_samples_spares_the_clean_ones_and_is_fast_whatever_it_is_given() {
    let rules = folder("rules");
    for kind in EngineKind::AVAILABLE {
        let mut report = check(*kind, &rules, &samples_of(&rules), &mut |_| {}).unwrap();
        assert!(report.rules.len() > 50, "{}", report.rules.len());
        for RuleReport { rule, matching, clean, worst } in &report.rules {
            println!("{kind} {} {matching}/{clean} {:?} {}", rule.name, worst.time_per_mib, worst.input);
        }
        println!("{kind} together {:?} {}", report.together.1.time_per_mib, report.together.1.input);
        // libyara is optimised in each build, YARA-X is not.
        let is_measured = !cfg!(debug_assertions) || *kind == EngineKind::Yara;
        report.problems.retain(|problem| match problem {
            Problem::Slow { worst, .. } => is_measured && (worst.grows || worst.time_per_mib > MOST * NOISE),
            Problem::SlowTogether { worst, .. } => is_measured && worst.time_per_mib > MOST_TOGETHER * NOISE,
            _ => true,
        });
        assert!(report.problems.is_empty(), "{:#?}", report.problems);
    }
}

#[test]
fn what_was_compiled_into_this_build_is_what_the_rules_say() {
    for kind in EngineKind::AVAILABLE {
        let embedded = airlock_inspect::engine(*kind).unwrap();
        let compiled = Engine::compile(*kind, &Source::read(&folder("rules")).unwrap()).unwrap();
        assert_eq!(embedded.kind(), *kind);
        assert_eq!(embedded.rules(), compiled.rules());
        assert_eq!(embedded.rules_hash(), compiled.rules_hash());
    }
}

#[test]
fn an_engine_that_was_not_built_says_so() {
    if !EngineKind::AVAILABLE.contains(&EngineKind::YaraX) {
        let error = airlock_inspect::engine(EngineKind::YaraX).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("yara-x is not in this build"), "{error}");
    }
}

#[test]
fn rules_are_silent_on_a_valid_file_of_every_allowed_type() {
    let engine = engine();
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
            && content_type(&name(&path)).is_some()
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
    let engine = engine();
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
    engine();
    let start = Instant::now();
    engine();
    println!("{:?}", start.elapsed());
    // 20 ms is the aim on a machine with nothing else to do; a busy one is given ten times that.
    assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
}
