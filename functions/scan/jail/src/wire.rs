//! The protocol between parent and zygote: jobs with their descriptors over the socket, and each child's status
//! over a pipe of its own.

use crate::{Allowance, MAX_TASK};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    ops::Range,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

const HEADER: usize = 24;
const DESCRIPTORS: usize = 4;

/// The longest message, and one byte more, so that a longer one is noticed.
pub(crate) const MAX_REQUEST: usize = HEADER + MAX_TASK + 1;

/// The descriptors of a job.
pub(crate) struct Descriptors<D> {
    pub(crate) object: D,
    pub(crate) scratch: D,
    /// Where the report goes.
    pub(crate) report: D,
    /// Where the child's status goes.
    pub(crate) status: D,
}

/// Sends a job.
pub(crate) fn send(
    socket: impl AsFd,
    allowance: &Allowance,
    task: &[u8],
    descriptors: &Descriptors<BorrowedFd<'_>>,
) -> io::Result<()> {
    let nanoseconds = u64::try_from(allowance.time.as_nanos()).unwrap_or(u64::MAX);
    let header = [nanoseconds, allowance.memory, allowance.scratch].map(u64::to_le_bytes).concat();
    let Descriptors { object, scratch, report, status } = *descriptors;
    let rights = [object, scratch, report, status];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&rights)) {
        return Err(io::Error::other("no room for descriptors"));
    }
    sendmsg(socket, &[IoSlice::new(&header), IoSlice::new(task)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// The work on one object.
pub(crate) struct Job {
    pub(crate) allowance: Allowance,
    /// Where the task is in the buffer.
    pub(crate) task: Range<usize>,
    pub(crate) descriptors: Descriptors<OwnedFd>,
}

/// Receives the next job. None: the parent is gone.
pub(crate) fn receive(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Option<Job>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received =
        recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?.bytes;
    if received == 0 {
        return Ok(None);
    }
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "not a job");
    let mut descriptors = Vec::with_capacity(DESCRIPTORS);
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    let [object, scratch, report, status] =
        <[OwnedFd; DESCRIPTORS]>::try_from(descriptors).map_err(|_| bad())?;
    if !(HEADER..MAX_REQUEST).contains(&received) {
        return Err(bad());
    }
    let number = |at: usize| buffer[at..].first_chunk().copied().map(u64::from_le_bytes).ok_or_else(bad);
    let allowance =
        Allowance { time: Duration::from_nanos(number(0)?), memory: number(8)?, scratch: number(16)? };
    let descriptors = Descriptors { object, scratch, report, status };
    Ok(Some(Job { allowance, task: HEADER..received, descriptors }))
}

/// A child's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// It was forked and has this process id, which is its group's as well.
    Started(i32),
    /// It exited with this code; its peak memory in bytes.
    Exited(i32, u64),
    /// It was killed by this signal.
    Killed(i32),
    /// It was killed because its time was over.
    TimedOut,
    /// It never began the work: the step that failed.
    NotJailed(i32),
}

impl Status {
    pub(crate) const SIZE: usize = 13;

    /// Sends it to the parent.
    pub(crate) fn tell(self, pipe: impl AsFd) -> io::Result<()> {
        // Shorter than PIPE_BUF: whole or not at all, see pipe(7).
        rustix::io::write(pipe, &self.encode())?;
        Ok(())
    }

    fn encode(self) -> [u8; Self::SIZE] {
        let (kind, value, peak) = match self {
            Self::Started(pid) => (1, pid, 0),
            Self::Exited(code, peak) => (2, code, peak),
            Self::Killed(signal) => (3, signal, 0),
            Self::TimedOut => (4, 0, 0),
            Self::NotJailed(step) => (5, step, 0),
        };
        let mut bytes = [kind; Self::SIZE];
        bytes[1..5].copy_from_slice(&i32::to_le_bytes(value));
        bytes[5..].copy_from_slice(&u64::to_le_bytes(peak));
        bytes
    }

    pub(crate) fn decode(bytes: [u8; Self::SIZE]) -> Option<Self> {
        let [kind, a, b, c, d, peak @ ..] = bytes;
        let (value, peak) = (i32::from_le_bytes([a, b, c, d]), u64::from_le_bytes(peak));
        match kind {
            1 => Some(Self::Started(value)),
            2 => Some(Self::Exited(value, peak)),
            3 => Some(Self::Killed(value)),
            4 => Some(Self::TimedOut),
            5 => Some(Self::NotJailed(value)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_status_survives_the_pipe(value in any::<i32>(), peak in any::<u64>()) {
            for status in [
                Status::Started(value),
                Status::Exited(value, peak),
                Status::Killed(value),
                Status::TimedOut,
                Status::NotJailed(value),
            ] {
                prop_assert_eq!(Status::decode(status.encode()), Some(status));
            }
        }
    }
}
