//! The rules that ship with the function, held against samples and against files that are fine.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use airlock_content::{Declared, media_types};
use airlock_engine::{
    Engine, EngineKind, MOST, MOST_TOGETHER, Problem, RuleFile, RuleReport, check, samples_of,
};
use rustix::time::{ClockId, clock_gettime};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
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
        // What was found by hand is no worse than what the search finds.
        let engine = Engine::compile(*kind, &RuleFile::read(&rules).unwrap()).unwrap();
        for recipe in BY_HAND {
            let mebibyte: Vec<u8> = recipe.iter().copied().cycle().take(1 << 20).collect();
            let time = thread_time(|| {
                for file_name in ["a.txt", "a.csv", "a.xml"] {
                    matches(&engine, file_name, &mebibyte);
                }
            }) / 3;
            println!("{kind} {time:?} for 1 MiB of {:?}", String::from_utf8_lossy(recipe));
            assert!(!is_measured || time < report.together.1.time_per_mib * NOISE, "{time:?}");
        }
    }
}

/// Beginnings of strings that once cost seconds where they were repeated: of the rules about scripts, Office packages,
/// CSV and OneNote, and of EICAR's.
const BY_HAND: [&[u8]; 7] = [
    b".Sockets.TCPClient iex ",
    b"<Relationship Target=\"http:",
    b",=HYPERLINK(http://",
    b"socket.socket().connect((os.dup2(",
    b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3",
    b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac",
    b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EI",
];

#[test]
fn what_was_compiled_into_this_build_is_what_the_rules_say() {
    for kind in EngineKind::AVAILABLE {
        let embedded = airlock_inspect::engine(*kind).unwrap();
        let compiled = Engine::compile(*kind, &RuleFile::read(&folder("rules")).unwrap()).unwrap();
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

/// The time that this thread takes for some work, at best.
fn thread_time(mut work: impl FnMut()) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let mut measured = || {
        let begun = now();
        work();
        now() - begun
    };
    (0..3).map(|_| measured()).min().unwrap()
}

/// A function that starts does not compile them: that is done when it is built.
#[test]
fn rules_load_in_a_fraction_of_the_time_that_they_compile_in() {
    let sources = RuleFile::read(&folder("rules")).unwrap();
    let compiling = thread_time(|| drop(Engine::compile(EngineKind::Yara, &sources).unwrap()));
    let loading = thread_time(|| drop(engine()));
    println!("compiled in {compiling:?}, loaded in {loading:?}");
    assert!(loading * 5 < compiling, "compiled in {compiling:?}, loaded in {loading:?}");
}
