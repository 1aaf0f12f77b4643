//! Where a jail is tried: whether the zygote is root, and whether the kernel's layers are refused.

use airlock_jail::{Allowance, Draft, Jail, Sealed};
use std::{io::Write, os::unix::process::CommandExt, process::Command, sync::OnceLock, time::Duration};

/// A user that is neither root nor nobody, whose id every system takes.
pub(crate) const USER: u32 = 65_533;

pub(crate) const ALLOWANCE: Allowance =
    Allowance { time: Duration::from_secs(20), memory: 64 << 20, scratch: 1 << 20 };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    /// The zygote runs as this process does, and that is root.
    pub(crate) root: bool,
    /// The kernel's layers are refused.
    pub(crate) refused: bool,
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub(crate) fn settings() -> Vec<Setting> {
    let all = [
        Setting { name: "user", root: false, refused: false },
        Setting { name: "user_refused", root: false, refused: true },
        Setting { name: "root", root: true, refused: false },
        Setting { name: "root_refused", root: true, refused: true },
    ];
    all.into_iter().filter(|setting| is_root() || !setting.root).collect()
}

impl Setting {
    pub(crate) fn command(self) -> Command {
        let mut command = Command::new("/proc/self/exe");
        let user = if is_root() && !self.root { Some(USER) } else { None };
        if self.refused {
            let user = user.map_or("-".to_owned(), |user| user.to_string());
            command.args(["as-refused", "kernel", &user, "as-zygote"]);
        } else {
            command.arg("as-zygote");
            if let Some(user) = user {
                command.uid(user).gid(user);
            }
        }
        command
    }

    /// A jail of its own, whose zygotes have `mark` among their arguments.
    pub(crate) fn start(self, mark: String) -> Jail {
        airlock_jail::protect_environment().unwrap();
        Jail::start(move || {
            let mut command = self.command();
            command.arg(&mark);
            command
        })
        .unwrap()
    }

    /// A jail that tests share which leave it alive.
    pub(crate) fn jail(self) -> &'static Jail {
        static JAILS: [OnceLock<Jail>; 4] = [const { OnceLock::new() }; 4];
        let index = settings().iter().position(|setting| *setting == self).unwrap();
        JAILS[index].get_or_init(|| self.start("shared".to_owned()))
    }
}

/// An object, and what the act "benign" reports of it.
pub(crate) fn object() -> (Sealed, Vec<u8>) {
    let bytes = vec![3; 100_000];
    let mut draft = Draft::new(bytes.len() as u64).unwrap();
    draft.write_all(&bytes).unwrap();
    (draft.seal().unwrap(), b"300000".to_vec())
}
