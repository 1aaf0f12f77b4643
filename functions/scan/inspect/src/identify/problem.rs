//! How a check of one format ends: well, with a flaw in the content, or because reading failed.

use super::Content;
use std::{
    borrow::Cow,
    io::{self, BufReader, Read, Seek},
};

/// What is wrong with a file, apart from its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It breaks the rules of its format, so programs can disagree about what it holds.
    #[error("{0}")]
    Malformed(String),
    /// Something follows where the format says that it ends.
    #[error("{0} bytes follow its end")]
    Trailing(u64),
    /// It is a file of another type as well.
    #[error("it also opens as {0}")]
    Polyglot(&'static str),
    /// It holds macros although its type says it does not.
    #[error("it holds macros: {0}")]
    Macros(String),
    /// What it holds cannot be looked at without a password.
    #[error("it is encrypted: {0}")]
    Encrypted(String),
}

/// Why a check stopped.
#[derive(Debug)]
pub(super) enum Problem {
    /// The content is at fault.
    Flaw(Flaw),
    /// Reading is at fault.
    Io(io::Error),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => malformed("it is cut off"),
            _ => Self::Io(error),
        }
    }
}

impl From<Flaw> for Problem {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

/// A [`Flaw::Malformed`].
pub(super) fn malformed(what: impl Into<String>) -> Problem {
    Problem::Flaw(Flaw::Malformed(what.into()))
}

/// The flaw that a check found.
pub(super) fn flaw_of(checked: Result<(), Problem>) -> io::Result<Option<Flaw>> {
    match checked {
        Ok(()) => Ok(None),
        Err(Problem::Flaw(flaw)) => Ok(Some(flaw)),
        Err(Problem::Io(error)) => Err(error),
    }
}

/// A known type with the flaw that `check`, started at the beginning, finds.
pub(super) fn flawless<R: Read + Seek>(
    input: &mut BufReader<R>,
    media_type: &'static str,
    check: impl FnOnce(&mut BufReader<R>) -> Result<(), Problem>,
) -> io::Result<Content> {
    input.rewind()?;
    Ok(Content { media_type: Cow::Borrowed(media_type), flaw: flaw_of(check(input))? })
}

/// The rest of the input must be nothing, or only the zero bytes that some cameras and disks pad with.
pub(super) fn nothing_follows<R: Read>(input: &mut BufReader<R>) -> Result<(), Problem> {
    let (mut count, mut zeros) = (0, true);
    let mut chunk = [0; 8192];
    loop {
        match input.read(&mut chunk)? {
            0 if zeros => return Ok(()),
            0 => return Err(Flaw::Trailing(count).into()),
            read => {
                count += read as u64;
                zeros &= chunk[..read].iter().all(|byte| *byte == 0);
            }
        }
    }
}

/// Moves `count` bytes on; past the end is found by the next read.
pub(super) fn skip<R: Read + Seek>(input: &mut BufReader<R>, count: u64) -> Result<(), Problem> {
    let count = i64::try_from(count).map_err(|_| malformed("a length is absurd"))?;
    Ok(input.seek_relative(count)?)
}

/// Reads exactly `N` bytes.
pub(super) fn take<const N: usize>(input: &mut impl Read) -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}
