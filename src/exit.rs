//! What a command ends with. Scripts rely on the codes: 0 done, 1 the answer is no, 2 wrong usage,
//! 3 could not ask.

use crate::{client::ClientError, terminal};
use std::{path::Path, process::ExitCode};

/// How a command ended, from good to bad; its number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// Done.
    Done = 0,
    /// The answer is no: rejected, expired, not there, or not as it must be.
    No = 1,
    /// The command was called in a way that cannot work.
    WrongUsage = 2,
    /// It could not be asked.
    Unasked = 3,
    /// Ctrl-C was pressed; 130 is what shells make of it.
    Interrupted = 130,
}

/// The command was called in a way that cannot work.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUsage(pub String);

/// Ctrl-C was pressed.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

impl From<&anyhow::Error> for End {
    fn from(error: &anyhow::Error) -> Self {
        match error.downcast_ref() {
            Some(ClientError::Unreadable { .. } | ClientError::NoType | ClientError::NoName) => {
                Self::WrongUsage
            }
            Some(error) if error.is_no() => Self::No,
            Some(_) => Self::Unasked,
            None if error.is::<WrongUsage>() => Self::WrongUsage,
            None if error.is::<Interrupted>() => Self::Interrupted,
            None => Self::Unasked,
        }
    }
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        Self::from(end as u8)
    }
}

/// Says on standard error why a command failed, and how it ended therefore.
pub(crate) fn explain(error: &anyhow::Error) -> End {
    terminal::failure(format_args!("{error:#}"));
    error.into()
}

/// Says which file an error is about, unless it does so itself.
pub(crate) fn about(path: &Path, error: ClientError) -> anyhow::Error {
    match error {
        ClientError::Unreadable { .. } => error.into(),
        error => anyhow::Error::new(error).context(terminal::plain(&path.to_string_lossy())),
    }
}

/// Runs a command until it ends or Ctrl-C is pressed; what it holds, such as a half-written file,
/// is dropped then.
///
/// # Errors
/// Those of the command, and [`Interrupted`].
pub(crate) async fn unless_interrupted<T>(
    command: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        end = command => end,
        Ok(()) = tokio::signal::ctrl_c() => Err(Interrupted.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::error::Problem;

    fn refused(status: u16) -> anyhow::Error {
        let (code, detail, errors) = ("c".to_owned(), "d".to_owned(), Vec::new());
        ClientError::Refused(Problem { status, code, detail, errors }).into()
    }

    #[test]
    fn codes_are_those_that_scripts_rely_on() {
        let ends = [End::Done, End::No, End::WrongUsage, End::Unasked];
        assert_eq!(ends.map(|end| end as u8), [0, 1, 2, 3]);
        assert!(ends.is_sorted(), "the worst is the greatest");
    }

    #[test]
    fn an_error_ends_as_what_it_is() {
        let of = |error: anyhow::Error| End::from(&error);
        assert_eq!(of(refused(404)), End::No);
        assert_eq!(of(refused(404).context("status")), End::No);
        assert_eq!(of(WrongUsage("x".to_owned()).into()), End::WrongUsage);
        let (path, source) = ("x".into(), std::io::ErrorKind::NotFound.into());
        assert_eq!(of(ClientError::Unreadable { path, source }.into()), End::WrongUsage);
        assert_eq!(of(ClientError::NoType.into()), End::WrongUsage);
        assert_eq!(of(refused(401)), End::Unasked);
        assert_eq!(of(refused(503)), End::Unasked);
        assert_eq!(of(anyhow::anyhow!("anything else")), End::Unasked);
        assert_eq!(of(Interrupted.into()), End::Interrupted);
    }
}
