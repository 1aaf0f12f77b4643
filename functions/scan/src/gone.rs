//! What S3 answers when an object is gone.

use aws_sdk_s3::{config::http::HttpResponse, error::SdkError};

/// Whether S3 refused because there is nothing under the key (404), or something else than was meant: another entity
/// tag, or something where nothing should be (412), or fewer bytes (416).
pub(crate) fn is_gone<E>(error: &SdkError<E, HttpResponse>) -> bool {
    matches!(error.raw_response().map(|response| response.status().as_u16()), Some(404 | 412 | 416))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::primitives::SdkBody;

    #[test]
    fn only_an_answer_says_that_something_is_gone() {
        let answered = |status: u16| {
            SdkError::service_error((), HttpResponse::new(status.try_into().unwrap(), SdkBody::empty()))
        };
        for status in [404, 412, 416] {
            assert!(is_gone(&answered(status)), "{status}");
        }
        for status in [301, 400, 403, 409, 429, 500, 503] {
            assert!(!is_gone(&answered(status)), "{status}");
        }
        assert!(!is_gone(&SdkError::<()>::timeout_error("too late")));
    }
}
