//! Why a call to a service failed: an outage, after which it is worth asking again, or a fault of ours.

use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::{display::DisplayErrorContext, metadata::ProvideErrorMetadata};
use std::error::Error;

/// A call to an AWS service failed. What is said is for the log: the service's code, message and request id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The service did not answer, or not now. Asking again may help.
    #[error("a service did not answer: {0}")]
    Outage(String),
    /// The service does not do what it was asked, or it could not be asked at all. Asking again does not help: the
    /// request is wrong, or a permission is missing.
    #[error("a service refused a request: {0}")]
    Refused(String),
}

/// An error of which it is known whose it is.
pub trait Fault: Error + Send + Sync + 'static {
    /// Whether it is an outage, so that asking again may help; otherwise it is ours.
    fn is_outage(&self) -> bool;
}

impl Fault for CallError {
    fn is_outage(&self) -> bool {
        matches!(self, Self::Outage(_))
    }
}

impl<E> From<SdkError<E, HttpResponse>> for CallError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let is_outage = match &error {
            SdkError::ConstructionFailure(_) => false,
            SdkError::ServiceError(answer) => {
                let status = answer.raw().status().as_u16();
                let code = answer.err().code();
                status >= 500 || status == 429 || code.is_some_and(|code| THROTTLING_ERRORS.contains(&code))
            }
            _ => true,
        };
        let what = DisplayErrorContext(error).to_string();
        if is_outage { Self::Outage(what) } else { Self::Refused(what) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};

    fn answered(status: u16, code: &str) -> CallError {
        let error = ErrorMetadata::builder().code(code).message("why").build();
        let response = HttpResponse::new(status.try_into().expect("a status"), SdkBody::empty());
        SdkError::service_error(error, response).into()
    }

    #[test]
    fn what_passes_is_an_outage_and_what_does_not_is_ours() {
        for (status, code) in [
            (500, "InternalError"),
            (503, "SlowDown"),
            (429, "x"),
            (400, "ThrottlingException"),
            (400, "ProvisionedThroughputExceededException"),
        ] {
            assert!(matches!(answered(status, code), CallError::Outage(_)), "{status} {code}");
        }
        for (status, code) in [(400, "ValidationException"), (403, "AccessDenied"), (404, "NoSuchBucket")] {
            assert!(matches!(answered(status, code), CallError::Refused(_)), "{status} {code}");
        }
        let late: SdkError<ErrorMetadata, HttpResponse> = SdkError::timeout_error("late");
        assert!(matches!(late.into(), CallError::Outage(_)));
        let wrong: SdkError<ErrorMetadata, HttpResponse> = SdkError::construction_failure("no bucket");
        assert!(matches!(wrong.into(), CallError::Refused(_)));
    }
}
