//! How a run ends: with a report, badly, or with nothing decided.

use crate::{BadReport, Layers};
use std::{io, time::Duration};

/// The result of work that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the work returned. Parse it as untrusted input: hostile content may have taken the work over.
    pub bytes: Vec<u8>,
    /// The child's peak resident memory in bytes, including what it shares with the zygote.
    pub peak_memory: u64,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum JailError {
    /// The jail itself failed: nothing is known about the object, and another try may succeed.
    #[error("the jail is unavailable: {0}")]
    Unavailable(#[from] Unavailable),
    /// The work began and ended badly. The object, or a defect that it found, is the likely reason.
    #[error("the work ended badly: {0}")]
    Ended(#[from] Ended),
}

/// How the jail itself failed.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The system refused something: descriptors, memory, room for the scratch file.
    #[error("{0}")]
    System(#[from] io::Error),
    /// The zygote did not come up; its standard error says more.
    #[error("the zygote did not start: {0}")]
    Start(String),
    /// Mandatory layers do not hold here.
    #[error("these layers do not hold: {0}")]
    Open(Layers),
    /// A new zygote has other layers than the first one.
    #[error("the layers were {was} and are now {now}")]
    Changed {
        /// Of the first zygote.
        was: Layers,
        /// Of the one that was to replace it.
        now: Layers,
    },
    /// The child could not be forked, or could not apply its layers. It did not begin the work.
    #[error("the child could not be jailed (step {0})")]
    NotJailed(i32),
    /// The zygote ended while the work was running.
    #[error("the zygote died")]
    Died,
    /// The zygote did not report the end of the work in time, and was killed.
    #[error("the zygote did not answer within {0:?}")]
    Unresponsive(Duration),
    /// The task is longer than [`crate::MAX_TASK`]; another try does not help.
    #[error("a task of {0} bytes is too long")]
    TaskTooLong(usize),
}

/// How work ended badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// It was killed at the end of its time.
    #[error("timed out")]
    TimedOut,
    /// A signal ended it. SIGSYS: it tried what seccomp forbids. SIGABRT or SIGSEGV: a crash, or out
    /// of memory. SIGXFSZ: its scratch file was full. SIGKILL: the machine ran out
    /// of memory, or the child closed its life pipe.
    #[error("killed by signal {0}")]
    Killed(i32),
    /// It exited with another code than 0; 101 is a panic.
    #[error("exited with {0}")]
    Exited(i32),
    /// It exited with 0, but its report is malformed.
    #[error("{0}")]
    Report(#[from] BadReport),
}
