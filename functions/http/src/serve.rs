//! The loop of an API function: call the handler, log a failure once, answer.

use crate::{Problem, Request, Response};
use lambda_http::{Error, RequestExt, service_fn};
use std::{convert::Infallible, future::Future};

/// Serves requests until the environment ends. A [`Problem`] with a cause is logged here, once.
///
/// # Errors
/// When the Lambda runtime cannot be reached.
pub async fn serve<H, F>(handler: H) -> Result<(), Error>
where
    H: Fn(Request) -> F,
    F: Future<Output = Result<Response, Problem>> + Send,
{
    lambda_http::run(service_fn(|request: Request| {
        let request_id = request.lambda_context_ref().map(|context| context.request_id.clone());
        let answer = handler(request);
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|problem| refuse(problem, request_id))) }
    }))
    .await
}

fn refuse(problem: Problem, request_id: Option<String>) -> Response {
    let code = problem.code();
    match problem.cause() {
        Some(cause) => tracing::error!(?code, request_id, error = ?cause, "request failed"),
        None => tracing::info!(?code, request_id, "request refused"),
    }
    problem.into()
}
