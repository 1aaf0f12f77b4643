//! What the client gets for a function's answer: payload format 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use axum::{
    Json,
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

/// What belongs to the connection between client and gateway (RFC 9110, section 7.6.1).
const OF_THE_CONNECTION: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    HeaderName::from_static("keep-alive"),
];

/// An answer that is not what the format asks for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the function's answer has no usable {0}")]
pub(super) struct Malformed(&'static str);

/// An answer of the gateway itself; it says nothing about its reasons.
pub(super) fn plain(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

/// Turns the payload of a function into the answer to the client.
pub(super) fn answer(payload: &[u8]) -> Result<Response, Malformed> {
    let payload: Value = serde_json::from_slice(payload).map_err(|_| Malformed("JSON"))?;
    match payload {
        Value::Object(object) if object.contains_key("statusCode") => full(&object),
        // Without a status, the payload is the body.
        payload => Ok(([(header::CONTENT_TYPE, "application/json")], text(&payload)).into_response()),
    }
}

fn full(object: &Map<String, Value>) -> Result<Response, Malformed> {
    let status = object.get("statusCode").and_then(status).ok_or(Malformed("statusCode"))?;
    let mut headers = HeaderMap::new();
    match object.get("headers") {
        None | Some(Value::Null) => {}
        Some(Value::Object(values)) => {
            for (name, value) in values {
                add(&mut headers, name, value).ok_or(Malformed("headers"))?;
            }
        }
        Some(_) => return Err(Malformed("headers")),
    }
    match object.get("cookies") {
        None | Some(Value::Null) => {}
        Some(Value::Array(cookies)) => {
            for cookie in cookies {
                add(&mut headers, header::SET_COOKIE.as_str(), cookie).ok_or(Malformed("cookies"))?;
            }
        }
        Some(_) => return Err(Malformed("cookies")),
    }
    let body = match object.get("body") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(body)) if object.get("isBase64Encoded") == Some(&Value::Bool(true)) => {
            STANDARD.decode(body).map_err(|_| Malformed("body"))?
        }
        Some(Value::String(body)) => body.clone().into_bytes(),
        Some(_) => return Err(Malformed("body")),
    };
    if !body.is_empty() && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    Ok((status, headers, Body::from(body)).into_response())
}

/// A number, or a string that is one.
fn status(value: &Value) -> Option<StatusCode> {
    let code = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    // 1xx is never a final answer.
    StatusCode::from_u16(code.try_into().ok()?).ok().filter(|status| (200..600).contains(&status.as_u16()))
}

fn add(headers: &mut HeaderMap, name: &str, value: &Value) -> Option<()> {
    let name = HeaderName::try_from(name).ok()?;
    if value.is_array() || value.is_object() {
        return None;
    }
    let value = HeaderValue::try_from(text(value)).ok()?;
    if !OF_THE_CONNECTION.contains(&name) {
        headers.append(name, value);
    }
    Some(())
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn seen(payload: Value) -> (u16, Vec<(String, String)>, String) {
        let answer = answer(payload.to_string().as_bytes()).unwrap();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        let (status, headers) = (answer.status().as_u16(), headers.collect());
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_full_answer_is_followed() {
        let payload = json!({
            "statusCode": 201, "headers": { "Location": "/x", "Content-Length": "999", "Content-Type": "text/css" },
            "cookies": ["a=1", "b=2"], "body": "aGk=", "isBase64Encoded": true,
        });
        let (status, headers, body) = seen(payload).await;
        assert_eq!((status, body.as_str()), (201, "hi"));
        let expected =
            [("content-type", "text/css"), ("location", "/x"), ("set-cookie", "a=1"), ("set-cookie", "b=2")];
        let mut headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        headers.sort_unstable();
        assert_eq!(headers, expected);
    }

    #[tokio::test]
    async fn without_a_status_the_payload_is_the_body() {
        let (status, headers, body) = seen(json!({ "answer": 42 })).await;
        assert_eq!((status, body.as_str()), (200, r#"{"answer":42}"#));
        assert_eq!(headers, [("content-type".to_owned(), "application/json".to_owned())]);
    }

    #[test]
    fn malformed_answers_are_refused() {
        let refused = |payload: &str| answer(payload.as_bytes()).err();
        for (payload, what) in [
            ("not json", "JSON"),
            (r#"{"statusCode":"abc"}"#, "statusCode"),
            (r#"{"statusCode":99}"#, "statusCode"),
            (r#"{"statusCode":101}"#, "statusCode"),
            (r#"{"statusCode":200,"headers":[]}"#, "headers"),
            (r#"{"statusCode":200,"headers":{"a b":"c"}}"#, "headers"),
            (r#"{"statusCode":200,"headers":{"a":"b\nc"}}"#, "headers"),
            (r#"{"statusCode":200,"headers":{"a":["b"]}}"#, "headers"),
            (r#"{"statusCode":200,"cookies":"a=b"}"#, "cookies"),
            (r#"{"statusCode":200,"body":{}}"#, "body"),
            (r#"{"statusCode":200,"body":"%","isBase64Encoded":true}"#, "body"),
        ] {
            assert_eq!(refused(payload), Some(Malformed(what)), "{payload}");
        }
    }
}
