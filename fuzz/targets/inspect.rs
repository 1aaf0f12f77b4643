//! Whatever a small file holds and is declared to be, the whole inspection with the rules that ship
//! ends with a finding that its reader takes.
#![no_main]

use airlock_content::{Declared, media_types::DEFAULT, policy::Policy};
use airlock_engine::{Engine, EngineKind};
use airlock_inspect::{Bounds, Finding, Limits, engine, inspect};
use libfuzzer_sys::fuzz_target;
use std::{io::Write, sync::LazyLock, time::Duration};

/// Small, so that one run is short.
const LIMITS: Limits = Limits {
    depth: 3,
    members: 50,
    member_bytes: 1 << 20,
    total_bytes: 2 << 20,
    multiple: 1,
    floor_bytes: 1 << 20,
    ratio: 100,
    path_bytes: 256,
    window_bytes: 4 << 20,
};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| engine(EngineKind::Yara).expect("the rules load"));

fuzz_target!(|input: &[u8]| {
    let Some((declared, content)) = input.split_first() else { return };
    let declared = &DEFAULT[usize::from(*declared) % DEFAULT.len()];
    let mut file = tempfile::tempfile().expect("a temporary file can be made");
    file.write_all(content).expect("it can be written");
    let bounds = Bounds {
        scratch: tempfile::tempfile().expect("another one can be made"),
        limits: LIMITS,
        timeout: Duration::from_secs(3600),
    };
    let policy = Policy::parse("default", u64::MAX).expect("it is a policy");
    let file_name = format!("object.{}", declared.extensions[0]);
    let size = content.len() as u64;
    let declared = Declared { content_type: declared.name, file_name: &file_name, size };
    let mut scanner = ENGINE.scanner();
    let finding = inspect(&mut scanner, &policy, &file, &declared, bounds);
    let report = finding.to_report();
    assert!(report.len() <= 64 * 1024, "the jail lets {} bytes through", report.len());
    let is_rule = |name: &str| ENGINE.rules().iter().any(|rule| rule.name == name);
    assert_eq!(Finding::from_report(&report, declared.content_type, is_rule), Some(finding));
});
