//! The loop of an API function: call the handler, log the request once, answer.

use crate::{Problem, Request, Response};
use lambda_http::{RequestExt, service_fn};
use std::{convert::Infallible, future::Future, time::Instant};

/// Serves requests until the environment ends. Each is logged once, without its query, its headers
/// and its body; a [`Problem`]'s cause goes to the log and nowhere else.
///
/// # Errors
/// When the Lambda runtime cannot be reached.
pub async fn serve<H, F>(handler: H) -> anyhow::Result<()>
where
    H: Fn(Request) -> F,
    F: Future<Output = Result<Response, Problem>> + Send,
{
    lambda_http::run(service_fn(|request: Request| {
        let began = Began::of(&request);
        let answer = handler(request);
        async move { Ok::<_, Infallible>(began.end(answer.await)) }
    }))
    .await
    .map_err(anyhow::Error::from_boxed)
}

/// A request that is being worked on, as far as it may be logged.
struct Began {
    request_id: Option<String>,
    method: String,
    path: String,
    at: Instant,
}

impl Began {
    fn of(request: &Request) -> Self {
        Self {
            request_id: request.lambda_context_ref().map(|context| context.request_id.clone()),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            at: Instant::now(),
        }
    }

    fn end(self, answer: Result<Response, Problem>) -> Response {
        let Self { request_id, method, path, at } = self;
        let duration_ms = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (response, code) = match answer {
            Ok(response) => (response, None),
            Err(problem) => {
                let code = problem.code();
                if let Some(cause) = problem.cause() {
                    tracing::error!(?code, request_id, error = ?cause, "a request failed");
                }
                (problem.into(), Some(code))
            }
        };
        let status = response.status().as_u16();
        tracing::info!(method, path, status, ?code, duration_ms, request_id, "answered");
        response
    }
}
