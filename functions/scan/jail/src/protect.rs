//! Closes this process's environment and memory to other processes of its user.

use crate::sys;
use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};
use std::io;

/// What keeps other processes from reading this one's environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// The process is not dumpable: its environment and memory are closed to others of its user.
    Undumpable,
    /// The kernel refused that; the environment block was overwritten.
    Scrubbed,
}

/// Closes this process to other processes of its user, the jailed child among them, which could
/// otherwise read credentials in `/proc/<pid>/environ` or `/proc/<pid>/mem`.
///
/// To be called first in `main`. Where the kernel refuses to make the process undumpable, the
/// environment block is overwritten; [`std::env::var`] answers as before.
///
/// # Errors
///
/// If neither is possible. The environment block can only be overwritten while there is a single thread.
pub fn protect_environment() -> io::Result<Protection> {
    if make_undumpable() {
        return Ok(Protection::Undumpable);
    }
    sys::scrub_environment()?;
    Ok(Protection::Scrubbed)
}

/// Whether this process could be made undumpable.
pub(crate) fn make_undumpable() -> bool {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok()
        && dumpable_behavior() == Ok(DumpableBehavior::NotDumpable)
}
