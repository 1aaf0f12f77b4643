//! What is wrong with a template, and where.

/// Why a template cannot be brought up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is not YAML, or not such as CloudFormation reads.
    #[error("the template is not readable YAML: {0}")]
    Yaml(String),
    /// A parameter has no value, or not one that it may have.
    #[error("parameter {name}: {why}")]
    Parameter {
        /// Which parameter.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A property, or an event or resource type, that the local stack does not understand.
    #[error("{at}: the local stack does not know {what}; remove it, or teach infra/local/template")]
    Unknown {
        /// Where it stands: logical id and property path.
        at: String,
        /// What it is.
        what: String,
    },
    /// Something refers to what is not there.
    #[error("{at} refers to {to}, which the template does not have")]
    Reference {
        /// Where the reference stands.
        at: String,
        /// What it names.
        to: String,
    },
    /// A value that cannot be used.
    #[error("{at}: {why}")]
    Wrong {
        /// Where it stands.
        at: String,
        /// What is wrong with it.
        why: String,
    },
}

impl TemplateError {
    pub(crate) fn wrong(at: &str, why: impl Into<String>) -> Self {
        Self::Wrong { at: at.to_owned(), why: why.into() }
    }

    pub(crate) fn unknown(at: &str, what: impl Into<String>) -> Self {
        Self::Unknown { at: at.to_owned(), what: what.into() }
    }
}
