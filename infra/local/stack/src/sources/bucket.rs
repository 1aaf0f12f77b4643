//! Tells functions and queues of new objects: S3 event notifications.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html>: at least once,
//! in no promised order.

use super::asynchronous;
use crate::functions::Functions;
use airlock_local_s3::ObjectCreated;
use airlock_local_sqs::Sqs;
use std::sync::Arc;
use tokio::{sync::mpsc::UnboundedReceiver, task::JoinSet};

/// Passes events on until the receiver ends.
pub(crate) async fn run(mut created: UnboundedReceiver<ObjectCreated>, sqs: Sqs, functions: Arc<Functions>) {
    let mut deliveries = JoinSet::new();
    while let Some(object) = created.recv().await {
        while deliveries.try_join_next().is_some() {}
        let event = object.to_event_json();
        for target in &object.target_arns {
            if target.starts_with("arn:aws:lambda:") {
                deliveries.spawn(asynchronous(functions.clone(), target.clone(), event.clone()));
            } else if let Err(error) = sqs.send(queue(target), &event.to_string()) {
                tracing::error!(target, %error, event = %event, "an S3 event is lost");
            }
        }
    }
}

/// The name of a queue in its ARN.
fn queue(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or_default()
}
