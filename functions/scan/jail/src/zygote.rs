//! The zygote: forks a child for each object, watches over it, and says how it ended.

use crate::{
    Allowance, Layers, Task,
    child::{self, JAILED},
    limits::ResourceLimits,
    probe::probe,
    protect::make_undumpable,
    sys,
    wire::{self, Descriptors, Job, MAX_REQUEST, Status},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{SendFlags, send},
    process::{Pid, Signal, getpid, kill_process, kill_process_group, setpgid},
};
use std::{
    fs::File,
    io::{self, PipeReader, Read},
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

/// Serves the [`crate::Jail`] that started this process until it is gone; `work` runs in a child
/// for each object. What `work` needs is to be loaded before. No thread may have been started.
///
/// # Errors
///
/// If this process was not started by a jail, has more than one thread, or benign work does not get
/// through the layers.
pub fn serve(work: impl Fn(Task) -> Vec<u8>) -> io::Result<()> {
    if !sys::is_single_threaded()? {
        return Err(io::Error::other("a zygote has one thread"));
    }
    make_undumpable();
    let control = io::stdin().as_fd().try_clone_to_owned()?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    let layers = probe(&null)?;
    send(&control, &layers.bits().to_le_bytes(), SendFlags::NOSIGNAL)?;
    let missing = layers.missing(Layers::MANDATORY);
    if missing != Layers::NONE {
        return Err(io::Error::other(format!("these layers do not hold: {missing}")));
    }
    let mut zygote = Zygote { control, null, layers, children: Vec::new(), buffer: vec![0; MAX_REQUEST] };
    zygote.wait()?;
    while zygote.start(&work)? {
        zygote.wait()?;
    }
    for child in std::mem::take(&mut zygote.children) {
        child.end()?;
    }
    Ok(())
}

struct Zygote {
    control: OwnedFd,
    null: File,
    layers: Layers,
    children: Vec<Child>,
    buffer: Vec<u8>,
}

struct Child {
    pid: Pid,
    /// The child has the other end. This one hangs up when the child ends, in any way.
    life: PipeReader,
    status: OwnedFd,
    /// When it is killed. None: never, or it has been killed.
    deadline: Option<Instant>,
    timed_out: bool,
}

impl Zygote {
    /// Watches the children until a job arrives, or the parent is gone.
    fn wait(&mut self) -> io::Result<()> {
        loop {
            let next = self.children.iter().filter_map(|child| child.deadline).min();
            let timeout = next.map(|deadline| timespec(deadline.saturating_duration_since(Instant::now())));
            let mut watched: Vec<PollFd<'_>> = Vec::with_capacity(self.children.len() + 1);
            watched.push(PollFd::new(&self.control, PollFlags::IN));
            // POLLHUP is always reported. What a child writes there is ignored.
            watched.extend(self.children.iter().map(|child| PollFd::new(&child.life, PollFlags::empty())));
            match poll(&mut watched, timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let ended: Vec<bool> = watched.iter().map(|one| !one.revents().is_empty()).collect();
            for index in (1..ended.len()).rev().filter(|index| ended[*index]) {
                self.children.swap_remove(index - 1).end()?;
            }
            let now = Instant::now();
            for child in &mut self.children {
                if child.deadline.is_some_and(|deadline| deadline <= now) {
                    child.deadline = None;
                    child.timed_out = true;
                    child.kill();
                }
            }
            if ended[0] {
                return Ok(());
            }
        }
    }

    /// Receives a job and starts its child. False: the parent is gone.
    fn start(&mut self, work: &impl Fn(Task) -> Vec<u8>) -> io::Result<bool> {
        let Some(job) = wire::receive(&self.control, &mut self.buffer)? else { return Ok(false) };
        let Job { allowance, task, descriptors } = job;
        let started = self.fork(&allowance, &self.buffer[task.clone()], &descriptors, work);
        // No child can read the task of an earlier one.
        self.buffer[task].fill(0);
        let status = descriptors.status;
        match started {
            Ok((pid, life)) => {
                let deadline = Instant::now().checked_add(allowance.time);
                self.children.push(Child { pid, life, status, deadline, timed_out: false });
            }
            Err(error) => {
                tell(&status, Status::NotJailed(-error.raw_os_error().unwrap_or(libc::EIO)));
            }
        }
        Ok(true)
    }

    fn fork(
        &self,
        allowance: &Allowance,
        task: &[u8],
        descriptors: &Descriptors<OwnedFd>,
        work: &impl Fn(Task) -> Vec<u8>,
    ) -> io::Result<(Pid, PipeReader)> {
        let size = rustix::fs::fstat(&descriptors.object)?.st_size;
        let limits = ResourceLimits::new(allowance, u64::try_from(size).unwrap_or(u64::MAX))?;
        let inherited = child::Inherited { zygote: getpid(), null: self.null.as_fd(), layers: self.layers };
        let (life, alive) = io::pipe()?;
        match sys::fork()? {
            sys::Forked::Child => {
                child::run(&inherited, allowance, limits, task, descriptors, alive.as_fd(), work)
            }
            sys::Forked::Parent(pid) => {
                // Both sides call setpgid, so that the group exists whichever runs first. Fails if the child has ended.
                let _ = setpgid(Some(pid), Some(pid));
                Ok((pid, life))
            }
        }
    }
}

impl Child {
    fn kill(&self) {
        // Fails if it has ended. It is not reaped yet, so its id has not been reused.
        let _ = kill_process_group(self.pid, Signal::KILL);
        let _ = kill_process(self.pid, Signal::KILL);
    }

    /// Reaps a child whose life pipe is closed, and reports how it ended.
    fn end(mut self) -> io::Result<()> {
        // A child that is exiting keeps its exit code; one that only closed the pipe is killed.
        self.kill();
        let (exit, peak) = sys::wait(self.pid)?;
        // The first byte was written before the work began, so the work cannot forge it.
        let mut said = [0];
        let jailed = self.life.read_exact(&mut said).is_ok();
        let status = match exit {
            _ if !jailed => Status::NotJailed(-1),
            _ if said != [JAILED] => Status::NotJailed(i32::from(said[0])),
            sys::Exit::Killed(libc::SIGKILL) if self.timed_out => Status::TimedOut,
            sys::Exit::Killed(signal) => Status::Killed(signal),
            sys::Exit::Exited(code) => Status::Exited(code, peak),
        };
        tell(&self.status, status);
        Ok(())
    }
}

/// Fails only if the parent is gone.
fn tell(pipe: &OwnedFd, status: Status) {
    let _ = status.tell(pipe);
}

pub(crate) fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
