//! The refusals of SQS, under the names that its clients know.

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum SqsError {
    /// There is no such queue.
    #[error("The specified queue does not exist.")]
    NoQueue,
    /// The receipt handle is none of this queue.
    #[error("The input receipt handle is invalid.")]
    BadHandle,
    /// The message is visible, so its visibility cannot be changed.
    #[error("The message referred to isn't in flight.")]
    NotInFlight,
    /// Nothing in the batch.
    #[error("There should be at least one entry in the request.")]
    EmptyBatch,
    /// More than ten in the batch.
    #[error("Maximum number of entries per request are 10.")]
    LargeBatch,
    /// Two entries of a batch have the same id.
    #[error("Two or more batch entries in the request have the same Id.")]
    RepeatedId,
    /// A parameter is not there.
    #[error("The request must contain the parameter {0}.")]
    Missing(&'static str),
    /// A parameter has a value that it cannot have.
    #[error("One or more parameters are invalid. Reason: {0}")]
    Invalid(String),
    /// The same, in the words for one parameter.
    #[error("Value {value} for parameter {parameter} is invalid. Reason: {reason}")]
    Value {
        /// Which parameter.
        parameter: &'static str,
        /// What it was.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Parameters that do not fit together.
    #[error("{0}")]
    Parameter(&'static str),
    /// An attribute that queues do not have.
    #[error("Unknown Attribute {0}.")]
    UnknownAttribute(String),
    /// An operation that this SQS does not have.
    #[error("{0} is not supported by the local stack.")]
    Unsupported(String),
    /// The caller may not do this.
    #[error(transparent)]
    Denied(#[from] airlock_local_access::Denied),
    /// The file of messages cannot be used.
    #[error("the queues' file cannot be used: {0}")]
    Store(#[from] rusqlite::Error),
    /// The listener cannot be used.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl SqsError {
    pub(crate) fn value(parameter: &'static str, value: &str, reason: &str) -> Self {
        Self::Value { parameter, value: value.to_owned(), reason: reason.to_owned() }
    }

    /// The shape of the error in the JSON protocol, and its older name in the query protocol, which
    /// SDKs answer as the code.
    pub(crate) fn codes(&self) -> (&'static str, &'static str) {
        match self {
            Self::NoQueue => ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
            Self::BadHandle => ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid"),
            Self::NotInFlight => ("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight"),
            Self::EmptyBatch => ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest"),
            Self::LargeBatch => {
                ("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
            }
            Self::RepeatedId => {
                ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
            }
            Self::Missing(_) => ("MissingRequiredParameterException", "MissingParameter"),
            Self::Invalid(_) | Self::Value { .. } | Self::Parameter(_) => {
                ("InvalidParameterValueException", "InvalidParameterValue")
            }
            Self::UnknownAttribute(_) => ("InvalidAttributeName", "InvalidAttributeName"),
            Self::Unsupported(_) => ("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation"),
            Self::Denied(_) => ("AccessDeniedException", "AccessDenied"),
            Self::Store(_) | Self::Io(_) => ("InternalFailure", "InternalFailure"),
        }
    }
}
