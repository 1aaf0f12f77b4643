//! What can go wrong between a command and the API, and which of it is an answer.

use super::ApiUrl;
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};
use std::{error::Error, fmt, io, path::PathBuf};

/// A refusal of the API: `application/problem+json` (RFC 9457) with Airlock's `code`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Problem {
    /// The HTTP status.
    pub(crate) status: u16,
    /// What is wrong, for programs.
    pub(crate) code: String,
    /// What is wrong, for people.
    pub(crate) detail: String,
    /// The fields that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<FieldError>,
}

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FieldError {
    /// The field.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) detail: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of a problem with errors, the detail says the first of them again.
        let errors = self.errors.iter().map(|FieldError { field, detail }| format!("{field}: {detail}"));
        let errors = errors.collect::<Vec<_>>().join("; ");
        let said = if errors.is_empty() { &self.detail } else { &errors };
        write!(f, "{said} ({})", self.code)
    }
}

/// Why there is no answer, or why it is no. None of these holds a URL with a signature or a token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The API refused.
    #[error("{0}")]
    Refused(Problem),
    /// Storage refused the pre-signed request.
    #[error("storage answered {status} {code}")]
    Storage {
        /// The HTTP status.
        status: StatusCode,
        /// S3's error code, such as `PreconditionFailed`.
        code: String,
    },
    /// It answers, but not like the API of Airlock: a gateway in front of it, or something else.
    #[error("{who} answered {status}: {message}")]
    Unexpected {
        /// Who answered.
        who: String,
        /// The HTTP status.
        status: StatusCode,
        /// What it said.
        message: String,
    },
    /// No answer.
    #[error("no answer from {who}: {why}")]
    Unreachable {
        /// Who was asked.
        who: String,
        /// What stood in the way.
        why: String,
    },
    /// Still not scanned.
    #[error("upload {upload_id} is not scanned yet; ask again with: airlock status {upload_id}")]
    StillScanning {
        /// Which upload.
        upload_id: String,
    },
    /// The file to upload cannot be read.
    #[error("{path}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nobody said the media type, and the name of the file does not say it.
    #[error("its name does not say which media type it is; say it with `airlock upload --type TYPE`")]
    NoType,
    /// Standard input is to be uploaded, and nobody said under which name.
    #[error("standard input has no name of its own; say one with --name NAME")]
    NoName,
    /// Nobody left a ready file for the one that was asked for.
    #[error(
        "no local stack of yours is known at {api}; start one (airlock local), or name the ready file of one \
         that runs: --ready-file FILE or AIRLOCK_READY_FILE"
    )]
    NoLocalStack {
        /// Which was asked for.
        api: String,
    },
    /// The ready file is of another stack than the one that was asked for.
    #[error("{path} is the ready file of the stack at {api}, not of {asked}")]
    OtherStack {
        /// The ready file.
        path: PathBuf,
        /// Whose it is.
        api: String,
        /// Whose was meant.
        asked: String,
    },
    /// What arrived is not what was published.
    #[error("the download has SHA-256 {found}, the object has {expected}; nothing was saved")]
    Corrupt {
        /// What arrived.
        found: String,
        /// What was published.
        expected: String,
    },
    /// No HTTP client can be made on this machine.
    #[error("cannot talk HTTP: {0}")]
    Unusable(String),
}

impl ClientError {
    pub(super) fn unreachable(who: impl fmt::Display, error: &reqwest::Error) -> Self {
        Self::Unreachable { who: who.to_string(), why: root_cause(error) }
    }

    pub(super) fn refused(api: &ApiUrl, status: StatusCode, body: &[u8]) -> Self {
        if let Ok(problem) = serde_json::from_slice::<Problem>(body) {
            return Self::Refused(Problem { status: status.as_u16(), ..problem });
        }
        // API Gateway's own errors.
        #[derive(Deserialize)]
        struct Gateway {
            message: String,
        }
        let said = serde_json::from_slice(body).map(|Gateway { message }| message);
        let message = match (status, said) {
            (StatusCode::UNAUTHORIZED, _) => "the token is not valid here, or has expired".to_owned(),
            (_, Ok(message)) => message,
            (_, Err(_)) => "this does not look like an Airlock API".to_owned(),
        };
        Self::Unexpected { who: api.to_string(), status, message }
    }

    /// Whether this is an answer, and the answer is no; otherwise it could not be asked.
    pub(crate) fn is_no(&self) -> bool {
        match self {
            Self::Refused(problem) => {
                (400..500).contains(&problem.status) && !matches!(problem.status, 401 | 403)
            }
            // 403 is a URL that is used too late.
            Self::Storage { status, .. } => status.is_client_error() && *status != StatusCode::FORBIDDEN,
            Self::Corrupt { .. } => true,
            _ => false,
        }
    }

    /// Whether the same request may well be answered in a moment.
    pub(crate) fn is_transient(&self) -> bool {
        let passes = |status: u16| matches!(status, 500 | 502..=504);
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused(problem) => passes(problem.status),
            Self::Storage { status, .. } => passes(status.as_u16()),
            // The gateway's throttle; a quota is a problem document, and takes longer.
            Self::Unexpected { status, .. } => {
                passes(status.as_u16()) || *status == StatusCode::TOO_MANY_REQUESTS
            }
            _ => false,
        }
    }
}

/// The innermost reason. The outer ones say less, and may repeat the URL.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    // reqwest's own errors carry the URL; those of the layers below do not.
    match cause.downcast_ref::<reqwest::Error>() {
        Some(own) if own.is_timeout() => "it took too long".to_owned(),
        Some(_) => "the request could not be made".to_owned(),
        None => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> Result<ClientError, Box<dyn Error>> {
        let api: ApiUrl = "http://host".parse()?;
        Ok(ClientError::refused(&api, StatusCode::from_u16(status)?, body.as_bytes()))
    }

    #[test]
    fn a_refusal_is_said_once_with_every_error_and_the_code() -> Result<(), Box<dyn Error>> {
        let body = r#"{"type":"about:blank","title":"Bad Request","status":400,"code":"invalid_request",
            "detail":"size: is required (and 1 more; see errors)",
            "errors":[{"field":"size","detail":"is required"},{"field":"key","detail":"is no field"}]}"#;
        let error = refused(400, body)?;
        assert_eq!(error.to_string(), "size: is required; key: is no field (invalid_request)");
        assert!(error.is_no() && !error.is_transient());
        let without =
            refused(404, r#"{"status":404,"code":"not_found","detail":"there is no such object"}"#)?;
        assert_eq!(without.to_string(), "there is no such object (not_found)");
        Ok(())
    }

    #[test]
    fn only_an_answer_of_the_api_is_a_no() -> Result<(), Box<dyn Error>> {
        let problem =
            |status: u16| refused(status, &format!(r#"{{"status":{status},"code":"c","detail":"d"}}"#));
        for status in [400, 404, 409, 410, 413, 415, 422, 429] {
            assert!(problem(status)?.is_no(), "{status}");
            assert!(!problem(status)?.is_transient(), "{status}");
            assert!(!refused(status, r#"{"message":"Not Found"}"#)?.is_no(), "{status}");
            assert!(!refused(status, "<html>")?.is_no(), "{status}");
        }
        for status in [401, 403, 500, 503] {
            assert!(!problem(status)?.is_no(), "{status}");
        }
        assert!(problem(503)?.is_transient() && !problem(401)?.is_transient());
        assert!(refused(429, r#"{"message":"Too Many Requests"}"#)?.is_transient());
        Ok(())
    }

    #[test]
    fn the_gateway_s_401_says_that_it_is_the_token() -> Result<(), Box<dyn Error>> {
        let error = refused(401, r#"{"message":"Unauthorized"}"#)?;
        assert!(error.to_string().contains("token is not valid"), "{error}");
        Ok(())
    }
}
