//! Feeds a function from a queue: an SQS event source mapping.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
//!
//! Nothing here knows of FIFO queues: a group of which a message is in flight brings no other one,
//! so that no two events of a group are worked on at a time and what failed comes before the rest.

use super::batch::{self, Verdict};
use crate::functions::{Functions, WhenBusy, error::InvokeError};
use airlock_local_access::REGION;
use airlock_local_sqs::{Message, Sqs, SqsError};
use serde_json::{Value, json};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};

/// How long one poll waits for messages; the longest that SQS allows.
const POLL: Duration = Duration::from_secs(20);

/// The most messages of one poll; a larger batch takes several.
const POLL_LIMIT: usize = 10;

/// A mapping as the template has it.
pub(crate) struct Mapping {
    /// Name of the queue.
    pub(crate) queue: String,
    /// Logical id of the function.
    pub(crate) function: String,
    /// The most messages in one event.
    pub(crate) batch_size: usize,
    /// How long to wait for that many.
    pub(crate) window: Duration,
    /// How many events may be worked on at a time.
    pub(crate) concurrency: usize,
    /// Whether the function reports failures by message (`ReportBatchItemFailures`).
    pub(crate) reports_failures: bool,
}

/// How long to wait after a poll that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Polls until dropped.
pub(crate) async fn run(mapping: Mapping, sqs: Sqs, functions: Arc<Functions>) {
    let mapping = Arc::new(mapping);
    let places = Arc::new(Semaphore::new(mapping.concurrency));
    let mut at_work = JoinSet::new();
    // The semaphore is never closed.
    while let Ok(place) = places.clone().acquire_owned().await {
        while at_work.try_join_next().is_some() {}
        let messages = match gather(&mapping, &sqs).await {
            Ok(messages) if messages.is_empty() => continue,
            Ok(messages) => messages,
            Err(error) => {
                tracing::error!(queue = mapping.queue, %error, "the queue cannot be read");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let (mapping, sqs, functions) = (mapping.clone(), sqs.clone(), functions.clone());
        at_work.spawn(async move {
            deliver(&mapping, &sqs, &functions, messages).await;
            drop(place);
        });
    }
}

/// Waits for messages: for the first ones as long as it takes, for more as long as the window.
async fn gather(mapping: &Mapping, sqs: &Sqs) -> Result<Vec<Message>, SqsError> {
    let limit = mapping.batch_size.min(POLL_LIMIT);
    let mut messages = sqs.receive(&mapping.queue, limit, POLL).await?;
    let end = Instant::now() + mapping.window;
    while !messages.is_empty() && messages.len() < mapping.batch_size {
        let limit = (mapping.batch_size - messages.len()).min(POLL_LIMIT);
        let more = sqs.receive(&mapping.queue, limit, end.saturating_duration_since(Instant::now())).await?;
        if more.is_empty() {
            break;
        }
        messages.extend(more);
    }
    Ok(messages)
}

/// Has the function work on the messages, and deletes those that are done. The others come back
/// when their visibility time-out ends.
async fn deliver(mapping: &Mapping, sqs: &Sqs, functions: &Functions, messages: Vec<Message>) {
    let payload = event(&messages, &sqs.arn(&mapping.queue)).to_string();
    let function = mapping.function.as_str();
    let answer = match functions.invoke(function, payload.into(), WhenBusy::Wait).await {
        Ok(answer) => answer,
        Err(InvokeError::Stopping) => return,
        Err(error) => {
            tracing::warn!(function, messages = messages.len(), %error, "a batch failed");
            return;
        }
    };
    let sent: HashSet<&str> = messages.iter().map(|message| message.message_id.as_str()).collect();
    let verdict = if mapping.reports_failures {
        batch::verdict(&answer, &sent)
    } else {
        Verdict::DoneExcept(HashSet::new())
    };
    let failed = match verdict {
        Verdict::DoneExcept(failed) => failed,
        Verdict::Failed => {
            tracing::warn!(function, messages = messages.len(), "a batch failed: its answer makes no sense");
            return;
        }
    };
    if !failed.is_empty() {
        tracing::warn!(function, failed = failed.len(), of = messages.len(), "messages failed");
    }
    for message in messages.iter().filter(|message| !failed.contains(&message.message_id)) {
        if let Err(error) = sqs.delete(&mapping.queue, &message.receipt_handle) {
            tracing::error!(queue = mapping.queue, %error, "a message that is done will come again");
        }
    }
}

fn event(messages: &[Message], arn: &str) -> Value {
    let records = messages.iter().map(|message| {
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": message.attributes,
            "messageAttributes": {},
            "md5OfBody": message.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": arn,
            "awsRegion": REGION,
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests;
