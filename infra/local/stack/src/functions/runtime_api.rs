//! One server of the AWS Lambda Runtime API: how a function process gets events and gives answers.
//!
//! The protocol is that of <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>. It
//! names the server by host and port alone, so each execution environment has a server of its own.

use super::error::FunctionError;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
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
    sync::{mpsc, oneshot, watch},
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

/// How far the process is.
#[derive(Clone)]
enum Init {
    Running,
    /// It asked for its first event.
    Done,
    Failed(FunctionError),
}

struct Exchange {
    invocations: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    pending: Mutex<Option<(String, oneshot::Sender<Outcome>)>>,
    init: watch::Sender<Init>,
}

/// The server of one execution environment; it ends when this is dropped.
pub(super) struct RuntimeApi {
    address: SocketAddr,
    exchange: Arc<Exchange>,
    to_function: mpsc::UnboundedSender<Invocation>,
    _running: oneshot::Sender<()>,
}

impl RuntimeApi {
    /// Listens on a free port of the loopback interface.
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (to_function, invocations) = mpsc::unbounded_channel();
        let exchange = Arc::new(Exchange {
            invocations: invocations.into(),
            pending: Mutex::default(),
            init: watch::Sender::new(Init::Running),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::disable())
            .with_state(exchange.clone());
        let (running, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, router).with_graceful_shutdown(async {
            // The sender is only ever dropped, which is the signal.
            let _ = stopped.await;
        });
        tokio::spawn(async move { server.await });
        Ok(Self { address, exchange, to_function, _running: running })
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the process asks for its first event, or says that it cannot start.
    pub(super) async fn initialized(&self) -> Result<(), FunctionError> {
        let mut init = self.exchange.init.subscribe();
        let settled = init.wait_for(|init| !matches!(init, Init::Running)).await;
        match settled.as_deref() {
            Ok(Init::Failed(error)) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Hands over one event; the receiver gets the outcome, or nothing if the process vanishes.
    pub(super) fn offer(&self, invocation: Invocation) -> oneshot::Receiver<Outcome> {
        let (sender, outcome) = oneshot::channel();
        *self.exchange.pending() = Some((invocation.request_id.clone(), sender));
        // The receiving half lives in the exchange, which this holds.
        let _ = self.to_function.send(invocation);
        outcome
    }
}

impl Exchange {
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

async fn next(State(exchange): State<Arc<Exchange>>) -> Response {
    exchange.init.send_if_modified(|init| {
        let running = matches!(init, Init::Running);
        if running {
            *init = Init::Done;
        }
        running
    });
    let Some(invocation) = exchange.invocations.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
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
    exchange.init.send_replace(Init::Failed(reported(&body)));
    accepted()
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(json!({ "status": "OK" }))).into_response()
}

fn unknown() -> Response {
    let body = json!({ "errorMessage": "Invalid request ID", "errorType": "InvalidRequestID" });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// The error that a function reported; what cannot be read is told as it came.
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
