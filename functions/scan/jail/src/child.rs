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

/// What the child says over its life pipe once it is jailed. Before that, the layer that failed.
pub(crate) const JAILED: u8 = u8::MAX;

/// Exit codes, as a shell or Rust's runtime has them.
const PANICKED: i32 = 101;
const NOT_REPORTED: i32 = 74;
const NOT_JAILED: i32 = 70;

/// How long after its time a child ends even if nobody watches over it any more.
const ALONE: Duration = Duration::from_secs(5);

/// What every child has from its zygote.
pub(crate) struct Inherited<'z> {
    pub(crate) zygote: Pid,
    /// `/dev/null`.
    pub(crate) null: BorrowedFd<'z>,
    /// What the child has to put on.
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
        // The zygote does the same; whoever comes first.
        let _ = setpgid(None, None);
        // Said by the child, because a zygote that is killed may not come to it, and who asked has
        // to know whom to kill then.
        if Status::Started(getpid().as_raw_nonzero().get()).tell(status).is_err() {
            return NOT_JAILED;
        }
        let kept = sys::keep_only(inherited.null, [object.as_fd(), scratch.as_fd(), report.as_fd(), life]);
        let Ok(sys::Kept { object, scratch, report, mut life }) = kept else { return NOT_JAILED };
        if let Err(layer) = enter(inherited, allowance.time, limits) {
            let _ = life.write_all(&[layer as u8]);
            return NOT_JAILED;
        }
        // Closed when the process ends, and not before: that is how the zygote knows.
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

/// Puts on every layer; the one that could not be put on is the error.
pub(crate) fn enter(inherited: &Inherited<'_>, time: Duration, limits: ResourceLimits) -> Result<(), Layer> {
    let wanted = inherited.layers;
    become_nobody().map_err(|_| Layer::Identity)?;
    // Against being left alone by a zygote that was killed: the kernel's help where it is given,
    // and a clock.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    if getppid() != Some(inherited.zygote) {
        return Err(Layer::Processor);
    }
    let seconds = time.saturating_add(ALONE).as_secs();
    sys::alarm(u32::try_from(seconds).unwrap_or(u32::MAX));
    // The zygote could, or its probe found that nobody can trace: whether it holds is `Closed`.
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
