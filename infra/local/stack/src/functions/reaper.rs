//! Kills the function processes of a stack that was killed itself.
//!
//! An idle function notices that its Runtime API is gone and ends; one that hangs would live on.
//! So a shell is told of each process group that starts and ends, over a pipe. When the pipe
//! closes, however the stack came to its end, the shell kills the groups that are left.

use std::{
    fmt::Display,
    io::{self, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
};

const SCRIPT: &str = r#"
trap '' HUP INT TERM
while read -r change group; do
    case $change in
        started) groups="$groups $group" ;;
        ended)
            left=
            for other in $groups; do [ "$other" = "$group" ] || left="$left $other"; done
            groups=$left
            ;;
    esac
done
for group in $groups; do kill -s KILL -- "-$group"; done 2>/dev/null
"#;

/// The watching shell; dropping it has everything killed that was not told to have ended.
pub(super) struct Reaper(Mutex<Child>);

impl Reaper {
    /// Starts the shell, in a process group of its own, so that Ctrl-C does not reach it.
    pub(super) fn start() -> io::Result<Self> {
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self(Mutex::new(shell)))
    }

    pub(super) fn started(&self, group: u32) {
        self.tell(format_args!("started {group}\n"));
    }

    pub(super) fn ended(&self, group: u32) {
        self.tell(format_args!("ended {group}\n"));
    }

    fn tell(&self, change: impl Display) {
        let mut shell = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipe) = &mut shell.stdin
            && let Err(error) = pipe.write_all(change.to_string().as_bytes())
        {
            tracing::warn!(%error, "processes of functions may outlive this one if it is killed");
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        let shell = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(shell.stdin.take());
        // It ends at once; waiting only takes its entry out of the process table.
        let _ = shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep").arg("600").process_group(0).spawn().unwrap()
    }

    #[test]
    fn what_is_left_when_the_pipe_closes_is_killed_and_nothing_else() {
        let (mut left, mut other) = (sleeper(), sleeper());
        let reaper = Reaper::start().unwrap();
        reaper.started(left.id());
        reaper.started(other.id());
        reaper.ended(other.id());
        // The kernel closes the pipe in the same way when the stack is killed.
        drop(reaper);
        assert_eq!(left.wait().unwrap().to_string(), "signal: 9 (SIGKILL)");
        assert_eq!(other.try_wait().unwrap(), None);
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
