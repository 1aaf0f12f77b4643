//! Hostile acts: each ends as documented, reaches nothing, and troubles neither zygote nor neighbour.

use crate::setting::{ALLOWANCE, Setting, object, settings};
use airlock_jail::{Allowance, BadReport, Ended, Jail, JailError, Report};
use libtest_mimic::Trial;
use std::time::Duration;

/// How an act ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// A report that says that it was refused.
    Refused,
    Ended(Ended),
}

const SIGSYS: End = End::Ended(Ended::Killed(libc::SIGSYS));

fn signal(signal: i32) -> End {
    End::Ended(Ended::Killed(signal))
}

fn bad(report: BadReport) -> End {
    End::Ended(Ended::Report(report))
}

/// The act, how it ends with seccomp, and how it ends without.
fn acts() -> Vec<(&'static str, End, End)> {
    let (refused, timed_out) = (End::Refused, End::Ended(Ended::TimedOut));
    let same = |act, end| (act, end, end);
    vec![
        ("connect", SIGSYS, refused),
        ("unix", SIGSYS, refused),
        // The program itself is replaced, which opens no descriptor; its libraries do.
        ("exec", SIGSYS, End::Ended(Ended::Exited(127))),
        ("fork", SIGSYS, refused),
        ("thread", SIGSYS, refused),
        ("memfd", SIGSYS, refused),
        ("reuse-descriptor", SIGSYS, refused),
        ("ptrace", SIGSYS, refused),
        ("ptrace-zygote", SIGSYS, refused),
        ("read-memory", SIGSYS, refused),
        ("environ", SIGSYS, refused),
        ("mem", SIGSYS, refused),
        ("passwd", SIGSYS, refused),
        same("write-object", refused),
        same("remap-object", refused),
        ("reopen-object", SIGSYS, refused),
        ("raise-limit", SIGSYS, refused),
        same("allocate", signal(libc::SIGABRT)),
        same("spin", timed_out),
        same("sleep", timed_out),
        same("segv", signal(libc::SIGSEGV)),
        same("abort", signal(libc::SIGABRT)),
        same("panic", End::Ended(Ended::Exited(101))),
        same("exit 7", End::Ended(Ended::Exited(7))),
        same("too-long", bad(BadReport::TooLong)),
        same("large 65537", bad(BadReport::TooLong)),
        same("torn", bad(BadReport::Torn)),
        same("empty", bad(BadReport::Torn)),
        same("twice", bad(BadReport::Trailing)),
        same("trailing", bad(BadReport::Trailing)),
        same("close-report", timed_out),
        same("close-life", signal(libc::SIGKILL)),
        same("fill-life", timed_out),
        same("fill-scratch", signal(libc::SIGXFSZ)),
        ("kill-group", SIGSYS, signal(libc::SIGKILL)),
    ]
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for setting in settings() {
        for (act, with, without) in acts() {
            let wanted = if setting.refused { without } else { with };
            let name = format!("t10_{}_{}", setting.name, act.replace([' ', '-'], "_"));
            trials.push(Trial::test(name, move || {
                ends_as_documented(setting, act, wanted);
                Ok(())
            }));
        }
    }
    trials.push(Trial::test("t10_executable_memory_is_forbidden", || {
        for setting in settings().into_iter().filter(|setting| !setting.refused) {
            assert_eq!(end(perform(setting.jail(), "executable-memory", &ALLOWANCE)), SIGSYS);
        }
        Ok(())
    }));
    trials
}

fn perform(jail: &Jail, act: &str, allowance: &Allowance) -> Result<Report, JailError> {
    // Acts on the parent have to know which process that is.
    let task = match act {
        "ptrace" | "environ" | "mem" => format!("{act} {}", std::process::id()),
        _ => act.to_owned(),
    };
    jail.run(&object().0, task.as_bytes(), allowance)
}

fn end(ran: Result<Report, JailError>) -> End {
    match ran {
        Ok(report) if report.bytes.starts_with(b"refused") => End::Refused,
        Ok(report) => panic!("{}", String::from_utf8_lossy(&report.bytes)),
        Err(JailError::Ended(ended)) => End::Ended(ended),
        Err(error) => panic!("{error}"),
    }
}

fn ends_as_documented(setting: Setting, act: &str, wanted: End) {
    let jail = setting.jail();
    let benign = || {
        let (object, sum) = object();
        assert_eq!(jail.run(&object, b"benign", &ALLOWANCE).unwrap().bytes, sum);
    };
    let is_endless = wanted == End::Ended(Ended::TimedOut);
    let allowance =
        if is_endless { Allowance { time: Duration::from_millis(500), ..ALLOWANCE } } else { ALLOWANCE };
    std::thread::scope(|scope| {
        let neighbour = scope.spawn(|| (0..3).for_each(|_| benign()));
        assert_eq!(end(perform(jail, act, &allowance)), wanted);
        neighbour.join().unwrap();
    });
    benign();
}
