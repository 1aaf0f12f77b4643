//! The HTTP API of the template: routes, authorizer, limits, and the way to the functions and back.

mod answer;
mod authorizer;
mod cors;
mod event;
mod keys;
mod route;
#[cfg(test)]
mod tests;

pub(crate) use cors::Cors;

use crate::functions::{Functions, WhenBusy, error::InvokeError};
use answer::{answer, plain};
use authorizer::{Authorizer, Refusal};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use event::{Received, event};
use futures::StreamExt;
use route::Route;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use time::OffsetDateTime;

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
/// The largest body of a request, in bytes.
const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// The request line and all headers together, in bytes.
const HEAD_LIMIT: usize = 10_240;
/// How long a function may take.
const INTEGRATION_LIMIT: Duration = Duration::from_secs(30);

/// A route as the template has it.
pub(crate) struct RouteSpec {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The logical id of its function.
    pub(crate) function: String,
    /// Whose tokens it takes; everyone may pass without.
    pub(crate) authorizer: Option<AuthorizerSpec>,
}

/// A JWT authorizer as the template has it, with the scopes of the route.
pub(crate) struct AuthorizerSpec {
    pub(crate) issuer: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) scopes: Vec<String>,
}

struct Target {
    function: String,
    guard: Option<(Arc<Authorizer>, Vec<String>)>,
}

/// The gateway in front of the functions.
pub(crate) struct Gateway {
    routes: Vec<Route<Target>>,
    cors: Option<Cors>,
    functions: Arc<Functions>,
}

impl Gateway {
    pub(crate) fn new(specs: Vec<RouteSpec>, cors: Option<Cors>, functions: Arc<Functions>) -> Self {
        // Routes with the same authorizer share its keys.
        let mut known: Vec<(String, Vec<String>, Arc<Authorizer>)> = Vec::new();
        let mut authorizer = |issuer: String, audiences: Vec<String>| {
            let same = known.iter().find(|(other, others, _)| *other == issuer && *others == audiences);
            if let Some((_, _, authorizer)) = same {
                return authorizer.clone();
            }
            let fresh = Arc::new(Authorizer::new(issuer.clone(), audiences.clone()));
            known.push((issuer, audiences, fresh.clone()));
            fresh
        };
        let routes = specs.into_iter().map(|spec| {
            let guard =
                spec.authorizer.map(|guard| (authorizer(guard.issuer, guard.audiences), guard.scopes));
            Route::new(&spec.method, &spec.path, Target { function: spec.function, guard })
        });
        Self { routes: routes.collect(), cors, functions }
    }

    /// Takes every request that comes.
    pub(crate) fn into_router(self) -> Router {
        Router::new().fallback(serve).with_state(Arc::new(self))
    }

    async fn respond(&self, request: &Received) -> Response {
        let Some(found) = route::find(&self.routes, request.method.as_str(), request.uri.path()) else {
            return plain(StatusCode::NOT_FOUND, "Not Found");
        };
        let target = &found.route.target;
        let caller = match &target.guard {
            Some((authorizer, scopes)) => match authorizer.verify(&request.headers, scopes).await {
                Ok(caller) => Some(caller),
                Err(refusal) => return refused(&refusal),
            },
            None => None,
        };
        self.call(
            &target.function,
            request,
            &event(request, &found.route.key(), &found.parameters, caller.as_ref()),
        )
        .await
    }

    async fn call(&self, function: &str, request: &Received, event: &serde_json::Value) -> Response {
        let invocation = self.functions.invoke(function, event.to_string().into(), WhenBusy::Refuse);
        // The log gets the cause; the client learns only that there is one.
        let failed = |why: &dyn std::fmt::Display| {
            tracing::error!(function, request = request.id, "the function failed: {why}");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        };
        match tokio::time::timeout(INTEGRATION_LIMIT, invocation).await {
            Ok(Ok(payload)) => answer(&payload).unwrap_or_else(|malformed| failed(&malformed)),
            Ok(Err(InvokeError::TooLarge(_))) => {
                plain(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
            }
            Ok(Err(error @ (InvokeError::Throttled(_) | InvokeError::Stopping))) => {
                tracing::warn!(function, request = request.id, "{error}");
                plain(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
            Ok(Err(error)) => failed(&error),
            Err(_) => {
                tracing::error!(function, request = request.id, "no answer after {INTEGRATION_LIMIT:?}");
                plain(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
        }
    }
}

async fn serve(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    // Read to its end first: an answer before that closes the connection under the client.
    let body = read(body).await;
    let id = uuid::Uuid::new_v4().to_string();
    let preflight = gateway.cors.as_ref().and_then(|cors| cors.preflight(&parts.method, &parts.headers));
    let mut response = match (preflight, body) {
        _ if head_size(&parts) > HEAD_LIMIT => {
            plain(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large")
        }
        (_, Err(refusal)) => refusal,
        (Some(answer), _) => answer,
        (None, Ok(body)) => {
            let at = OffsetDateTime::now_utc();
            let Parts { method, uri, version, headers, .. } = parts.clone();
            gateway.respond(&Received { id: id.clone(), at, from, method, uri, version, headers, body }).await
        }
    };
    if let Some(cors) = &gateway.cors {
        cors.mark(&parts.headers, response.headers_mut());
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("apigw-requestid", id);
    }
    response
}

/// The whole body. One that is too large is read as well, but not kept.
async fn read(body: Body) -> Result<Bytes, Response> {
    let mut stream = body.into_data_stream();
    let mut kept = Vec::new();
    let mut size = 0_usize;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| plain(StatusCode::BAD_REQUEST, "Bad Request"))?;
        size = size.saturating_add(chunk.len());
        if size <= BODY_LIMIT {
            kept.extend_from_slice(&chunk);
        }
    }
    if size > BODY_LIMIT {
        return Err(plain(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"));
    }
    Ok(kept.into())
}

fn head_size(parts: &Parts) -> usize {
    let of = |headers: &HeaderMap| {
        headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>()
    };
    parts.method.as_str().len() + parts.uri.to_string().len() + of(&parts.headers)
}

/// RFC 6750, section 3.
fn refused(refusal: &Refusal) -> Response {
    let (status, message, challenge) = match refusal {
        Refusal::NoToken => (StatusCode::UNAUTHORIZED, "Unauthorized", "Bearer".to_owned()),
        Refusal::InvalidToken(why) => (
            StatusCode::UNAUTHORIZED,
            "Unauthorized",
            format!(r#"Bearer scope="" error="invalid_token" error_description="{why}""#),
        ),
        Refusal::InsufficientScope(scopes) => (
            StatusCode::FORBIDDEN,
            "Forbidden",
            format!(r#"Bearer scope="{scopes}" error="insufficient_scope""#),
        ),
    };
    let mut response = plain(status, message);
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
