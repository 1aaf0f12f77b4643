//! For development on other systems than Linux: a process for each object, pipes and a time-out,
//! and **no layer at all**, which [`Jail::layers`] says.

use crate::{
    Allowance, Ended, JailError, Layers, MAX_TASK, Protection, Report, Sealed, Task, Unavailable, report,
};
use std::{
    fmt,
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixStream, process::ExitStatusExt},
    },
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How often a process that has closed its socket is asked whether it has ended.
const INTERVAL: Duration = Duration::from_millis(1);

/// Runs work on objects, each in a process of its own. On this system nothing else keeps it.
pub struct Jail {
    command: Box<dyn Fn() -> Command + Send + Sync>,
}

impl Jail {
    /// As on Linux, but the program is started for each object.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn start(command: impl Fn() -> Command + Send + Sync + 'static) -> Result<Self, Unavailable> {
        Ok(Self { command: Box::new(command) })
    }

    /// None.
    pub fn layers(&self) -> Layers {
        Layers::NONE
    }

    /// As on Linux, but of the allowance only the time is kept.
    ///
    /// # Errors
    ///
    /// As on Linux.
    pub fn run(&self, object: &Sealed, task: &[u8], allowance: &Allowance) -> Result<Report, JailError> {
        let length = u32::try_from(task.len()).ok().filter(|_| task.len() <= MAX_TASK);
        let length = length.ok_or(Unavailable::TaskTooLong(task.len()))?;
        let deadline = Instant::now() + allowance.time;
        let (socket, theirs) = UnixStream::pair().map_err(Unavailable::System)?;
        let mut command = (self.command)();
        let process = command
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(object.open().map_err(Unavailable::System)?))
            .spawn()
            .map_err(|error| Unavailable::Start(error.to_string()))?;
        drop(command);
        let mut process = Process(process);
        let frame = exchange(socket, &[&length.to_le_bytes(), task].concat(), deadline);
        let Some(status) = process.ended(deadline).map_err(Unavailable::System)? else {
            return Err(Ended::TimedOut.into());
        };
        match (status.signal(), status.code()) {
            (None, Some(code)) => Ok(Report { bytes: report::of_exited(code, frame)?, peak_memory: 0 }),
            (signal, _) => Err(Ended::Killed(signal.unwrap_or_default()).into()),
        }
    }
}

impl fmt::Debug for Jail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jail").field("layers", &self.layers()).finish_non_exhaustive()
    }
}

/// Sends the task and reads the report, as far as both go before the deadline; how the process
/// ends then decides.
fn exchange(mut socket: UnixStream, task: &[u8], deadline: Instant) -> Vec<u8> {
    let mut frame = Vec::new();
    let mut part = [0; 8192];
    let left = || Some(deadline.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero());
    if socket.set_write_timeout(left()).and_then(|()| socket.write_all(task)).is_err() {
        return frame;
    }
    while !report::is_decided(&frame) && left().is_some() && socket.set_read_timeout(left()).is_ok() {
        match socket.read(&mut part) {
            Ok(0) => break,
            Ok(length) => frame.extend_from_slice(&part[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    frame
}

/// A process that does not outlive this.
struct Process(Child);

impl Process {
    /// How it ended, if it did before the deadline.
    fn ended(&mut self, deadline: Instant) -> io::Result<Option<ExitStatus>> {
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            thread::sleep(INTERVAL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails if it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Does the work of one object and returns.
///
/// # Errors
///
/// If this process was not started by a jail.
pub fn serve(work: impl Fn(Task) -> Vec<u8>) -> io::Result<()> {
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let object = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut length = [0; 4];
    socket.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_TASK {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a task"));
    }
    let mut bytes = vec![0; length];
    socket.read_exact(&mut bytes)?;
    let size = object.metadata()?.len();
    let report = work(Task { object, size, scratch: tempfile::tempfile()?, bytes });
    report::write(socket, &report)
}

/// This system has nothing to protect it with.
///
/// # Errors
///
/// None here.
pub fn protect_environment() -> io::Result<Protection> {
    Ok(Protection::Nothing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BadReport, Draft};

    /// Not a test but what the jail of the other tests starts: this test binary, for this test.
    #[test]
    fn child() {
        let input = UnixStream::from(io::stdin().as_fd().try_clone_to_owned().unwrap());
        let is_started_by_jail = std::env::vars_os().count() == 0 && input.peer_addr().is_ok();
        if is_started_by_jail {
            let served = serve(|mut task| {
                let mut bytes = Vec::new();
                task.object.read_to_end(&mut bytes).unwrap();
                match task.bytes.as_slice() {
                    b"object" => bytes,
                    b"environment" => std::env::vars_os().count().to_string().into_bytes(),
                    b"large" => vec![0; report::MAX_REPORT + 1],
                    b"abort" => std::process::abort(),
                    b"exit" => std::process::exit(0),
                    b"panic" => std::process::exit(101),
                    _ => loop {
                        thread::park();
                    },
                }
            });
            std::process::exit(i32::from(served.is_err()));
        }
    }

    fn run(task: &[u8], millis: u64) -> Result<Report, JailError> {
        let program = std::env::current_exe().unwrap();
        let jail = Jail::start(move || {
            let mut command = Command::new(&program);
            command.args(["portable::tests::child", "--exact"]);
            command
        })
        .unwrap();
        assert_eq!(jail.layers(), Layers::NONE);
        let mut draft = Draft::new(5).unwrap();
        draft.write_all(b"bytes").unwrap();
        let time = Duration::from_millis(millis);
        jail.run(&draft.seal().unwrap(), task, &Allowance { time, memory: 0, scratch: 0 })
    }

    fn ended(task: &[u8], millis: u64) -> Ended {
        match run(task, millis) {
            Err(JailError::Ended(ended)) => ended,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn work_is_done_in_a_process_of_its_own_with_an_empty_environment() {
        assert_eq!(run(b"object", 20_000).unwrap().bytes, b"bytes");
        assert_eq!(run(b"environment", 20_000).unwrap().bytes, b"0");
    }

    #[test]
    fn t10_what_ends_badly_is_no_report() {
        assert_eq!(ended(b"abort", 20_000), Ended::Killed(6));
        assert_eq!(ended(b"panic", 20_000), Ended::Exited(101));
        assert_eq!(ended(b"exit", 20_000), Ended::Report(BadReport::Torn));
        assert_eq!(ended(b"large", 20_000), Ended::Report(BadReport::TooLong));
        assert_eq!(ended(b"for ever", 300), Ended::TimedOut);
        let long = run(&vec![0; MAX_TASK + 1], 20_000);
        assert!(matches!(long, Err(JailError::Unavailable(Unavailable::TaskTooLong(_)))));
    }
}
