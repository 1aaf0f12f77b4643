//! A system that refuses what AWS Lambda refuses: a seccomp filter answers for it with EPERM, and
//! what runs under it, zygote and children, cannot tell the difference.

#![expect(unsafe_code, reason = "the filter is installed without no_new_privs, which libraries set")]

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use std::os::unix::process::CommandExt;

/// Replaces this process by itself with `rest`, as `user` unless that is "-", under the filter.
/// "kernel" refuses the kernel's layers, "dumpable" PR_SET_DUMPABLE as well.
pub(crate) fn main(what: &str, user: &str, rest: &[&str]) -> ! {
    let mut options = vec![libc::PR_SET_NO_NEW_PRIVS, libc::PR_SET_PDEATHSIG, libc::PR_SET_SECCOMP];
    if what == "dumpable" {
        options.push(libc::PR_SET_DUMPABLE);
    }
    let mut command = std::process::Command::new("/proc/self/exe");
    command.args(rest);
    if let Ok(user) = user.parse() {
        command.uid(user).gid(user);
    }
    install(&options);
    panic!("{}", command.exec());
}

fn install(options: &[i32]) {
    let prctl = options
        .iter()
        .map(|option| {
            let condition = SeccompCondition::new(0, Dword, Eq, u64::from(option.unsigned_abs())).unwrap();
            SeccompRule::new(vec![condition]).unwrap()
        })
        .collect();
    let refused = [
        (libc::SYS_prctl, prctl),
        (libc::SYS_seccomp, Vec::new()),
        (libc::SYS_landlock_create_ruleset, Vec::new()),
        (libc::SYS_landlock_add_rule, Vec::new()),
        (libc::SYS_landlock_restrict_self, Vec::new()),
    ];
    let program: BpfProgram = SeccompFilter::new(
        refused.into_iter().collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM.unsigned_abs()),
        TargetArch::try_from(std::env::consts::ARCH).unwrap(),
    )
    .unwrap()
    .try_into()
    .unwrap();
    if !rustix::process::geteuid().is_root() {
        // Who is not root may not install a filter otherwise; the flag then cannot be refused.
        rustix::thread::set_no_new_privs(true).unwrap();
    }
    let filter = libc::sock_fprog {
        len: program.len().try_into().unwrap(),
        filter: program.as_ptr().cast_mut().cast(),
    };
    // SAFETY: the kernel copies the program.
    let done = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}
