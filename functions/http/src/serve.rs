//! An API function: what it needs, and the loop that calls it, logs each request once, and answers.

use crate::{Problem, Request, Response};
use airlock_aws::Function;
use aws_config::SdkConfig;
use lambda_http::{RequestExt, service_fn};
use std::{convert::Infallible, future::Future, time::Instant};

/// A function that answers requests of one route.
pub trait Endpoint: Sized {
    /// As [`Function::NAME`].
    const NAME: &'static str;

    /// As [`Function::start`].
    ///
    /// # Errors
    /// When a setting is missing or wrong.
    fn start(aws: &SdkConfig) -> impl Future<Output = anyhow::Result<Self>>;

    /// Answers one request.
    ///
    /// # Errors
    /// The problem that the caller is told of.
    fn handle(&self, request: Request) -> impl Future<Output = Result<Response, Problem>> + Send;
}

/// Is the endpoint `E` until its environment ends.
///
/// # Errors
/// Those of [`airlock_aws::run`].
pub fn run<E: Endpoint>() -> anyhow::Result<()> {
    airlock_aws::run::<Api<E>>()
}

/// An endpoint as a function. Each request is logged once, without its query, its headers and its body; a
/// [`Problem`]'s cause goes to the log and nowhere else.
struct Api<E>(E);

impl<E: Endpoint> Function for Api<E> {
    const NAME: &'static str = E::NAME;

    async fn start(aws: &SdkConfig) -> anyhow::Result<Self> {
        Ok(Self(E::start(aws).await?))
    }

    async fn serve(self) -> anyhow::Result<()> {
        let serve = service_fn(|request: Request| {
            let began = Began::of(&request);
            let answer = self.0.handle(request);
            async move { Ok::<_, Infallible>(began.end(answer.await)) }
        });
        lambda_http::run(serve).await.map_err(anyhow::Error::from_boxed)
    }
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
