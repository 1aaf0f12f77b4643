//! Inspects any small file under any declaration, as the jail does: it answers a request with a finding that the
//! function takes.
#![no_main]

use airlock_content::media_types::DEFAULT;
use airlock_engine::{Engine, EngineKind};
use airlock_inspect::{
    Finding, Limits, engine,
    protocol::{Request, answer},
};
use airlock_jail::{MAX_REPORT, Task};
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
    pixels: 1 << 20,
    frames: 100,
};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| engine(EngineKind::Yara).expect("the rules load"));

fuzz_target!(|input: &[u8]| {
    let Some((declared, content)) = input.split_first() else { return };
    let declared = &DEFAULT[usize::from(*declared) % DEFAULT.len()];
    let mut object = tempfile::tempfile().expect("a temporary file can be made");
    object.write_all(content).expect("it can be written");
    let request = Request {
        content_type: declared.name.to_owned(),
        file_name: format!("object.{}", declared.extensions[0]),
        allowed_types: "default".to_owned(),
        allowed_members: "default".to_owned(),
        time: Duration::from_secs(3600),
    };
    let scratch = tempfile::tempfile().expect("another one can be made");
    let task = Task { object, size: content.len() as u64, scratch, bytes: request.to_bytes() };
    let report = answer(&mut ENGINE.scanner(), LIMITS, task);
    assert!(report.len() <= MAX_REPORT, "the jail lets no {} bytes through", report.len());
    let is_rule = |name: &str| ENGINE.rules().iter().any(|rule| rule.name == name);
    let finding = Finding::from_report(&report, declared.name, is_rule);
    assert!(finding.is_some(), "{}", String::from_utf8_lossy(&report));
});
