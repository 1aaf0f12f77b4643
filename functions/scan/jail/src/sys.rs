//! The few calls to the kernel that no safe interface has.

#![expect(unsafe_code, reason = "fork, and what libraries leave out")]

use rustix::process::Pid;
use std::{
    fs::File,
    io,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, RawFd},
};

/// Where `fork` returned.
pub(crate) enum Forked {
    Parent(Pid),
    Child,
}

/// How a child ended.
pub(crate) enum Exit {
    Exited(i32),
    Killed(i32),
}

/// Makes a child of this process.
///
/// # Errors
///
/// If the system refuses, or this process has more than one thread: the child would have only one
/// of them, and locks that the others hold would stay locked.
pub(crate) fn fork() -> io::Result<Forked> {
    // SAFETY: the process has a single thread (checked by `is_single_threaded` when it begins to
    // serve; the work runs in children only), so the child may do whatever the parent may.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => Pid::from_raw(pid).map(Forked::Parent).ok_or_else(|| io::Error::other("no process id")),
    }
}

/// Ends the process, without whatever was registered to run at its end.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: ends the process; nothing of it is used afterwards.
    unsafe { libc::_exit(code) }
}

/// Waits until the child has ended: how, and its largest resident size in bytes.
pub(crate) fn wait(pid: Pid) -> io::Result<(Exit, u64)> {
    let mut status = 0;
    // SAFETY: plain numbers, for which all zeros is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live values of the right type.
        if unsafe { libc::wait4(pid.as_raw_nonzero().get(), &raw mut status, 0, &raw mut usage) } != -1 {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let exit = if libc::WIFEXITED(status) {
        Exit::Exited(libc::WEXITSTATUS(status))
    } else {
        Exit::Killed(libc::WTERMSIG(status))
    };
    Ok((exit, u64::try_from(usage.ru_maxrss).unwrap_or(0).saturating_mul(1024)))
}

/// The descriptors of a child.
pub(crate) struct Kept {
    pub(crate) object: File,
    pub(crate) scratch: File,
    pub(crate) report: File,
    pub(crate) life: File,
}

/// Puts `null` in place of the standard streams, the others behind it, and closes all the rest.
///
/// To be called in a child that ends with [`exit`]: what owned the other descriptors must never
/// drop them.
pub(crate) fn keep_only(null: BorrowedFd<'_>, rest: [BorrowedFd<'_>; 4]) -> io::Result<Kept> {
    // First out of the way, so that none is overwritten before it is in place.
    const AWAY: RawFd = 64;
    let mut away = [0; 4];
    for (to, from) in away.iter_mut().zip(rest) {
        // SAFETY: copies a live descriptor.
        *to = checked(unsafe { libc::fcntl(from.as_raw_fd(), libc::F_DUPFD, AWAY) })?;
    }
    let places = [(0, null.as_raw_fd()), (1, null.as_raw_fd()), (2, null.as_raw_fd())];
    for (place, from) in places.into_iter().chain((3..).zip(away)) {
        // SAFETY: what was in `place` belongs to the parent's code, which does not go on here.
        checked(unsafe { libc::dup2(from, place) })?;
    }
    close_from(7)?;
    // SAFETY: 3 to 6 are open, and owned by nothing else: see above.
    let own = |place| unsafe { File::from_raw_fd(place) };
    Ok(Kept { object: own(3), scratch: own(4), report: own(5), life: own(6) })
}

fn close_from(first: libc::c_uint) -> io::Result<()> {
    // SAFETY: closes descriptors that only the parent's code used; see `keep_only`.
    if unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) } == 0 {
        return Ok(());
    }
    // Refused, or a kernel before 5.9. The listing's own descriptor is among them, hence the copy.
    let open: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|open| *open >= first.cast_signed())
        .collect();
    for descriptor in open {
        // SAFETY: as above.
        unsafe { libc::close(descriptor) };
    }
    Ok(())
}

/// Ends this process by SIGALRM in so many seconds, unless something else does.
pub(crate) fn alarm(seconds: u32) {
    // SAFETY: sets a timer.
    unsafe { libc::alarm(seconds) };
}

/// Writes beyond the limit on the size of files fail, instead of ending this process.
pub(crate) fn ignore_file_size_signal() {
    // SAFETY: ignoring a signal runs no code.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Calls what no benign work needs: seccomp ends this process here.
pub(crate) fn call_what_is_forbidden() {
    // SAFETY: has no effect.
    unsafe { libc::getppid() };
}

/// Whether the memory of `pid` is within this process's reach.
pub(crate) fn reaches(pid: Pid) -> bool {
    let pid = pid.as_raw_nonzero().get();
    let mut byte = 0_u8;
    let here = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let there = libc::iovec { iov_base: std::ptr::without_provenance_mut(1), iov_len: 1 };
    // SAFETY: writes at most one byte, to `byte`. Nothing is mapped at 1, so that EFAULT says that
    // the process was within reach.
    let read = unsafe { libc::process_vm_readv(pid, &raw const here, 1, &raw const there, 1, 0) };
    if read >= 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EFAULT) {
        return true;
    }
    // SAFETY: takes no memory. The tracee is not stopped, and let go when this process ends.
    let traced = unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) };
    traced == 0
}

/// Overwrites this process's environment block with zeros.
///
/// # Errors
///
/// If another thread runs, which might read the block, or if the block cannot be found.
pub(crate) fn scrub_environment() -> io::Result<()> {
    if !is_single_threaded()? {
        return Err(io::Error::other("the environment can be moved only before there are threads"));
    }
    for (name, value) in std::env::vars_os() {
        // SAFETY: there is no other thread. The C library moves a variable that is set to the heap.
        unsafe { std::env::set_var(name, value) };
    }
    // proc(5): fields 50 and 51 are env_start and env_end; field 2 is in parentheses.
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let mut fields =
        stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().skip(47)).into_iter().flatten();
    let mut next =
        || fields.next().and_then(|field| field.parse::<usize>().ok()).filter(|address| *address != 0);
    let (Some(start), Some(end)) = (next(), next()) else {
        return Err(io::Error::other("the environment block is not where it should be"));
    };
    // SAFETY: this is the block that the kernel wrote at exec: mapped, writable, and pointed at by
    // nothing since every variable was set anew above.
    unsafe { std::ptr::with_exposed_provenance_mut::<u8>(start).write_bytes(0, end.saturating_sub(start)) };
    if std::fs::read("/proc/self/environ")?.iter().any(|byte| *byte != 0) {
        return Err(io::Error::other("the environment block could not be overwritten"));
    }
    Ok(())
}

/// Whether this process has one thread.
pub(crate) fn is_single_threaded() -> io::Result<bool> {
    Ok(std::fs::read_dir("/proc/self/task")?.count() == 1)
}

fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
