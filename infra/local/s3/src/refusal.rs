//! Answers whose codes `s3s` does not know
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>).

use http::StatusCode;
use s3s::{S3Error, S3ErrorCode};

pub(crate) fn refusal(status: StatusCode, code: &'static str, message: &'static str) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}
