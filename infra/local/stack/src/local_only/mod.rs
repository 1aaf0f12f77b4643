//! Access to the paths under `/_local` beside the API: for a developer who can read the ready file,
//! and no web page.

pub(crate) mod browser;
pub(crate) mod problem;
pub(crate) mod secret;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use problem::problem;
use secret::LocalSecret;
use std::{net::SocketAddr, sync::Arc};

/// The header that carries the secret.
pub const SECRET_HEADER: &str = "x-airlock-local-secret";

struct Door {
    /// Where the API listens.
    address: SocketAddr,
    secret: LocalSecret,
}

/// Lets only those requests through to `router` that come from the developer.
pub(crate) fn behind_the_door(router: Router, address: SocketAddr, secret: LocalSecret) -> Router {
    router.layer(from_fn_with_state(Arc::new(Door { address, secret }), pass))
}

async fn pass(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    match door.refusal(request.method(), request.headers()) {
        Some((status, code, detail)) => problem(status, code, detail),
        None => next.run(request).await,
    }
}

impl Door {
    /// Why the request is refused: its status, a code, and what to do instead.
    fn refusal(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Option<(StatusCode, &'static str, &'static str)> {
        if browser::is_from_a_page(headers) {
            return Some((
                StatusCode::FORBIDDEN,
                "not_for_pages",
                "no web page may call this; use the command airlock, or curl",
            ));
        }
        if !browser::is_addressed_to(self.address, headers) {
            return Some((
                StatusCode::MISDIRECTED_REQUEST,
                "wrong_host",
                "call this by the address that the stack printed, such as http://127.0.0.1:8787",
            ));
        }
        if !headers.get(SECRET_HEADER).is_some_and(|shown| self.secret.is(shown.as_bytes())) {
            return Some((
                StatusCode::UNAUTHORIZED,
                "wrong_secret",
                "send the local_secret of the stack's ready file in the header x-airlock-local-secret; the \
                 stack prints where the file is, and makes a new secret each time it starts",
            ));
        }
        if method == Method::POST && !is_json(headers) {
            return Some((
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                "send JSON, with the header content-type: application/json",
            ));
        }
        None
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
