//! Prints what the jail costs: time per run of work that does nothing, one after another, with the
//! kernel's layers and where they are refused.
//!
//!     cargo run --release -p airlock-jail --example cost

#[allow(clippy::unwrap_used, reason = "a part of the tests")]
#[path = "../tests/jail/refuse.rs"]
mod refuse;

use airlock_jail::{Allowance, Draft, Jail, protect_environment, serve};
use std::{error::Error, io::Write, process::Command, time::Duration, time::Instant};

const RUNS: u32 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["refuse", what, user, rest @ ..] => refuse::main(what, user, rest),
        ["zygote", megabytes] => zygote(megabytes.parse()?),
        _ => {
            protect_environment()?;
            for megabytes in ["0", "16", "80"] {
                measure(&["zygote", megabytes])?;
                measure(&["refuse", "kernel", "-", "zygote", megabytes])?;
            }
            Ok(())
        }
    }
}

/// A zygote that has loaded so much, which is then mapped into each child.
fn zygote(megabytes: usize) -> Result<(), Box<dyn Error>> {
    let rules = vec![1_u8; megabytes << 20];
    Ok(serve(|task| rules.get(task.bytes.len()).map(u8::to_string).unwrap_or_default().into())?)
}

fn measure(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut draft = Draft::new(1 << 20)?;
    draft.write_all(&vec![0; 1 << 20])?;
    let object = draft.seal()?;
    let allowance = Allowance { time: Duration::from_secs(10), memory: 64 << 20, scratch: 1 << 20 };
    let program = std::env::current_exe()?;
    let begun = Instant::now();
    let words: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
    let jail = Jail::start(move || {
        let mut command = Command::new(&program);
        command.args(&words);
        command
    })?;
    let start = begun.elapsed();
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        jail.run(&object, b"", &allowance)?;
        runs.push(begun.elapsed());
    }
    runs.sort_unstable();
    let mean = runs.iter().sum::<Duration>() / RUNS;
    println!("{arguments:?}, layers {}", jail.layers());
    println!("  start {start:.1?}, run: mean {mean:.2?}, median {:.2?}, p99 {:.2?}", runs[500], runs[990]);
    Ok(())
}
