//! The parent's side: keeps a zygote, hands it objects, and accepts only complete reports.

use crate::{
    Allowance, Ended, JailError, Layers, MAX_TASK, Report, Sealed, Unavailable, report,
    watch::{Ending, Watched, readable},
    wire::{self, Descriptors, Status},
};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, recv, socketpair, sockopt};
use std::{
    fmt, io,
    os::fd::{AsFd, OwnedFd},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a zygote may take to start: to load what the work needs and to probe its layers.
const START: Duration = Duration::from_secs(60);

/// How long after a child's time the zygote may take to say how it ended.
const GRACE: Duration = Duration::from_secs(3);

/// Runs work on objects, each in a process of its own that can reach nothing. Can be shared between
/// threads; each call of [`Jail::run`] blocks its own.
pub struct Jail {
    command: Box<dyn Fn() -> Command + Send + Sync>,
    layers: Layers,
    zygote: Mutex<Option<Arc<ZygoteHandle>>>,
}

impl Jail {
    /// Starts a zygote: `command` runs a program that calls [`crate::serve`], usually this one by
    /// another name. It gets an empty environment and `/` as its folder. Its standard error is this
    /// process's, its standard input is the jail's.
    ///
    /// Call [`crate::protect_environment`] first: without it [`crate::Layer::Closed`] does not hold.
    ///
    /// # Errors
    ///
    /// If the zygote does not come up, or a mandatory layer does not hold on this machine.
    pub fn start(command: impl Fn() -> Command + Send + Sync + 'static) -> Result<Self, Unavailable> {
        let zygote = ZygoteHandle::start(command())?;
        Ok(Self {
            command: Box::new(command),
            layers: zygote.layers,
            zygote: Mutex::new(Some(Arc::new(zygote))),
        })
    }

    /// The layers that hold on this machine, as its probes found. Every run has all of them.
    pub fn layers(&self) -> Layers {
        self.layers
    }

    /// Runs the work on `object` with `task`, and waits for its report.
    ///
    /// # Errors
    ///
    /// [`JailError::Unavailable`] if nothing is decided and another try may succeed;
    /// [`JailError::Ended`] if the work began and then failed.
    pub fn run(&self, object: &Sealed, task: &[u8], allowance: &Allowance) -> Result<Report, JailError> {
        if task.len() > MAX_TASK {
            return Err(Unavailable::TaskTooLong(task.len()).into());
        }
        let zygote = self.zygote()?;
        let ran = zygote.run(object, task, allowance);
        if let Err(JailError::Unavailable(Unavailable::Died | Unavailable::Unresponsive(_))) = ran {
            // Other runs that wait for it fail too. The next run starts a new one.
            zygote.kill();
        }
        ran
    }

    /// The zygote, or a new one in place of one that died or was killed.
    fn zygote(&self) -> Result<Arc<ZygoteHandle>, Unavailable> {
        let mut current = self.zygote.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(zygote) = current.as_ref().filter(|zygote| zygote.is_running()) {
            return Ok(zygote.clone());
        }
        *current = None;
        let zygote = ZygoteHandle::start((self.command)())?;
        if zygote.layers != self.layers {
            return Err(Unavailable::Changed { was: self.layers, now: zygote.layers });
        }
        Ok(current.insert(Arc::new(zygote)).clone())
    }
}

impl fmt::Debug for Jail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jail").field("layers", &self.layers).finish_non_exhaustive()
    }
}

/// A zygote as its parent sees it.
struct ZygoteHandle {
    process: Mutex<Child>,
    control: OwnedFd,
    layers: Layers,
}

impl ZygoteHandle {
    fn start(mut command: Command) -> Result<Self, Unavailable> {
        let (control, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .map_err(io::Error::from)?;
        // A zygote that does not read must not block its parent.
        sockopt::set_socket_timeout(&control, sockopt::Timeout::Send, Some(GRACE))
            .map_err(io::Error::from)?;
        let process = command
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| Unavailable::Start(error.to_string()))?;
        // It holds the other end of the socket.
        drop(command);
        let mut zygote = Self { process: Mutex::new(process), control, layers: Layers::NONE };
        zygote.layers = zygote.greeting()?;
        match zygote.layers.missing(Layers::MANDATORY) {
            Layers::NONE => Ok(zygote),
            missing => Err(Unavailable::Open(missing)),
        }
    }

    /// The layers that the zygote found to hold.
    fn greeting(&self) -> Result<Layers, Unavailable> {
        if !readable(&self.control, Instant::now() + START)? {
            return Err(Unavailable::Start(format!("no word within {START:?}")));
        }
        let mut bits = [0; 2];
        let (_, length) = recv(&self.control, &mut bits[..], RecvFlags::empty()).map_err(io::Error::from)?;
        if length == bits.len() {
            return Ok(Layers::from_bits(u16::from_le_bytes(bits)));
        }
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = process.kill();
        Err(Unavailable::Start(process.wait()?.to_string()))
    }

    fn run(&self, object: &Sealed, task: &[u8], allowance: &Allowance) -> Result<Report, JailError> {
        let patience = allowance.time.saturating_add(GRACE);
        let deadline = Instant::now()
            .checked_add(patience)
            .ok_or_else(|| Unavailable::System(io::Error::from(io::ErrorKind::InvalidInput)))?;
        let object = object.open().map_err(Unavailable::System)?;
        let scratch = tempfile::tempfile().map_err(Unavailable::System)?;
        let (report, report_end) = io::pipe().map_err(Unavailable::System)?;
        let (status, status_end) = io::pipe().map_err(Unavailable::System)?;
        let descriptors = Descriptors {
            object: object.as_fd(),
            scratch: scratch.as_fd(),
            report: report_end.as_fd(),
            status: status_end.as_fd(),
        };
        match wire::send(&self.control, allowance, task, &descriptors) {
            Ok(()) => {}
            Err(error) => {
                return Err(match error.kind() {
                    io::ErrorKind::WouldBlock => Unavailable::Unresponsive(GRACE),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Unavailable::Died,
                    _ => Unavailable::System(error),
                }
                .into());
            }
        }
        drop((object, scratch, report_end, status_end));

        let Ending { status, frame } = Watched::new(report, status).until(deadline, patience)?;
        match status {
            Status::TimedOut => Err(Ended::TimedOut.into()),
            Status::Killed(signal) => Err(Ended::Killed(signal).into()),
            Status::Exited(code, peak_memory) => {
                Ok(Report { bytes: report::of_exited(code, frame)?, peak_memory })
            }
            Status::NotJailed(step) => Err(Unavailable::NotJailed(step).into()),
            // `until` never returns it.
            Status::Started(_) => Err(Unavailable::Died.into()),
        }
    }

    fn is_running(&self) -> bool {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(process.try_wait(), Ok(None))
    }

    fn kill(&self) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = process.kill();
        let _ = process.wait();
    }
}

impl Drop for ZygoteHandle {
    fn drop(&mut self) {
        self.kill();
    }
}
