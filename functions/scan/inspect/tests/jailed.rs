//! Inspections in the jail that they run in: whatever they need there is allowed and fits, so that they find
//! what they find outside it, with every engine of this build.
//!
//! This binary is also the jail.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use airlock_content::{
    Declared,
    media_types::{self, DEFAULT},
    policy::Policy,
    verdict::Outcome,
};
use airlock_engine::{EngineKind, Scanner};
use airlock_inspect::{Bounds, Finding, LIMITS, MEMORY, inspect};
use airlock_jail::{Allowance, Draft, Jail, Sealed, Task};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use libtest_mimic::{Arguments, Failed, Trial};
use std::{
    cell::RefCell,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

const TIME: Duration = Duration::from_secs(20);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, argument, kind] = arguments.as_slice()
        && argument == "as-jail"
    {
        let engine = airlock_inspect::engine(kind.parse().unwrap()).unwrap().without_threads();
        let scanner = RefCell::new(engine.scanner().unwrap());
        airlock_jail::serve(|task| answer(&mut scanner.borrow_mut(), task)).unwrap();
        return;
    }
    let trials = EngineKind::AVAILABLE
        .iter()
        .map(|kind| Trial::test(format!("t07_{kind}_finds_the_same_in_the_jail"), || finds_the_same(*kind)));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

/// A task is the file's name, which says its type too.
fn answer(scanner: &mut Scanner<'_>, Task { object, scratch, bytes, .. }: Task) -> Vec<u8> {
    found(scanner, &object, scratch, &String::from_utf8(bytes).unwrap()).to_report()
}

fn found(scanner: &mut Scanner<'_>, object: &fs::File, scratch: fs::File, file_name: &str) -> Finding {
    let policy = Policy::parse("default", u64::MAX).unwrap();
    let content_type =
        media_types::of_file_name(file_name).map_or("application/octet-stream", |known| known.name);
    let declared = Declared { content_type, file_name, size: object.metadata().unwrap().len() };
    inspect(scanner, &policy, object, &declared, Bounds { scratch, limits: LIMITS, timeout: TIME })
}

fn jail(kind: EngineKind) -> Jail {
    Jail::start(move || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["as-jail", kind.name()]);
        command
    })
    .unwrap()
}

fn sealed(content: &[u8]) -> Sealed {
    let mut draft = Draft::new(content.len() as u64).unwrap();
    draft.write_all(content).unwrap();
    draft.seal().unwrap()
}

/// A valid file of every type, and every sample of every rule, under its name.
fn cases() -> Vec<(String, Vec<u8>)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut cases: Vec<_> = DEFAULT
        .iter()
        .map(|known| format!("sample.{}", known.extensions[0]))
        .map(|name| (name.clone(), fs::read(here.join("../../../tests/files").join(name)).unwrap()))
        .collect();
    let below = |folder: &PathBuf| -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    for path in below(&here.join("samples")).iter().flat_map(below).flat_map(|side| below(&side)) {
        let text: String = fs::read_to_string(&path).unwrap().split_whitespace().collect();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        cases.push((name, BASE64_STANDARD.decode(text).unwrap()));
    }
    cases
}

fn finds_the_same(kind: EngineKind) -> Result<(), Failed> {
    let (engine, jail) = (airlock_inspect::engine(kind)?, jail(kind));
    let mut scanner = engine.scanner()?;
    let memory = MEMORY + LIMITS.member_bytes;
    let allowance = Allowance { time: TIME, memory, scratch: LIMITS.total_bytes };
    let (mut clean, mut malicious) = (0, 0);
    for (name, content) in cases() {
        let object = sealed(&content);
        let expected = found(&mut scanner, &object.open()?, tempfile::tempfile()?, &name);
        let report =
            jail.run(&object, name.as_bytes(), &allowance).map_err(|error| format!("{name}: {error}"))?;
        let jailed: Option<Finding> = serde_json::from_slice(&report.bytes).ok();
        if jailed.as_ref() != Some(&expected) {
            return Err(format!("{name}: {jailed:?}, and outside {expected:?}").into());
        }
        clean += usize::from(expected.outcome == Outcome::Clean);
        malicious += usize::from(expected.outcome == Outcome::Malicious);
    }
    // Otherwise the jail was asked for nothing.
    assert!(clean > 20 && malicious > 60, "{clean} clean, {malicious} malicious");
    Ok(())
}
