//! The layers that need the kernel's permission: no_new_privs, landlock, seccomp.

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
use rustix::{process::getpid, thread::set_no_new_privs};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

/// The newest version of landlock that is used. An older kernel applies what it knows of it.
const LANDLOCK: ABI = ABI::V7;

/// Programs that this process executes gain no privileges.
pub(crate) fn no_new_privileges() -> bool {
    set_no_new_privs(true).is_ok() && rustix::thread::no_new_privs() == Ok(true)
}

/// No path, no port, no abstract socket and, where the kernel knows how, no signal to the outside.
pub(crate) fn landlock() -> bool {
    Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(LANDLOCK)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(LANDLOCK)))
        .and_then(|ruleset| ruleset.create()?.restrict_self())
        .is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
}

/// Any system call but those of [`filter`] ends this process with SIGSYS.
pub(crate) fn seccomp() -> bool {
    filter().is_some_and(|program| apply_filter(&program).is_ok())
}

/// What benign work calls: memory (never executable), reading and writing descriptors that it has,
/// the clock, and its own end.
fn filter() -> Option<BpfProgram> {
    let own_pid = u64::from(getpid().as_raw_nonzero().get().unsigned_abs());
    let masked = |argument, mask: u64, value: u64| (argument, SeccompCmpOp::MaskedEq(mask), value);
    let equal = |argument, value: u64| (argument, SeccompCmpOp::Eq, value);
    let not_executable = masked(2, libc::PROT_EXEC as u64, 0);
    // The C library reads a descriptor's metadata by this call with an empty path. seccomp cannot check that the
    // path is empty, so the metadata of any path can be read, but no more than that.
    let of_descriptor = |argument| masked(argument, libc::AT_EMPTY_PATH as u64, libc::AT_EMPTY_PATH as u64);

    let mut rules: Vec<(i64, Vec<SeccompRule>)> = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    for (call, alternatives) in [
        (libc::SYS_mmap, vec![not_executable.clone()]),
        (libc::SYS_mprotect, vec![not_executable]),
        (libc::SYS_newfstatat, vec![of_descriptor(3)]),
        (libc::SYS_statx, vec![of_descriptor(2)]),
        (libc::SYS_fcntl, vec![equal(1, libc::F_GETFD as u64), equal(1, libc::F_GETFL as u64)]),
        // abort() signals its own thread.
        (libc::SYS_tgkill, vec![equal(0, own_pid)]),
    ] {
        let mut either = Vec::new();
        for (argument, operator, value) in alternatives {
            let condition = SeccompCondition::new(argument, Dword, operator, value).ok()?;
            either.push(SeccompRule::new(vec![condition]).ok()?);
        }
        rules.push((call, either));
    }
    let architecture = TargetArch::try_from(std::env::consts::ARCH).ok()?;
    SeccompFilter::new(
        rules.into_iter().collect(),
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        architecture,
    )
    .ok()?
    .try_into()
    .ok()
}

#[rustfmt::skip]
const ALLOWED: &[i64] = &[
    libc::SYS_brk, libc::SYS_munmap, libc::SYS_mremap, libc::SYS_madvise,
    libc::SYS_read, libc::SYS_readv, libc::SYS_pread64, libc::SYS_preadv, libc::SYS_lseek,
    libc::SYS_write, libc::SYS_writev, libc::SYS_pwrite64, libc::SYS_pwritev,
    libc::SYS_ftruncate, libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_clock_gettime, libc::SYS_clock_getres, libc::SYS_clock_nanosleep, libc::SYS_nanosleep,
    libc::SYS_gettimeofday, libc::SYS_getrandom, libc::SYS_sysinfo,
    libc::SYS_rt_sigaction, libc::SYS_rt_sigprocmask, libc::SYS_rt_sigreturn, libc::SYS_sigaltstack,
    libc::SYS_futex, libc::SYS_sched_yield, libc::SYS_restart_syscall,
    libc::SYS_getpid, libc::SYS_gettid, libc::SYS_exit, libc::SYS_exit_group,
];
