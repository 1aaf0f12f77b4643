//! One server of the AWS Lambda Runtime API: how a function process gets events and gives answers.
//!
//! The protocol is that of <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>. It
//! names the server by host and port alone, so each execution environment has a server of its own.

use super::error::FunctionError;
use crate::local_only::{browser, problem::problem};
use airlock_local_access::without_delay;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    net::TcpListener,
    sync::{Notify, oneshot, watch},
};

/// The largest event and the largest answer of a synchronous invocation, in bytes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub(crate) const PAYLOAD_LIMIT: usize = 6 * 1024 * 1024;

/// One event on its way to the function.
pub(super) struct Invocation {
    pub(super) request_id: String,
    /// Milliseconds since 1970.
    pub(super) deadline: u64,
    pub(super) function_arn: String,
    pub(super) event: Bytes,
}

/// What the function made of it.
pub(super) type Outcome = Result<Bytes, FunctionError>;

/// What the process is doing.
#[derive(Clone)]
enum Phase {
    /// It starts, works on an event, or has answered and not asked for another one yet.
    Busy,
    /// It waits for an event.
    Asking,
    /// It said that it cannot start.
    Failed(FunctionError),
}

/// Where an event waits until the process asks for it.
enum Slot {
    Empty,
    Event(Invocation),
    /// There will be none any more.
    Closed,
}

struct Exchange {
    address: SocketAddr,
    slot: Mutex<Slot>,
    changed: Notify,
    pending: Mutex<Option<(String, oneshot::Sender<Outcome>)>>,
    phase: watch::Sender<Phase>,
}

/// The server of one execution environment; it ends when this is dropped.
pub(super) struct RuntimeApi {
    exchange: Arc<Exchange>,
    _running: oneshot::Sender<()>,
}

impl RuntimeApi {
    /// Listens on a free port of the loopback interface.
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let exchange = Arc::new(Exchange {
            address: listener.local_addr()?,
            slot: Mutex::new(Slot::Empty),
            changed: Notify::new(),
            pending: Mutex::default(),
            phase: watch::Sender::new(Phase::Busy),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::disable())
            .layer(from_fn_with_state(exchange.clone(), processes_only))
            .with_state(exchange.clone());
        let listener = without_delay(listener);
        let (running, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, router).with_graceful_shutdown(async {
            // The sender is only ever dropped, which is the signal.
            let _ = stopped.await;
        });
        tokio::spawn(async move { server.await });
        Ok(Self { exchange, _running: running })
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub(super) fn address(&self) -> SocketAddr {
        self.exchange.address
    }

    /// Waits until the process asks for an event, or says that it cannot start.
    pub(super) async fn asked(&self) -> Result<(), FunctionError> {
        let mut phase = self.exchange.phase.subscribe();
        let settled = phase.wait_for(|phase| !matches!(phase, Phase::Busy)).await;
        match settled.as_deref() {
            Ok(Phase::Failed(error)) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Hands over one event; the receiver gets the outcome, or nothing if the process vanishes.
    pub(super) fn offer(&self, invocation: Invocation) -> oneshot::Receiver<Outcome> {
        let (sender, outcome) = oneshot::channel();
        *self.exchange.pending() = Some((invocation.request_id.clone(), sender));
        *self.exchange.slot() = Slot::Event(invocation);
        self.exchange.changed.notify_waiters();
        outcome
    }

    /// Takes the event back that was offered; false when the process has it.
    pub(super) fn withdraw(&self) -> bool {
        matches!(std::mem::replace(&mut *self.exchange.slot(), Slot::Empty), Slot::Event(_))
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        *self.exchange.slot() = Slot::Closed;
        self.exchange.changed.notify_waiters();
    }
}

impl Exchange {
    fn slot(&self) -> std::sync::MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The event of the process that asks; `None` when there will be none.
    async fn event(&self) -> Option<Invocation> {
        loop {
            // Listens before it looks, so that no change is missed in between.
            let changed = self.changed.notified();
            // A statement of its own: the lock ends with it.
            let found = std::mem::replace(&mut *self.slot(), Slot::Empty);
            match found {
                Slot::Event(invocation) => return Some(invocation),
                Slot::Closed => {
                    *self.slot() = Slot::Closed;
                    return None;
                }
                Slot::Empty => {}
            }
            changed.await;
        }
    }

    fn enter(&self, next: Phase) {
        self.phase.send_if_modified(|phase| {
            let goes_on = !matches!(phase, Phase::Failed(_));
            if goes_on {
                *phase = next;
            }
            goes_on
        });
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Option<(String, oneshot::Sender<Outcome>)>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Settles the invocation `id`; false when it is not the pending one.
    fn settle(&self, id: &str, outcome: Outcome) -> bool {
        match self.pending().take_if(|(pending, _)| pending == id) {
            Some((_, sender)) => {
                // Nobody listens any more when the invocation timed out this instant.
                let _ = sender.send(outcome);
                true
            }
            None => false,
        }
    }
}

/// The call of a process that waits for an event; it ends with an event, or with the process.
struct Asking<'a>(&'a Exchange);

impl<'a> Asking<'a> {
    fn begin(exchange: &'a Exchange) -> Self {
        exchange.enter(Phase::Asking);
        Self(exchange)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.enter(Phase::Busy);
    }
}

/// Nobody but a program that was told the address: a page could take events away, or end a process.
async fn processes_only(State(exchange): State<Arc<Exchange>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if browser::is_from_a_page(headers) || !browser::is_addressed_to(exchange.address, headers) {
        return problem(
            StatusCode::FORBIDDEN,
            "not_for_pages",
            "this is the Lambda Runtime API of a function's process, and for that process alone",
        );
    }
    next.run(request).await
}

async fn next(State(exchange): State<Arc<Exchange>>) -> Response {
    let asking = Asking::begin(&exchange);
    let Some(invocation) = exchange.event().await else {
        return StatusCode::GONE.into_response();
    };
    drop(asking);
    let trace_id = format!(
        "Root=1-{:08x}-{}",
        invocation.deadline / 1000,
        &uuid::Uuid::new_v4().simple().to_string()[..24]
    );
    let named = [
        ("lambda-runtime-aws-request-id", invocation.request_id),
        ("lambda-runtime-deadline-ms", invocation.deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", invocation.function_arn),
        ("lambda-runtime-trace-id", trace_id),
    ];
    let mut headers =
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    for (name, value) in named {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    (headers, invocation.event).into_response()
}

async fn response(State(exchange): State<Arc<Exchange>>, Path(id): Path<String>, body: Bytes) -> Response {
    if body.len() > PAYLOAD_LIMIT {
        let error = FunctionError {
            error_type: "Function.ResponseSizeTooLarge".to_owned(),
            message: format!(
                "Response payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes)."
            ),
        };
        let answer = (StatusCode::PAYLOAD_TOO_LARGE, Json(error.to_json())).into_response();
        return if exchange.settle(&id, Err(error)) { answer } else { unknown() };
    }
    if exchange.settle(&id, Ok(body)) { accepted() } else { unknown() }
}

async fn error(State(exchange): State<Arc<Exchange>>, Path(id): Path<String>, body: Bytes) -> Response {
    if exchange.settle(&id, Err(reported(&body))) { accepted() } else { unknown() }
}

async fn init_error(State(exchange): State<Arc<Exchange>>, body: Bytes) -> Response {
    exchange.enter(Phase::Failed(reported(&body)));
    accepted()
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response()
}

fn unknown() -> Response {
    let body = json!({ "errorMessage": "Invalid request ID", "errorType": "InvalidRequestID" });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// The error that a function reported; an error that cannot be read is passed on as it came.
fn reported(body: &[u8]) -> FunctionError {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Report {
        #[serde(default)]
        error_type: String,
        #[serde(default)]
        error_message: Value,
    }
    match serde_json::from_slice::<Report>(body) {
        Ok(Report { error_type, error_message }) => FunctionError {
            error_type: if error_type.is_empty() { "Unhandled".to_owned() } else { error_type },
            message: match error_message {
                Value::String(text) => text,
                Value::Null => String::new(),
                other => other.to_string(),
            },
        },
        Err(_) => FunctionError {
            error_type: "Unhandled".to_owned(),
            message: String::from_utf8_lossy(body).into_owned(),
        },
    }
}
