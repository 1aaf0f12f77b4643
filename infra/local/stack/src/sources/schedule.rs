//! Invokes functions at a fixed rate, as an EventBridge rule does.

use super::asynchronous;
use crate::functions::Functions;
use airlock_local_access::{ACCOUNT, REGION};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// A schedule as the template has it.
pub(crate) struct Schedule {
    /// Logical id of the function, and the event's name there.
    pub(crate) function: String,
    pub(crate) name: String,
    pub(crate) every: Duration,
    /// The payload, if not the usual event.
    pub(crate) input: Option<Value>,
}

/// Runs until dropped; the first event comes after one period.
pub(crate) async fn run(schedule: Schedule, functions: Arc<Functions>) {
    let mut ticks = interval_at(Instant::now() + schedule.every, schedule.every);
    // A laptop that slept owes nothing.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let event = schedule.input.clone().unwrap_or_else(|| event(&schedule, OffsetDateTime::now_utc()));
        tokio::spawn(asynchronous(functions.clone(), schedule.function.clone(), event));
    }
}

/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html>
fn event(schedule: &Schedule, at: OffsetDateTime) -> Value {
    // Whole seconds, as in AWS.
    let at = at.replace_nanosecond(0).unwrap_or(at);
    json!({
        "version": "0",
        "id": uuid::Uuid::new_v4(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": at.format(&Rfc3339).unwrap_or_default(),
        "region": REGION,
        "resources": [format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{}{}", schedule.function, schedule.name)],
        "detail": {},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn the_event_is_that_of_eventbridge() {
        let schedule = Schedule {
            function: "Sweep".into(),
            name: "EveryMinute".into(),
            every: Duration::from_secs(60),
            input: None,
        };
        let mut event = event(&schedule, datetime!(2025-01-02 03:04:05.678 UTC));
        event["id"] = "an id".into();
        assert_eq!(
            event,
            json!({
                "version": "0", "id": "an id", "detail-type": "Scheduled Event", "source": "aws.events",
                "account": "000000000000", "time": "2025-01-02T03:04:05Z", "region": "us-east-1",
                "resources": ["arn:aws:events:us-east-1:000000000000:rule/SweepEveryMinute"], "detail": {},
            })
        );
    }
}
