//! A jail that a test may harm, with the process ids of its zygote and children.

use crate::setting::{ALLOWANCE, Setting, object};
use airlock_jail::{Allowance, Jail, JailError, Report};
use rustix::process::Pid;
use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread::ScopedJoinHandle,
    time::Duration,
};

pub(crate) struct Own {
    pub(crate) jail: Jail,
    mark: String,
}

impl Own {
    pub(crate) fn start(setting: Setting) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mark = format!("mark-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self { jail: setting.start(mark.clone()), mark }
    }

    /// The one process whose arguments end with the mark and whose parent is this one.
    pub(crate) fn zygote(&self) -> Pid {
        let marked = format!("{}\0", self.mark).into_bytes();
        let mut found = children(std::process::id()).into_iter().filter(|pid| {
            std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.ends_with(&marked))
        });
        Pid::from_raw(found.next().unwrap().cast_signed()).unwrap()
    }

    /// Calls `during` while the act "sleep" runs in a child.
    pub(crate) fn while_it_runs<T>(
        &self,
        time: Duration,
        during: impl FnOnce(&Self, Pid, ScopedJoinHandle<'_, Result<Report, JailError>>) -> T,
    ) -> T {
        std::thread::scope(|scope| {
            let zygote = self.zygote().as_raw_nonzero().get().unsigned_abs();
            let running =
                scope.spawn(move || self.jail.run(&object().0, b"sleep", &Allowance { time, ..ALLOWANCE }));
            until(|| !children(zygote).is_empty());
            let child = Pid::from_raw(children(zygote)[0].cast_signed()).unwrap();
            during(self, child, running)
        })
    }
}

/// The process ids of the children of all threads of `parent`.
fn children(parent: u32) -> Vec<u32> {
    std::fs::read_dir(format!("/proc/{parent}/task"))
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|line| line.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

/// Whether there is such a process that is not about to be forgotten.
pub(crate) fn exists(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.is_ok_and(|stat| !stat.contains(") Z ") && !stat.contains(") X "))
}

/// Looks until a condition holds. Each look lets others run, so however slow the machine, many are enough.
pub(crate) fn until(condition: impl Fn() -> bool) {
    const LOOKS: u32 = 1_000_000;
    let came_true = (0..LOOKS).any(|_| {
        std::thread::yield_now();
        condition()
    });
    assert!(came_true, "waited in vain");
}
