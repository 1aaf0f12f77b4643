//! The AWS JSON 1.0 protocol: one URL, the operation in `x-amz-target`.

use crate::{Sqs, SqsError, operations};
use airlock_local_access::{
    Call,
    signature::{SignatureError, verify},
    without_delay,
};
use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const JSON: &str = "application/x-amz-json-1.0";
/// Ten messages of 1 MiB, each at worst six times longer in JSON.
const MAX_BODY: usize = 64 << 20;

pub(crate) async fn serve(listener: TcpListener, sqs: Sqs) {
    let router = Router::new().fallback(answer).with_state(sqs);
    // This ends with the runtime that it runs on.
    let _ = axum::serve(without_delay(listener), router).await;
}

async fn answer(State(sqs): State<Sqs>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return refuse(&SqsError::Invalid("The request is too long.".to_owned()));
    };
    let signer = match verify(&sqs.access, "sqs", &parts, &body) {
        Ok(signer) => signer,
        Err(error) => return unsigned(&error),
    };
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let Some(operation) = target.and_then(|target| target.strip_prefix("AmazonSQS.")) else {
        return refuse(&SqsError::Unsupported("A request without the header x-amz-target".to_owned()));
    };
    let Ok(input) = serde_json::from_slice::<Value>(&body) else {
        return refuse(&SqsError::Invalid("The body is not JSON.".to_owned()));
    };
    let call = Call {
        principal: signer.principal,
        access_key_id: signer.access_key_id,
        operation: format!("sqs:{operation}"),
        resource: operations::queue_of(&input).to_owned(),
        presigned: false,
    };
    let done = match sqs.access.authorize(call).await {
        Ok(()) => operations::call(&sqs, operation, &input).await,
        Err(denied) => Err(denied.into()),
    };
    match done {
        Ok(output) => ([(header::CONTENT_TYPE, JSON)], output.to_string()).into_response(),
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &SqsError) -> Response {
    let (shape, code) = error.codes();
    let status = match error {
        SqsError::Store(_) | SqsError::Io(_) => StatusCode::INTERNAL_SERVER_ERROR,
        SqsError::Denied(_) => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    let body = json!({ "__type": format!("com.amazonaws.sqs#{shape}"), "message": error.to_string() });
    let headers =
        [(header::CONTENT_TYPE.as_str(), JSON.to_owned()), ("x-amzn-query-error", format!("{code};Sender"))];
    (status, headers, body.to_string()).into_response()
}

fn unsigned(error: &SignatureError) -> Response {
    let body = json!({ "__type": format!("com.amazon.coral.service#{}", error.code()), "message": error.to_string() });
    (StatusCode::FORBIDDEN, [(header::CONTENT_TYPE, JSON)], body.to_string()).into_response()
}
