//! Inspections in the jail that they run in: whatever they need there is allowed and fits, so that they find
//! what they find outside it, with every engine of this build.
//!
//! This binary is also the jail.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod inspector;

use airlock_content::{media_types::DEFAULT, verdict::Outcome};
use airlock_engine::EngineKind;
use airlock_inspect::{engine, protocol, rule_set};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use libtest_mimic::{Arguments, Failed, Trial};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn main() {
    if protocol::serve_if_jail().unwrap() {
        return;
    }
    let trials = EngineKind::AVAILABLE
        .iter()
        .map(|kind| Trial::test(format!("t07_{kind}_finds_the_same_in_the_jail"), || finds_the_same(*kind)));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

fn finds_the_same(kind: EngineKind) -> Result<(), Failed> {
    let (engine, rules, jail) = (engine(kind)?, rule_set(kind)?, protocol::start(kind)?);
    let mut scanner = engine.scanner();
    let (mut clean, mut malicious) = (0, 0);
    for (name, content) in cases() {
        let object = inspector::sealed(&content);
        let request = inspector::request(&name);
        let expected = inspector::found(&mut scanner, &object, &request);
        let found = protocol::ask(&jail, &rules, &object, &request);
        let found = found.map_err(|error| format!("{name}: {error}"))?;
        if found != expected {
            return Err(format!("{name}: {found:?}, and outside {expected:?}").into());
        }
        clean += usize::from(expected.outcome == Outcome::Clean);
        malicious += usize::from(expected.outcome == Outcome::Malicious);
    }
    // Otherwise the jail was asked for nothing.
    assert!(clean > 20 && malicious > 60, "{clean} clean, {malicious} malicious");
    Ok(())
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
