//! Inspections of named contents in the jail, and the same outside.

use airlock_content::{Declared, media_types, policy::Policy};
use airlock_engine::{EngineKind, Scanner};
use airlock_inspect::{Bounds, Finding, LIMITS, MEMORY, inspect};
use airlock_jail::{Allowance, Draft, Jail, JailError, Sealed, Task};
use std::{cell::RefCell, fs::File, io::Write, process::Command, time::Duration};

const TIME: Duration = Duration::from_secs(20);

/// The jail's side, if this process was started to be it.
pub(crate) fn serve() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, argument, kind] = arguments.as_slice() else { return false };
    if argument != "as-jail" {
        return false;
    }
    let engine = airlock_inspect::engine(kind.parse().unwrap()).unwrap().without_threads();
    let scanner = RefCell::new(engine.scanner());
    airlock_jail::serve(|Task { object, scratch, bytes, .. }| {
        let file_name = String::from_utf8(bytes).unwrap();
        found(&mut scanner.borrow_mut(), &object, scratch, &file_name).to_report()
    })
    .unwrap();
    true
}

pub(crate) fn jail(kind: EngineKind) -> Jail {
    Jail::start(move || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["as-jail", kind.name()]);
        command
    })
    .unwrap()
}

pub(crate) fn sealed(content: &[u8]) -> Sealed {
    let mut draft = Draft::new(content.len() as u64).unwrap();
    draft.write_all(content).unwrap();
    draft.seal().unwrap()
}

/// With as much as the function allows.
pub(crate) fn jailed(jail: &Jail, object: &Sealed, file_name: &str) -> Result<Option<Finding>, JailError> {
    let memory = MEMORY + LIMITS.member_bytes;
    let allowance = Allowance { time: TIME, memory, scratch: LIMITS.total_bytes };
    let report = jail.run(object, file_name.as_bytes(), &allowance)?;
    Ok(serde_json::from_slice(&report.bytes).ok())
}

/// Of an object that is declared to be what its name says.
pub(crate) fn found(scanner: &mut Scanner<'_>, object: &File, scratch: File, file_name: &str) -> Finding {
    let policy = Policy::parse("default", u64::MAX).unwrap();
    let bounds = Bounds { scratch, limits: LIMITS, timeout: TIME };
    inspect(scanner, &policy, object, &declared(file_name, object.metadata().unwrap().len()), bounds)
}

pub(crate) fn declared(file_name: &str, size: u64) -> Declared<'_> {
    let content_type =
        media_types::of_file_name(file_name).map_or("application/octet-stream", |known| known.name);
    Declared { content_type, file_name, size }
}
