//! Measures the engines side by side: the same rules, the same files, whole processes, in turns, so that
//! what else the machine does hits all of them. What counts is the ratios within one run.
//!
//!     bench YARA_COMMAND PYTHON
//!
//! `PYTHON` must be able to import `yara`. `differential/bench` builds and installs what is missing.

mod contender;
#[path = "../corpus/mod.rs"]
mod corpus;
mod files;
mod plain;

use airlock_engine::RuleFile;
use contender::{Contender, Run};
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Each measurement is the best of so many.
const REPEATS: usize = 7;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["scan", kind, threads, rules, list] => contender::scan(kind, threads, rules.as_ref(), list.as_ref()),
        [command, python] => bench(command, python),
        _ => Err("name a `yara` command and a Python that can import `yara`".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(command: &str, python: &str) -> Result<(), Box<dyn Error>> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../inspect/rules");
    let sources = RuleFile::read(&shipped)?;
    let scratch = tempfile::tempdir()?;
    let rules: Vec<PathBuf> = sources.iter().map(|source| source.path.clone()).collect();
    let contenders = contender::all(command, python, &rules, scratch.path())?;
    let nothing = scratch.path().join("nothing");
    fs::write(&nothing, "")?;
    println!(
        "{} rules files, best of {REPEATS} runs; MB/s, and × the yara command by the clock and by processor time\n",
        rules.len()
    );
    println!("{:<26} {:>9} {:>9}", "rules loaded, no file", "ms", "peak MB");
    for contender in &contenders {
        let run = contender.best(1, &nothing, REPEATS)?;
        println!("{:<26} {:>9.1} {:>9.0}", contender.name, run.cpu_seconds * 1e3, run.peak_mb);
    }
    for (name, sets) in files::sets(scratch.path())? {
        for (threads, set) in [1, 2].into_iter().zip(sets) {
            let title = format!("{name}, {threads} thread(s)");
            println!("\n{title:<26} {:>9} {:>9} {:>9} {:>9}", "MB/s", "× clock", "× CPU", "peak MB");
            report(&contenders, threads, &set, &nothing)?;
        }
    }
    Ok(())
}

fn report(
    contenders: &[Contender],
    threads: usize,
    set: &files::Set,
    nothing: &Path,
) -> Result<(), Box<dyn Error>> {
    let mut runs: Vec<Vec<Run>> = contenders.iter().map(|_| Vec::new()).collect();
    // In turns, not one after the other.
    for _ in 0..REPEATS {
        for (contender, runs) in contenders.iter().zip(&mut runs) {
            let (empty, full) = (contender.run(threads, nothing)?, contender.run(threads, &set.list)?);
            let less = |full: f64, empty: f64| (full - empty).max(1e-6);
            runs.push(Run {
                seconds: less(full.seconds, empty.seconds),
                cpu_seconds: less(full.cpu_seconds, empty.cpu_seconds),
                ..full
            });
        }
    }
    let best: Vec<Run> = runs.into_iter().map(contender::best).collect();
    let reference = contenders.iter().position(|contender| contender.is_reference).unwrap_or_default();
    for (contender, run) in contenders.iter().zip(&best) {
        let first = &best[reference];
        let (clock, cpu) = (first.seconds / run.seconds, first.cpu_seconds / run.cpu_seconds);
        let speed = set.bytes as f64 / 1e6 / run.seconds;
        println!("{:<26} {speed:>9.1} {clock:>9.2} {cpu:>9.2} {:>9.0}", contender.name, run.peak_mb);
    }
    Ok(())
}
