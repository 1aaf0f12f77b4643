//! Prints what an inspection of a small object takes: the rules on the object itself, all of it outside the
//! jail, members and their rules included, and in the jail, with every engine of this build.
//!
//!     cargo run --release -p airlock-inspect --example overhead

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on should stop")]

#[path = "../tests/jailed/inspector.rs"]
mod inspector;

use airlock_content::{Declared, verdict::Outcome};
use airlock_engine::EngineKind;
use airlock_inspect::{engine, protocol, rule_set};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

const RUNS: usize = 300;

fn main() {
    if protocol::serve_if_jail().unwrap() {
        return;
    }
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/files");
    for kind in EngineKind::AVAILABLE {
        let (engine, rules) = (engine(*kind).unwrap(), rule_set(*kind).unwrap());
        let jail = protocol::start(*kind).unwrap();
        let mut scanner = engine.scanner();
        println!("{kind}, layers {}", jail.layers());
        for name in ["sample.txt", "sample.png", "sample.pdf", "sample.docx"] {
            let content = fs::read(files.join(name)).unwrap();
            let request = inspector::request(name);
            let (content_type, size) = (request.content_type.as_str(), content.len() as u64);
            let declared = Declared { content_type, file_name: name, size };
            let scanning = median(|| drop(scanner.scan(&content, &declared, request.time).unwrap()));
            let object = inspector::sealed(&content);
            let outside = median(|| drop(inspector::found(&mut scanner, &object, &request)));
            let all = median(|| {
                let found = protocol::ask(&jail, &rules, &inspector::sealed(&content), &request).unwrap();
                assert_eq!(found.outcome, Outcome::Clean);
            });
            println!(
                "  {name:<12} {:>7} bytes: rules {scanning:.2?}, all {outside:.2?}, jailed {all:.2?}",
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
