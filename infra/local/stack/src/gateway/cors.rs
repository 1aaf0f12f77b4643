//! Which web pages may call the API: the CORS configuration of an HTTP API.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>: the gateway
//! answers preflight requests itself, and its headers replace those of the function.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

/// The configuration, as the template has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cors {
    pub(crate) allow_origins: Vec<String>,
    pub(crate) allow_methods: Vec<String>,
    pub(crate) allow_headers: Vec<String>,
    pub(crate) expose_headers: Vec<String>,
    pub(crate) allow_credentials: bool,
    /// Seconds.
    pub(crate) max_age: Option<u64>,
}

impl Cors {
    /// The answer to a preflight request; `None` when it is none.
    pub(super) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
        let asks = headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if method != Method::OPTIONS || !asks {
            return None;
        }
        let mut answer = StatusCode::NO_CONTENT.into_response();
        if self.allow_origin(headers).is_some() {
            let added = answer.headers_mut();
            list(added, header::ACCESS_CONTROL_ALLOW_METHODS, &self.allow_methods);
            list(added, header::ACCESS_CONTROL_ALLOW_HEADERS, &self.allow_headers);
            if let Some(seconds) = self.max_age {
                added.insert(header::ACCESS_CONTROL_MAX_AGE, seconds.into());
            }
        }
        self.mark(headers, answer.headers_mut());
        Some(answer)
    }

    /// Adds to the headers of an answer what lets the page at the origin of the request read it.
    pub(super) fn mark(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        answer.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        let Some(origin) = self.allow_origin(request) else { return };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        list(answer, header::ACCESS_CONTROL_EXPOSE_HEADERS, &self.expose_headers);
        if self.allow_credentials {
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }

    fn allow_origin(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let origin = request.get(header::ORIGIN)?;
        let allowed =
            |allowed: &String| allowed == "*" || origin.as_bytes().eq_ignore_ascii_case(allowed.as_bytes());
        let first = self.allow_origins.iter().find(|one| allowed(one))?;
        if first == "*" { Some(HeaderValue::from_static("*")) } else { Some(origin.clone()) }
    }
}

fn list(headers: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if let Ok(value) = HeaderValue::from_str(&values.join(","))
        && !values.is_empty()
    {
        headers.insert(name, value);
    }
}
