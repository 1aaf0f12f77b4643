//! The inspection of bytes, by the rules that ship, against the policy that deployments begin with.

use airlock_content::{Declared, policy::Policy};
use airlock_engine::{Engine, EngineKind};
use airlock_inspect::{Bounds, Finding, LIMITS, inspect};
use std::{
    io::{Seek, Write},
    sync::LazyLock,
    time::Duration,
};

pub(crate) static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| airlock_inspect::engine(EngineKind::Yara).unwrap());
pub(crate) static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::parse("default", u64::MAX).unwrap());

pub(crate) fn inspected(content_type: &str, file_name: &str, bytes: &[u8]) -> Finding {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    let declared = Declared { content_type, file_name, size: bytes.len() as u64 };
    let scratch = tempfile::tempfile().unwrap();
    let bounds = Bounds { scratch, limits: LIMITS, timeout: Duration::from_secs(20) };
    inspect(&mut ENGINE.scanner(), &POLICY, &file, &declared, bounds)
}
