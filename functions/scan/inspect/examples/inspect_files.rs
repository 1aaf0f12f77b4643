//! Inspects many files in one process, against the policy that deployments begin with. Each line of the input is a
//! declared type, a file name and a path, with tabs between; each line of the output is the outcome, a tab, and the
//! reason.
//!
//!     printf 'image/png\ta.png\t/tmp/a.png\n' | cargo run --release --example inspect_files

use airlock_content::{Declared, policy::Policy};
use airlock_engine::EngineKind;
use airlock_inspect::{Bounds, LIMITS, inspect};
use std::{
    error::Error,
    fs::File,
    io::{BufRead, Write},
    time::Duration,
};

const TIMEOUT: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let engine = airlock_inspect::engine(EngineKind::Yara)?;
    let mut scanner = engine.scanner();
    let policy = Policy::parse("default", u64::MAX)?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let [content_type, file_name, path] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("no type, name and path: {line:?}").into());
        };
        let file = File::open(path).map_err(|error| format!("{path}: {error}"))?;
        let declared = Declared { content_type, file_name, size: file.metadata()?.len() };
        let bounds = Bounds { scratch: tempfile::tempfile()?, limits: LIMITS, timeout: TIMEOUT };
        let found = inspect(&mut scanner, &policy, &file, &declared, bounds);
        let reason = found.reason.unwrap_or_default().replace(['\t', '\n'], " ");
        writeln!(std::io::stdout(), "{}\t{reason}", found.outcome.name())?;
    }
    Ok(())
}
