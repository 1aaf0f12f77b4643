//! What the parent reads about a running child: its report, and its status from the zygote.

use crate::{Unavailable, report, wire::Status, zygote::timespec};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, Signal, kill_process_group},
};
use std::{
    io::{self, PipeReader, Read},
    os::fd::AsFd,
    time::{Duration, Instant},
};

/// A child that may be running.
pub(crate) struct Watched {
    /// None at its end, or once the report is known to be malformed.
    report: Option<PipeReader>,
    status: PipeReader,
    frame: Vec<u8>,
    group: Group,
}

/// A child that has ended.
pub(crate) struct Ending {
    /// How; never [`Status::Started`].
    pub(crate) status: Status,
    /// What it wrote, until it ended or its report was known to be malformed.
    pub(crate) frame: Vec<u8>,
}

impl Watched {
    pub(crate) fn new(report: PipeReader, status: PipeReader) -> Self {
        Self { report: Some(report), status, frame: Vec::new(), group: Group(None) }
    }

    /// Reads until the zygote says how the child ended. A child that is left is killed.
    pub(crate) fn until(mut self, deadline: Instant, patience: Duration) -> Result<Ending, Unavailable> {
        let late = || Unavailable::Unresponsive(patience);
        let status = loop {
            let (said, wrote) = self.next(deadline)?.ok_or_else(late)?;
            if wrote {
                self.read_report()?;
            }
            if said && let Some(status) = self.read_status()? {
                break status;
            }
        };
        // The child is gone: what is left in the pipe is all there is.
        while let Some(report) = &self.report {
            if !readable(report, deadline)? {
                return Err(late());
            }
            self.read_report()?;
        }
        Ok(Ending { status, frame: self.frame })
    }

    /// Waits until a pipe is readable: the status pipe, the report pipe. None: the deadline has passed.
    fn next(&self, deadline: Instant) -> io::Result<Option<(bool, bool)>> {
        let mut pipes = vec![PollFd::new(&self.status, PollFlags::IN)];
        pipes.extend(self.report.iter().map(|report| PollFd::new(report, PollFlags::IN)));
        if !ready(&mut pipes, deadline)? {
            return Ok(None);
        }
        let mut told = pipes.iter().map(|pipe| !pipe.revents().is_empty());
        Ok(Some((told.next().unwrap_or(false), told.next().unwrap_or(false))))
    }

    fn read_report(&mut self) -> io::Result<()> {
        let Some(report) = &mut self.report else { return Ok(()) };
        let mut part = [0; 8192];
        let length = report.read(&mut part)?;
        self.frame.extend_from_slice(&part[..length]);
        if length == 0 || report::is_decided(&self.frame) {
            self.report = None;
        }
        Ok(())
    }

    /// How the child ended, if it has.
    fn read_status(&mut self) -> Result<Option<Status>, Unavailable> {
        let mut bytes = [0; Status::SIZE];
        self.status.read_exact(&mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Unavailable::Died,
            _ => Unavailable::System(error),
        })?;
        match Status::decode(bytes) {
            Some(Status::Started(pid)) => {
                self.group = Group(Pid::from_raw(pid));
                Ok(None)
            }
            Some(status) => {
                self.group.0 = None;
                Ok(Some(status))
            }
            None => Err(Unavailable::Died),
        }
    }
}

/// A child's process group, which is killed if the zygote does not say that it has ended.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // Fails if it died with the zygote.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Waits until there is something to read or the pipe is closed. False: the deadline has passed.
pub(crate) fn readable(pipe: impl AsFd, deadline: Instant) -> io::Result<bool> {
    ready(&mut [PollFd::new(&pipe, PollFlags::IN)], deadline)
}

fn ready(pipes: &mut [PollFd<'_>], deadline: Instant) -> io::Result<bool> {
    loop {
        let left = timespec(deadline.saturating_duration_since(Instant::now()));
        match poll(pipes, Some(&left)) {
            Ok(0) => return Ok(false),
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
