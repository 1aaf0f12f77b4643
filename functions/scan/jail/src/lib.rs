//! Runs work on hostile bytes in a process that can reach nothing.
//!
//! [`Jail::start`] starts a fresh process, the *zygote*, with an empty environment and one socket;
//! there [`serve`] answers. Per object it forks a child, which gives up everything but the object, a
//! scratch file and a pipe for its report, and only then begins the work. [`Layers`] lists the restrictions on it.
//!
//! What no layer can give: a child that hostile bytes have taken over can lie in its report about
//! the object that took it over. It cannot lie about another one: each object has its own child, and no child
//! reaches the zygote's memory ([`Layer::Closed`]).
//!
//! Where the kernel refuses seccomp and landlock, as on AWS Lambda, a child that has the parent's
//! user can also make any system call that needs no descriptor. It can send signals to the parent and the
//! zygote and change their limits and priorities: nothing is decided then, and the next run has a
//! new zygote. It can make, rename and remove names where that user may, ask whether a path exists,
//! truncate its own object if that is a file ([`Sealed`]), leave System V segments behind, and put
//! a program in its own place, which keeps every limit; only a program that is setuid to root could
//! lift them, and there must be none on such a system. It cannot read a file, a socket or another
//! process, and nothing that it has read can leave the machine but by its report.

#[cfg(not(target_os = "linux"))]
compile_error!("the jail is made of what Linux has: seccomp, landlock, memfd, /proc");

mod child;
mod jail;
mod kernel;
mod layers;
mod limits;
mod outcome;
mod probe;
mod protect;
mod report;
mod sealed;
mod sys;
mod watch;
mod wire;
mod zygote;

pub use jail::Jail;
pub use layers::{Layer, Layers};
pub use outcome::{Ended, JailError, Report, Unavailable};
pub use protect::{Protection, protect_environment};
pub use report::{BadReport, MAX_REPORT};
pub use sealed::{Draft, Sealed};
pub use zygote::serve;

use std::{fs::File, time::Duration};

/// The longest task, in bytes.
pub const MAX_TASK: usize = 64 * 1024;

/// What one piece of work gets. It runs in a single thread, and cannot open or start anything.
#[derive(Debug)]
pub struct Task {
    /// The object, at its start; read-only.
    pub object: File,
    /// The object's size in bytes.
    pub size: u64,
    /// An empty file for the work's temporary data. It is deleted when the work ends.
    pub scratch: File,
    /// The task that the caller of [`Jail::run`] gave.
    pub bytes: Vec<u8>,
}

/// How much one piece of work may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Wall clock from the start of the child.
    pub time: Duration,
    /// Bytes of address space, besides what the zygote has and one mapping of the object.
    pub memory: u64,
    /// Bytes of the scratch file.
    pub scratch: u64,
}
