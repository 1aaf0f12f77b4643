//! Lets a developer invoke the functions of a running stack, as `aws lambda invoke` does on AWS:
//! `POST /_local/functions/<name>/invocations` with the event as the body.

use crate::{
    functions::{Functions, WhenBusy, error::InvokeError},
    host::is_this_machine,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::json;
use std::sync::Arc;

pub(crate) fn router(functions: Arc<Functions>) -> Router {
    Router::new().route("/_local/functions/{name}/invocations", post(invoke)).with_state(functions)
}

async fn invoke(
    State(functions): State<Arc<Functions>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    event: Bytes,
) -> Response {
    if !is_this_machine(&headers) {
        return refusal(StatusCode::FORBIDDEN, "only for callers on this machine");
    }
    match functions.invoke(&name, event, WhenBusy::Refuse).await {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(InvokeError::UnknownFunction(_)) => refusal(StatusCode::NOT_FOUND, "there is no such function"),
        Err(error @ InvokeError::Throttled(_)) => refusal(StatusCode::TOO_MANY_REQUESTS, &error.to_string()),
        Err(InvokeError::Function(error)) => (StatusCode::BAD_GATEWAY, Json(error.to_json())).into_response(),
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}
