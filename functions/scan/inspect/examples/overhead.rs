//! Prints what an inspection of a small object takes: the rules on the object itself, all of it outside the
//! jail, members and their rules included, and in the jail, with every engine of this build.
//!
//!     cargo run --release -p airlock-inspect --example overhead

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on should stop")]

#[path = "../tests/jailed/inspector.rs"]
mod inspector;

use airlock_content::verdict::Outcome;
use airlock_engine::EngineKind;
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

const RUNS: usize = 300;

fn main() {
    if inspector::serve() {
        return;
    }
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/files");
    for kind in EngineKind::AVAILABLE {
        let (engine, jail) = (airlock_inspect::engine(*kind).unwrap(), inspector::jail(*kind));
        let mut scanner = engine.scanner();
        println!("{kind}, layers {}", jail.layers());
        for name in ["sample.txt", "sample.png", "sample.pdf", "sample.docx"] {
            let content = fs::read(files.join(name)).unwrap();
            let declared = inspector::declared(name, content.len() as u64);
            let rules = median(|| drop(scanner.scan(&content, &declared, Duration::from_secs(20)).unwrap()));
            let object = inspector::sealed(&content);
            let outside = median(|| {
                let scratch = tempfile::tempfile().unwrap();
                inspector::found(&mut scanner, &object.open().unwrap(), scratch, name);
            });
            let all = median(|| {
                let found = inspector::jailed(&jail, &inspector::sealed(&content), name).unwrap();
                assert_eq!(found.unwrap().outcome, Outcome::Clean);
            });
            println!(
                "  {name:<12} {:>7} bytes: rules {rules:.2?}, all {outside:.2?}, jailed {all:.2?}",
                content.len()
            );
        }
    }
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[RUNS / 2]
}
