//! The result of checking one format: no flaw, a flaw in the content, or a read error.

use std::{borrow::Cow, io};

/// What is wrong with a file, apart from its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It breaks the rules of its format, so programs can disagree about what it holds.
    #[error("{0}")]
    Malformed(String),
    /// Something follows where the format says that it ends.
    #[error("{0} bytes follow its end")]
    Trailing(u64),
    /// What follows where the format says that it ends could be anything.
    #[error("{0}")]
    Hidden(String),
    /// It is a file of another type as well.
    #[error("it also opens as {0}")]
    Polyglot(Cow<'static, str>),
    /// It holds macros although its type says it does not.
    #[error("it holds macros: {0}")]
    Macros(String),
    /// What it holds cannot be looked at without a password.
    #[error("it is encrypted: {0}")]
    Encrypted(String),
}

/// Why a check stopped.
#[derive(Debug)]
pub(crate) enum CheckError {
    /// The content has a flaw.
    Flaw(Flaw),
    /// Reading failed.
    Io(io::Error),
}

impl From<io::Error> for CheckError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => malformed("it is cut off"),
            // Only errors of the system have a code. The others come from a library that rejects the content.
            _ if error.raw_os_error().is_none() => malformed(error.to_string()),
            _ => Self::Io(error),
        }
    }
}

impl From<Flaw> for CheckError {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

/// A [`Flaw::Malformed`].
pub(crate) fn malformed(what: impl Into<String>) -> CheckError {
    CheckError::Flaw(Flaw::Malformed(what.into()))
}

/// The flaw that a check found.
pub(crate) fn flaw_of(checked: Result<(), CheckError>) -> io::Result<Option<Flaw>> {
    match checked {
        Ok(()) => Ok(None),
        Err(CheckError::Flaw(flaw)) => Ok(Some(flaw)),
        Err(CheckError::Io(error)) => Err(error),
    }
}
