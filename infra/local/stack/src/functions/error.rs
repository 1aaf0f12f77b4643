//! Why an invocation gave no answer.

use serde_json::{Value, json};
use std::{io, time::Duration};

/// An error that the function reported, or that Lambda reports about its execution environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error_type}: {message}")]
pub struct FunctionError {
    /// Such as `Sandbox.Timedout`, `Runtime.ExitError`, or what the function calls it.
    pub error_type: String,
    /// What happened, in the words of the function or of Lambda.
    pub message: String,
}

impl FunctionError {
    /// The payload that AWS answers to an invoker.
    pub fn to_json(&self) -> Value {
        json!({ "errorType": self.error_type, "errorMessage": self.message })
    }

    pub(super) fn timed_out(request_id: &str, limit: Duration) -> Self {
        Self {
            error_type: "Sandbox.Timedout".to_owned(),
            message: format!(
                "RequestId: {request_id} Error: Task timed out after {:.2} seconds",
                limit.as_secs_f64()
            ),
        }
    }

    pub(super) fn exited(request_id: &str, how: &str) -> Self {
        Self {
            error_type: "Runtime.ExitError".to_owned(),
            message: format!("RequestId: {request_id} Error: Runtime exited {how}"),
        }
    }
}

/// Why [`crate::Stack::invoke`] gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// No function of the template has this logical id or binary name.
    #[error("the template has no function {0:?}")]
    UnknownFunction(String),
    /// All the execution environments that the function reserves are busy
    /// (`TooManyRequestsException` of AWS).
    #[error("rate exceeded: the reserved concurrency of {0} is used up")]
    Throttled(String),
    /// The event is larger than the 6 MiB of a synchronous invocation
    /// (`RequestTooLargeException` of AWS).
    #[error("the event has {0} bytes, more than one invocation may carry")]
    TooLarge(usize),
    /// The function failed.
    #[error(transparent)]
    Function(#[from] FunctionError),
    /// The answer is not JSON.
    #[error("the function's answer is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// The process could not be started.
    #[error("cannot start a process for the function")]
    Start(#[from] io::Error),
    /// The stack is stopping.
    #[error("the local stack is stopping")]
    Stopping,
}
