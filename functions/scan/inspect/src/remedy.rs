//! What an uploader can do about a refusal: the end of its reason.

use airlock_formats::{Kind, Why, identify::Flaw};

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Remedy {
    /// It is encrypted.
    #[error("remove the password and upload it again")]
    Unlock,
    /// Its format cannot be looked into.
    #[error("upload what is in it, or pack that as ZIP, tar or 7z")]
    PackOtherwise,
    /// It is an archive that programs read differently.
    #[error("pack it again with a common program")]
    PackAgain,
    /// It does not follow its format.
    #[error("save it again with the program that made it")]
    SaveAgain,
    /// It is too large or too deep.
    #[error("upload it in smaller pieces")]
    Split,
    /// It is of another type than was declared.
    #[error("declare it as what it is, if that type is taken here")]
    Declare,
    /// Its name does not fit its type.
    #[error("give it the name that fits its type")]
    Rename,
    /// It has something that this deployment does not take.
    #[error("upload it without that")]
    LeaveOut,
}

impl Remedy {
    /// A reason: what was found, and what to do.
    pub(crate) fn after(self, what: impl std::fmt::Display) -> String {
        format!("{what}; {self}")
    }

    /// What to do about a flaw.
    pub(crate) fn of_flaw(flaw: &Flaw) -> Self {
        match flaw {
            Flaw::Encrypted(_) => Self::Unlock,
            Flaw::Macros(_) => Self::LeaveOut,
            Flaw::Malformed(_) | Flaw::Trailing(_) | Flaw::Hidden(_) | Flaw::Polyglot(_) => Self::SaveAgain,
        }
    }

    /// What to do about what a walk refused.
    pub(crate) fn of_refusal(why: &Why) -> Self {
        match (why, why.kind()) {
            (Why::Encrypted, _) => Self::Unlock,
            (Why::NotAFile(_), _) => Self::LeaveOut,
            (Why::Unsupported(_), _) => Self::PackOtherwise,
            (_, Kind::Structure) => Self::PackAgain,
            (_, Kind::Limit | Kind::Time) => Self::Split,
            (_, Kind::Unscannable) => Self::SaveAgain,
        }
    }
}
