//! Errors as callers see them: `application/problem+json` (RFC 9457) with a stable `code`. This is
//! the one table of codes and statuses.

use crate::Response;
use airlock_aws::Fault;
use airlock_objects::registry::RegistryError;
use lambda_http::{
    Body,
    http::{HeaderValue, StatusCode, header},
};
use serde::Serialize;
use std::{borrow::Cow, error::Error};

/// What went wrong, for programs. The names are part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The body is not a JSON object.
    MalformedBody,
    /// Fields are missing, unknown or not valid; `errors` names each.
    InvalidRequest,
    /// The cursor is not one that a list answered.
    BadCursor,
    /// No verified token.
    Unauthorized,
    /// The token does not say who calls.
    Forbidden,
    /// There is no such object, or not of this tenant, or not in this state.
    NotFound,
    /// Nothing was uploaded yet.
    NotUploaded,
    /// There is no rendition of this object that is safe to show inline.
    NoSafeRendition,
    /// Too late to finalize.
    Expired,
    /// Larger than this deployment allows.
    TooLarge,
    /// This deployment does not allow the media type.
    TypeNotAllowed,
    /// The upload is not what was declared; `errors` says in what.
    Mismatch,
    /// The idempotency key was used with another body.
    IdempotencyKeyReused,
    /// Too many uploads or bytes; try again after `Retry-After`.
    QuotaExceeded,
    /// A fault of ours.
    Internal,
    /// A service we need did not answer; try again.
    Unavailable,
}

impl Code {
    /// The status that goes with the code.
    pub fn status(self) -> StatusCode {
        match self {
            Self::MalformedBody | Self::InvalidRequest | Self::BadCursor => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotUploaded | Self::NoSafeRendition => StatusCode::CONFLICT,
            Self::Expired => StatusCode::GONE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TypeNotAllowed => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Mismatch | Self::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::QuotaExceeded => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// One field that is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field of the body, query or header.
    pub field: Cow<'static, str>,
    /// What is wrong with it.
    pub detail: String,
}

/// A problem on its way to the caller.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after_seconds: Option<u64>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    /// A problem with a sentence for people.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after_seconds: None, cause: None }
    }

    /// The one answer for an object that is not there, is another tenant's, or is not ready: alike
    /// to the byte, so that nothing can be learnt from it.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "there is no such object")
    }

    /// A problem of fields. Its sentence is the first error, as many clients show no more than `detail`.
    pub fn of(code: Code, errors: Vec<FieldError>) -> Self {
        Self { detail: in_words(&errors).into(), errors, ..Self::new(code, "") }
    }

    /// Fields of a request that are wrong.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self::of(Code::InvalidRequest, errors)
    }

    /// A problem of one field.
    pub fn field(code: Code, field: &'static str, detail: impl Into<String>) -> Self {
        Self::of(code, vec![FieldError { field: field.into(), detail: detail.into() }])
    }

    /// Says when to try again.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// What a caller is told when something behind us failed: to try again after an outage, and otherwise that the
    /// fault is ours. The cause is logged, never answered.
    pub fn behind(cause: impl Fault) -> Self {
        let problem = if cause.is_outage() {
            let detail = "this can't be answered now; try again";
            Self::new(Code::Unavailable, detail).retry_after(1)
        } else {
            Self::new(Code::Internal, "something went wrong on our side")
        };
        Self { cause: Some(Box::new(cause)), ..problem }
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The sentence for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What is behind it, for the log.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.cause.as_deref()
    }
}

fn in_words(errors: &[FieldError]) -> String {
    let Some((FieldError { field, detail }, more)) = errors.split_first() else {
        return "the request is not valid".to_owned();
    };
    match more.len() {
        0 => format!("{field}: {detail}"),
        more => format!("{field}: {detail} (and {more} more; see errors)"),
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        Self::behind(error)
    }
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    code: Code,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        let status = problem.code.status();
        let document = Document {
            // RFC 9457, section 4.2.1: no more than the status says; `code` is our extension.
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            code: problem.code,
            detail: &problem.detail,
            errors: &problem.errors,
        };
        let mut response = Self::new(Body::Text(serde_json::json!(document).to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = problem.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_aws::CallError;

    #[test]
    fn an_outage_is_503_and_a_fault_of_ours_500_and_neither_says_what_it_was() {
        let cause = || "arn:aws:dynamodb:secret".to_owned();
        for (fault, status) in [
            (RegistryError::from(CallError::Outage(cause())), 503),
            (CallError::Refused(cause()).into(), 500),
            (RegistryError::Busy, 503),
        ] {
            let response = Response::from(Problem::from(fault));
            assert_eq!(response.status(), status);
            assert_eq!(response.headers().contains_key(header::RETRY_AFTER), status == 503);
            let Body::Text(text) = response.body() else { panic!("no text") };
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn the_detail_is_the_first_error_and_counts_the_others() {
        let error =
            |field: &'static str, detail: &str| FieldError { field: field.into(), detail: detail.into() };
        let errors = [error("size", "is required"), error("key", "is unknown"), error("path", "is unknown")];
        let detail = |errors: &[FieldError]| Problem::invalid(errors.to_vec()).detail.into_owned();
        assert_eq!(detail(&errors[..1]), "size: is required");
        assert_eq!(detail(&errors), "size: is required (and 2 more; see errors)");
    }
}
