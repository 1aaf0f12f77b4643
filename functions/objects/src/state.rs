//! The states of an object and every way from one to the next. No other way exists.

use serde::Serialize;
use std::{fmt, str::FromStr};

/// The state of an object. Only [`State::Published`] can be downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The upload URL is out; the object may or may not be in quarantine.
    Pending,
    /// Finalized: exactly one version of the object is pinned and waits for its scan.
    Scanning,
    /// Scanned, clean, and copied to where downloads come from.
    Published,
    /// It is not what was declared, or it is malicious, or over a limit; or it was published and recalled.
    Rejected,
    /// It could not be scanned.
    Failed,
    /// Nothing was finalized in time.
    Expired,
    /// Its owner deleted it.
    Deleted,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Scanning,
        Self::Published,
        Self::Rejected,
        Self::Failed,
        Self::Expired,
        Self::Deleted,
    ];

    /// The name in the registry and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Scanning => "scanning",
            Self::Published => "published",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no state.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a state")]
pub struct NotAState;

impl FromStr for State {
    type Err = NotAState;

    fn from_str(text: &str) -> Result<Self, NotAState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(NotAState)
    }
}

/// A step from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// What was uploaded is what was declared: pin it and have it scanned.
    Finalize,
    /// What was uploaded is not what was declared.
    Refuse,
    /// Too late to finalize.
    Expire,
    /// Scanned and clean.
    Publish,
    /// Scanned and not acceptable.
    Reject,
    /// It could not be scanned.
    Fail,
    /// The owner deletes it.
    Delete,
    /// Later rules do not accept it.
    Recall,
}

impl Transition {
    /// The only state from which this step starts.
    pub fn from(self) -> State {
        match self {
            Self::Finalize | Self::Refuse | Self::Expire => State::Pending,
            Self::Publish | Self::Reject | Self::Fail => State::Scanning,
            Self::Delete | Self::Recall => State::Published,
        }
    }

    /// The state to which it leads.
    pub fn to(self) -> State {
        match self {
            Self::Finalize => State::Scanning,
            Self::Publish => State::Published,
            Self::Refuse | Self::Reject | Self::Recall => State::Rejected,
            Self::Expire => State::Expired,
            Self::Fail => State::Failed,
            Self::Delete => State::Deleted,
        }
    }

    /// What an audit record says happened.
    pub fn action(self) -> &'static str {
        match self {
            Self::Finalize => "finalized",
            Self::Refuse => "refused",
            Self::Expire => "expired",
            Self::Publish => "published",
            Self::Reject => "rejected",
            Self::Fail => "failed",
            Self::Delete => "deleted",
            Self::Recall => "recalled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSITIONS: [Transition; 8] = [
        Transition::Finalize,
        Transition::Refuse,
        Transition::Expire,
        Transition::Publish,
        Transition::Reject,
        Transition::Fail,
        Transition::Delete,
        Transition::Recall,
    ];

    #[test]
    fn t08_published_is_reached_only_from_scanning_and_scanning_only_from_pending() {
        let into = |state: State| {
            TRANSITIONS.into_iter().filter(move |step| step.to() == state).map(Transition::from)
        };
        assert_eq!(into(State::Published).collect::<Vec<_>>(), [State::Scanning]);
        assert_eq!(into(State::Scanning).collect::<Vec<_>>(), [State::Pending]);
        assert_eq!(into(State::Pending).count(), 0);
    }

    #[test]
    fn states_read_back() {
        assert!(State::ALL.into_iter().all(|state| state.as_str().parse() == Ok(state)));
        assert_eq!("Published".parse::<State>(), Err(NotAState));
    }
}
