//! Verifies AWS Signature Version 4 in the `Authorization` header, as SQS and DynamoDB do
//! (IAM User Guide, "Create a signed AWS API request"). S3 has a verifier of its own.

use crate::{Access, Principal, REGION};
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use http::{HeaderMap, request::Parts};
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, time::SystemTime};
use time::{Duration, OffsetDateTime, PrimitiveDateTime, macros::format_description};

/// How far the clocks of caller and service may be apart.
const CLOCK_SKEW: Duration = Duration::minutes(15);

/// Why a signature is not accepted. The codes are those that AWS answers.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature.
    #[error("Request is missing Authentication Token")]
    Missing,
    /// The header cannot be read, or leaves out what must be signed.
    #[error("Authorization header is incomplete: {0}")]
    Incomplete(&'static str),
    /// No such key.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// Signed too long ago, or in the future.
    #[error("Signature expired")]
    Expired,
    /// The signature is of another request or by another secret.
    #[error("The request signature we calculated does not match the signature you provided.")]
    Mismatch,
}

impl SignatureError {
    /// The name under which AWS services answer it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Incomplete(_) => "IncompleteSignatureException",
            Self::UnknownKey => "UnrecognizedClientException",
            Self::Expired | Self::Mismatch => "InvalidSignatureException",
        }
    }
}

/// The parts of `AWS4-HMAC-SHA256 Credential=…/date/region/service/aws4_request, SignedHeaders=…,
/// Signature=…`.
struct Authorization<'a> {
    access_key_id: &'a str,
    scope: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(headers: &'a HeaderMap) -> Result<Self, SignatureError> {
        let header = headers.get(http::header::AUTHORIZATION).ok_or(SignatureError::Missing)?;
        let text = header.to_str().map_err(|_| SignatureError::Incomplete("it is not ASCII"))?;
        let fields = text
            .strip_prefix("AWS4-HMAC-SHA256 ")
            .ok_or(SignatureError::Incomplete("the algorithm must be AWS4-HMAC-SHA256"))?;
        let field = |name: &'static str| {
            fields
                .split(',')
                .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
                .ok_or(SignatureError::Incomplete(name))
        };
        let (access_key_id, scope) =
            field("Credential")?.split_once('/').ok_or(SignatureError::Incomplete("Credential"))?;
        Ok(Self {
            access_key_id,
            scope,
            signed_headers: field("SignedHeaders")?,
            signature: field("Signature")?,
        })
    }
}

/// Who signed a request, and with which key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Whose key it is.
    pub principal: Principal,
    /// The public half of the key.
    pub access_key_id: String,
}

/// Whose signature a request to `service` bears, if it is right.
///
/// # Errors
/// [`SignatureError`] when there is none, or it does not hold.
pub fn verify(
    access: &Access,
    service: &str,
    request: &Parts,
    body: &[u8],
) -> Result<Signer, SignatureError> {
    let authorization = Authorization::parse(&request.headers)?;
    let secret = access.secret(authorization.access_key_id).ok_or(SignatureError::UnknownKey)?;
    let principal = access.principal(authorization.access_key_id).ok_or(SignatureError::UnknownKey)?;
    let signed: Vec<&str> = authorization.signed_headers.split(';').collect();
    if !["host", "x-amz-date"].iter().all(|name| signed.contains(name)) {
        return Err(SignatureError::Incomplete("host and x-amz-date must be signed"));
    }
    // Without this, a signed request could be sent again as another operation.
    let mut names = request.headers.keys().map(http::HeaderName::as_str);
    if !names.all(|name| !name.starts_with("x-amz-") || signed.contains(&name)) {
        return Err(SignatureError::Incomplete("every x-amz header must be signed"));
    }
    let date = header(&request.headers, "x-amz-date").ok_or(SignatureError::Incomplete("x-amz-date"))?;
    let time = parse_date(date).ok_or(SignatureError::Incomplete("x-amz-date"))?;
    let day = date.split('T').next().unwrap_or_default();
    if authorization.scope != format!("{day}/{REGION}/{service}/aws4_request") {
        return Err(SignatureError::Mismatch);
    }
    let age = OffsetDateTime::now_utc() - time;
    if age.abs() > CLOCK_SKEW {
        return Err(SignatureError::Expired);
    }
    let canonical = canonical_request(request, &signed, authorization.signed_headers, body)
        .ok_or(SignatureError::Incomplete("a signed header is not there"))?;
    let hash = hex(&Sha256::digest(canonical));
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{}\n{hash}", authorization.scope);
    let key = generate_signing_key(secret.expose(), SystemTime::from(time), REGION, service);
    let expected = calculate_signature(key, to_sign.as_bytes());
    if same(expected.as_bytes(), authorization.signature.as_bytes()) {
        Ok(Signer { principal, access_key_id: authorization.access_key_id.to_owned() })
    } else {
        Err(SignatureError::Mismatch)
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn parse_date(text: &str) -> Option<OffsetDateTime> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    PrimitiveDateTime::parse(text, format).ok().map(PrimitiveDateTime::assume_utc)
}

/// `None` when a header that is signed is not there.
fn canonical_request(request: &Parts, signed: &[&str], signed_headers: &str, body: &[u8]) -> Option<String> {
    let mut query: Vec<&str> = request.uri.query().unwrap_or_default().split('&').collect();
    query.sort_unstable();
    let mut text = format!("{}\n{}\n{}\n", request.method, request.uri.path(), query.join("&"));
    for name in signed {
        let values = request.headers.get_all(*name).iter();
        let values = values.map(|value| value.to_str().map(str::trim)).collect::<Result<Vec<_>, _>>().ok()?;
        if values.is_empty() {
            return None;
        }
        // Runs of spaces count as one.
        let value = values.join(",").split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        writeln!(text, "{name}:{value}").ok()?;
    }
    write!(text, "\n{signed_headers}\n{}", hex(&Sha256::digest(body))).ok()?;
    Some(text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Compares without telling by its duration where the difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::Credentials;
    use aws_sigv4::{
        http_request::{SignableBody, SignableRequest, SigningSettings, sign},
        sign::v4::SigningParams,
    };
    use std::sync::Arc;

    const BODY: &[u8] = b"{\"QueueUrl\":\"x\"}";

    fn signed(access_key_id: &str, secret: &str, at: SystemTime) -> Parts {
        let identity = Credentials::new(access_key_id, secret, None, None, "test").into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name("sqs")
            .time(at)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let headers = [("host", "127.0.0.1:1"), ("x-amz-target", "AmazonSQS.SendMessage")];
        let request = SignableRequest::new(
            "POST",
            "http://127.0.0.1:1/",
            headers.into_iter(),
            SignableBody::Bytes(BODY),
        );
        let mut request_parts = http::Request::post("http://127.0.0.1:1/");
        for (name, value) in headers {
            request_parts = request_parts.header(name, value);
        }
        let mut request_parts = request_parts.body(()).unwrap();
        let (instructions, _) = sign(request.unwrap(), &params).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request_parts);
        request_parts.into_parts().0
    }

    fn with_key() -> (Arc<Access>, String, String) {
        let access = Access::new();
        let credentials = access.issue(Principal::Function("Scan".to_owned()));
        (access, credentials.access_key_id, credentials.secret_access_key.expose().to_owned())
    }

    #[test]
    fn what_the_sdk_signs_is_accepted_and_nothing_else() {
        let (access, id, secret) = with_key();
        let now = SystemTime::now();
        let verified = |parts: &Parts, body: &[u8]| verify(&access, "sqs", parts, body);
        let good = signed(&id, &secret, now);
        let principal = Principal::Function("Scan".to_owned());
        assert_eq!(verified(&good, BODY), Ok(Signer { principal, access_key_id: id.clone() }));
        assert_eq!(verified(&good, b"other"), Err(SignatureError::Mismatch));
        assert_eq!(verify(&access, "dynamodb", &good, BODY), Err(SignatureError::Mismatch));
        assert_eq!(verified(&signed(&id, "wrong", now), BODY), Err(SignatureError::Mismatch));
        assert_eq!(verified(&signed("AKIANOBODY", &secret, now), BODY), Err(SignatureError::UnknownKey));
        let too_far = std::time::Duration::from_secs(16 * 60);
        for time in [now - too_far, now + too_far] {
            assert_eq!(verified(&signed(&id, &secret, time), BODY), Err(SignatureError::Expired));
        }
        for name in ["host;", "x-amz-date;"] {
            let mut less = good.clone();
            let text = less.headers["authorization"].to_str().unwrap().replace(name, "");
            less.headers.insert("authorization", text.parse().unwrap());
            assert!(matches!(verified(&less, BODY), Err(SignatureError::Incomplete(_))), "{name}");
        }

        let mut changed = good.clone();
        changed.headers.insert("x-amz-target", "AmazonSQS.PurgeQueue".parse().unwrap());
        assert_eq!(verified(&changed, BODY), Err(SignatureError::Mismatch));
        let mut added = good.clone();
        added.headers.insert("x-amz-meta", "x".parse().unwrap());
        assert!(matches!(verified(&added, BODY), Err(SignatureError::Incomplete(_))));
        let mut unsigned = good;
        unsigned.headers.remove("authorization");
        assert_eq!(verified(&unsigned, BODY), Err(SignatureError::Missing));
    }

    #[test]
    fn a_header_that_makes_no_sense_is_refused() {
        let (access, ..) = with_key();
        for text in
            ["", "Bearer x", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=, Signature="]
        {
            let request = http::Request::post("/").header("authorization", text).body(()).unwrap();
            let result = verify(&access, "sqs", &request.into_parts().0, BODY);
            assert!(matches!(result, Err(SignatureError::Incomplete(_))), "{text}: {result:?}");
        }
    }
}
