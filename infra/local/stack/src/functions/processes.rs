//! The processes of one function that are alive, so that all of them can be ended.

use super::{error::InvokeError, reaper::Reaper};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    collections::BTreeSet,
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::watch;

/// The one reaper of a stack, started with the first process.
#[derive(Clone, Default)]
pub(super) struct SharedReaper(Arc<OnceLock<Reaper>>);

impl SharedReaper {
    fn get(&self) -> io::Result<&Reaper> {
        if let Some(reaper) = self.0.get() {
            return Ok(reaper);
        }
        let fresh = Reaper::start()?;
        // If another process was first, its reaper is taken and this one ends.
        Ok(self.0.get_or_init(|| fresh))
    }
}

/// Process groups, each known by its leader.
pub(super) struct Processes {
    reaper: SharedReaper,
    alive: watch::Sender<BTreeSet<u32>>,
    closed: AtomicBool,
}

/// A process group; it is killed when this is dropped.
pub(super) struct Process {
    id: u32,
    processes: Arc<Processes>,
}

impl Processes {
    pub(super) fn new(reaper: SharedReaper) -> Arc<Self> {
        Arc::new(Self { reaper, alive: watch::Sender::default(), closed: AtomicBool::new(false) })
    }

    /// Notes a process that was just started as the leader of its group.
    ///
    /// # Errors
    /// When all were killed meanwhile; so is this one then.
    pub(super) fn started(self: &Arc<Self>, id: u32) -> Result<Process, InvokeError> {
        self.alive.send_modify(|alive| {
            alive.insert(id);
        });
        let process = Process { id, processes: self.clone() };
        self.reaper.get()?.started(id);
        if self.closed.load(Ordering::SeqCst) { Err(InvokeError::Stopping) } else { Ok(process) }
    }

    pub(super) fn ids(&self) -> Vec<u32> {
        self.alive.borrow().iter().copied().collect()
    }

    /// Kills all there are, and all that start from now on.
    pub(super) fn kill(&self) {
        self.closed.store(true, Ordering::SeqCst);
        for id in self.ids() {
            kill_group(id);
        }
    }

    /// Waits until none is left.
    pub(super) async fn ended(&self) {
        // The sender lives as long as this does.
        let _ = self.alive.subscribe().wait_for(BTreeSet::is_empty).await;
    }
}

impl Process {
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn kill(&self) {
        kill_group(self.id);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Also when the leader is gone: it may have left others behind.
        self.kill();
        if let Ok(reaper) = self.processes.reaper.get() {
            reaper.ended(self.id);
        }
        self.processes.alive.send_modify(|alive| {
            alive.remove(&self.id);
        });
    }
}

fn kill_group(leader: u32) {
    if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        // The only error is that no process is left in it.
        let _ = kill_process_group(group, Signal::KILL);
    }
}
