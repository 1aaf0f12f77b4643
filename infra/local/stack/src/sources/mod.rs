//! What invokes functions besides the gateway: queues, buckets, schedules.

mod batch;
pub(crate) mod bucket;
pub(crate) mod queue;
pub(crate) mod schedule;

use crate::functions::{Functions, WhenBusy, error::InvokeError};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// How long an asynchronous invocation waits before it is tried again. AWS waits one and two
/// minutes; a developer does not.
const RETRIES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

/// An asynchronous invocation: tried three times in all, then given up.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>
pub(crate) async fn asynchronous(functions: Arc<Functions>, function: String, event: Value) {
    let payload = axum::body::Bytes::from(event.to_string());
    let mut retries = RETRIES.into_iter();
    loop {
        let error = match functions.invoke(&function, payload.clone(), WhenBusy::Wait).await {
            Ok(_) | Err(InvokeError::Stopping) => return,
            Err(error) => error,
        };
        let Some(pause) = retries.next() else {
            tracing::error!(function, %error, event = %event, "an event is lost: the function failed three times");
            return;
        };
        tracing::warn!(function, %error, "the function failed; its event is tried again");
        tokio::time::sleep(pause).await;
    }
}
