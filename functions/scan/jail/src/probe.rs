//! Finds out which layers hold on this machine: children put them on and try to get out.
//!
//! A kernel may accept a layer and not enforce it. There are three children, because a layer can only be tried
//! where no other layer would stop the attempt: the first has what needs no permission,
//! the second landlock alone, the third everything, as the work has it.

use crate::{
    Allowance, Layer, Layers,
    child::{Inherited, enter},
    kernel,
    limits::ResourceLimits,
    sys,
};
use rustix::{
    fs::{MemfdFlags, memfd_create},
    net::{AddressFamily, SocketType, socket},
    process::{Pid, Resource, geteuid, getppid, getrlimit, getuid},
    thread::{capabilities, set_thread_uid},
};
use std::{
    fs::File,
    io::{self, PipeReader, Read, Write},
    os::fd::AsFd,
    os::unix::fs::FileExt,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

const ALLOWANCE: Allowance = Allowance { time: Duration::from_secs(10), memory: 16 << 20, scratch: 1 << 20 };

/// The layers that hold on this machine.
///
/// # Errors
///
/// If children cannot be forked, or benign work does not get through the layers.
pub(crate) fn probe(null: impl AsFd) -> io::Result<Layers> {
    let inherited = |layers| Inherited { zygote: rustix::process::getpid(), null: null.as_fd(), layers };
    let limits = ResourceLimits::new(&ALLOWANCE, 0)?;
    let parent = getppid();

    let mut held = Layers::NONE;
    let bare = inherited(Layers::NONE);
    for layers in [try_in_child(|| without_permission(&bare, limits, parent))?, try_in_child(by_permission)?]
    {
        held = held.union(layers);
    }
    let mut strictest = held;
    strictest.insert(Layer::Seccomp);
    match try_benign(&inherited(strictest), limits)? {
        Benign::StoppedAfterwards => Ok(strictest),
        // Refused, or accepted and not enforced: the work then runs without it.
        _ => match try_benign(&inherited(held), limits)? {
            Benign::NotStopped => Ok(held),
            _ => Err(io::Error::other("benign work does not get through the layers")),
        },
    }
}

/// Runs `find` in a child and returns what it found.
fn try_in_child(find: impl Fn() -> Layers) -> io::Result<Layers> {
    let (mut answer, pid) = child(|mut tell| tell.write_all(&find().bits().to_le_bytes()))?;
    let mut bits = [0; 2];
    let told = answer.read_exact(&mut bits);
    sys::wait(pid)?;
    told.map_err(|_| io::Error::other("a probe died"))?;
    Ok(Layers::from_bits(u16::from_le_bytes(bits)))
}

/// Forks a child that does `what` and ends.
fn child(what: impl Fn(io::PipeWriter) -> io::Result<()>) -> io::Result<(PipeReader, Pid)> {
    let (answer, tell) = io::pipe()?;
    match sys::fork()? {
        sys::Forked::Parent(pid) => Ok((answer, pid)),
        sys::Forked::Child => {
            drop(answer);
            let ended = catch_unwind(AssertUnwindSafe(|| what(tell)));
            sys::exit(i32::from(!matches!(ended, Ok(Ok(())))));
        }
    }
}

/// With the layers that need no permission, and no others.
fn without_permission(inherited: &Inherited<'_>, limits: ResourceLimits, parent: Option<Pid>) -> Layers {
    let Ok(file) = tempfile::tempfile() else { return Layers::NONE };
    if enter(inherited, ALLOWANCE.time, limits).is_err() {
        return Layers::NONE;
    }
    let descriptors = File::open("/").is_err()
        && socket(AddressFamily::INET, SocketType::STREAM, None).is_err()
        && socket(AddressFamily::UNIX, SocketType::STREAM, None).is_err()
        && memfd_create("probe", MemfdFlags::empty()).is_err();
    let processes = match sys::fork() {
        Ok(sys::Forked::Child) => sys::exit(0),
        Ok(sys::Forked::Parent(_)) => false,
        Err(_) => true,
    };
    let memory = usize::try_from(limits.address_space)
        .is_ok_and(|all| Vec::<u8>::new().try_reserve_exact(all).is_err())
        && getrlimit(Resource::Memlock).maximum == Some(0);
    let processor = getrlimit(Resource::Cpu).maximum.is_some_and(|most| most <= limits.processor);
    sys::ignore_file_size_signal();
    let scratch = file.set_len(limits.scratch + 1).is_err()
        && file.set_len(limits.scratch).is_ok()
        && getrlimit(Resource::Core).maximum == Some(0);
    let identity = !getuid().is_root()
        && !geteuid().is_root()
        && set_thread_uid(rustix::fs::Uid::ROOT).is_err()
        && capabilities(None).is_ok_and(|sets| {
            sets.effective.is_empty() && sets.permitted.is_empty() && sets.inheritable.is_empty()
        });
    let closed = !sys::reaches(inherited.zygote) && !parent.is_some_and(sys::reaches);
    [
        (Layer::Descriptors, descriptors),
        (Layer::Processes, processes),
        (Layer::Memory, memory),
        (Layer::Processor, processor),
        (Layer::Scratch, scratch),
        (Layer::Identity, identity),
        (Layer::Closed, closed),
    ]
    .into_iter()
    .filter_map(|(layer, holds)| holds.then_some(layer))
    .collect()
}

/// With landlock and what it needs: a folder that could be opened before can no longer be opened.
fn by_permission() -> Layers {
    let mut held = Layers::NONE;
    if kernel::no_new_privileges() {
        held.insert(Layer::NoNewPrivs);
    }
    if File::open("/").is_ok() && kernel::landlock() && File::open("/").is_err() {
        held.insert(Layer::Landlock);
    }
    held
}

#[derive(PartialEq, Eq)]
enum Benign {
    Failed,
    NotStopped,
    StoppedAfterwards,
}

/// With everything: benign work must succeed, and a forbidden system call must then kill the child.
fn try_benign(inherited: &Inherited<'_>, limits: ResourceLimits) -> io::Result<Benign> {
    let (mut answer, pid) = child(|mut tell| {
        let file = tempfile::tempfile()?;
        enter(inherited, ALLOWANCE.time, limits).map_err(|_| io::Error::other("refused"))?;
        file.set_len(4096)?;
        file.write_all_at(b"benign", 4090)?;
        let mut back = vec![0; 1 << 20];
        let read = file.read_at(&mut back, 0)?;
        if read != 4096 || file.metadata()?.len() != 4096 {
            return Err(io::Error::other("wrong"));
        }
        std::hint::black_box(std::time::Instant::now());
        tell.write_all(b"done")?;
        sys::call_what_is_forbidden();
        Ok(())
    })?;
    let mut told = Vec::new();
    answer.read_to_end(&mut told)?;
    Ok(match sys::wait(pid)?.0 {
        sys::Exit::Exited(0) if told == b"done" => Benign::NotStopped,
        sys::Exit::Killed(libc::SIGSYS) if told == b"done" => Benign::StoppedAfterwards,
        _ => Benign::Failed,
    })
}
