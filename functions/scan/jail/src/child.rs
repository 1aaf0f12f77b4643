//! One object's process: it gives up everything, then works, then reports and ends.

use crate::{
    Allowance, Layer, Layers, Task, kernel,
    limits::{ResourceLimits, become_nobody},
    protect::make_undumpable,
    report, sys,
    wire::{Descriptors, Status},
};
use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal, setpgid};
use std::{
    io::Write,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// The byte that the child writes to its life pipe once every layer is in place. Otherwise it writes the layer that
/// failed.
pub(crate) const JAILED: u8 = u8::MAX;

/// Exit codes, as a shell or Rust's runtime has them.
const PANICKED: i32 = 101;
const NOT_REPORTED: i32 = 74;
const NOT_JAILED: i32 = 70;

/// How long after its time a child kills itself, in case its zygote died.
const ALONE: Duration = Duration::from_secs(5);

/// What every child inherits from its zygote.
pub(crate) struct Inherited<'z> {
    pub(crate) zygote: Pid,
    /// `/dev/null`.
    pub(crate) null: BorrowedFd<'z>,
    /// The layers that the child must apply.
    pub(crate) layers: Layers,
}

/// Does the work and ends the process.
pub(crate) fn run(
    inherited: &Inherited<'_>,
    allowance: &Allowance,
    limits: ResourceLimits,
    task: &[u8],
    descriptors: &Descriptors<OwnedFd>,
    life: BorrowedFd<'_>,
    work: &impl Fn(Task) -> Vec<u8>,
) -> ! {
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let Descriptors { object, scratch, report, status } = descriptors;
        // Both sides call setpgid, so that the group exists whichever runs first.
        let _ = setpgid(None, None);
        // The child reports its id itself: a zygote that is killed may not get to it, and the parent then has to
        // kill the child.
        if Status::Started(getpid().as_raw_nonzero().get()).tell(status).is_err() {
            return NOT_JAILED;
        }
        let kept = sys::keep_only(inherited.null, [object.as_fd(), scratch.as_fd(), report.as_fd(), life]);
        let Ok(sys::Kept { object, scratch, report, mut life }) = kept else { return NOT_JAILED };
        if let Err(layer) = enter(inherited, allowance.time, limits) {
            let _ = life.write_all(&[layer as u8]);
            return NOT_JAILED;
        }
        // The kernel closes it when the process ends: that is how the zygote learns of the end.
        if life.write_all(&[JAILED]).is_err() {
            return NOT_JAILED;
        }
        std::mem::forget(life);
        let Ok(size) = object.metadata().map(|metadata| metadata.len()) else { return NOT_REPORTED };
        let bytes = work(Task { object, size, scratch, bytes: task.to_vec() });
        if report::write(report, &bytes).is_err() {
            return NOT_REPORTED;
        }
        0
    }));
    sys::exit(ended.unwrap_or(PANICKED))
}

/// Applies every layer. The error is the layer that failed.
pub(crate) fn enter(inherited: &Inherited<'_>, time: Duration, limits: ResourceLimits) -> Result<(), Layer> {
    let wanted = inherited.layers;
    become_nobody().map_err(|_| Layer::Identity)?;
    // If the zygote is killed, the kernel kills this process, where it supports that; SIGALRM does in any case.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    if getppid() != Some(inherited.zygote) {
        return Err(Layer::Processor);
    }
    let seconds = time.saturating_add(ALONE).as_secs();
    sys::alarm(u32::try_from(seconds).unwrap_or(u32::MAX));
    // The result does not matter: the probe has found out whether the layer `Closed` holds.
    make_undumpable();
    if wanted.contains(Layer::NoNewPrivs) && !kernel::no_new_privileges() {
        return Err(Layer::NoNewPrivs);
    }
    if wanted.contains(Layer::Landlock) && !kernel::landlock() {
        return Err(Layer::Landlock);
    }
    limits.set()?;
    if wanted.contains(Layer::Seccomp) && !kernel::seccomp() {
        return Err(Layer::Seccomp);
    }
    Ok(())
}
