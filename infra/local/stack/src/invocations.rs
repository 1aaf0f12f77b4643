//! Lets a developer invoke the functions of a running stack, as `aws lambda invoke` does on AWS:
//! `POST /_local/functions/<name>/invocations` with the event as the body, and the secret of the ready
//! file (`local_only`).

use crate::{
    functions::{Functions, WhenBusy, error::InvokeError},
    local_only::problem::problem,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use std::sync::Arc;

pub(crate) fn router(functions: Arc<Functions>) -> Router {
    Router::new().route("/_local/functions/{name}/invocations", post(invoke)).with_state(functions)
}

async fn invoke(State(functions): State<Arc<Functions>>, Path(name): Path<String>, event: Bytes) -> Response {
    match functions.invoke(&name, event, WhenBusy::Refuse).await {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(InvokeError::Function(error)) => (StatusCode::BAD_GATEWAY, Json(error.to_json())).into_response(),
        Err(error) => {
            let (status, code) = match error {
                InvokeError::UnknownFunction(_) => (StatusCode::NOT_FOUND, "unknown_function"),
                InvokeError::Throttled(_) => (StatusCode::TOO_MANY_REQUESTS, "throttled"),
                InvokeError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
                _ => (StatusCode::INTERNAL_SERVER_ERROR, "not_invoked"),
            };
            problem(status, code, &error.to_string())
        }
    }
}
