//! The events of a function (AWS SAM specification, "EventSource").

use crate::{EventSource, TemplateError, fields::Fields};
use serde_json::Value;
use std::{ops::RangeInclusive, time::Duration};

/// How many invocations a mapping may be limited to (Lambda API reference, `ScalingConfig`).
const CONCURRENCY: RangeInclusive<u32> = 2..=1000;

/// The largest batch from a FIFO queue, which has no batching window either
/// (Lambda API reference, `CreateEventSourceMapping`).
const FIFO_BATCH: usize = 10;

/// Reads the section `Events` of a function.
pub(crate) fn read(events: Fields) -> Result<Vec<EventSource>, TemplateError> {
    let at = events.at().to_owned();
    events.into_entries().map(|(name, event)| one(&format!("{at}.{name}"), event)).collect()
}

fn one(at: &str, event: Value) -> Result<EventSource, TemplateError> {
    let mut event = Fields::of(at, event)?;
    let kind = event.required_string("Type")?;
    let properties = event.mapping("Properties")?;
    event.finish(&[])?;
    match kind.as_str() {
        "HttpApi" => http(properties),
        "SQS" => sqs(properties),
        "S3" => s3(properties),
        "Schedule" | "ScheduleV2" => schedule(properties, &kind),
        kind => Err(TemplateError::unknown(at, format!("the event type {kind}"))),
    }
}

fn http(mut fields: Fields) -> Result<EventSource, TemplateError> {
    let method = fields.required_string("Method")?.to_uppercase();
    let path = fields.required_string("Path")?;
    let mut auth = fields.mapping("Auth")?;
    let authorized = auth.string("Authorizer")?.as_deref() != Some("NONE");
    auth.finish(&[])?;
    match fields.string("PayloadFormatVersion")?.as_deref() {
        None | Some("2.0") => {}
        Some(version) => {
            return Err(TemplateError::unknown(fields.at(), format!("the payload format {version}")));
        }
    }
    fields.finish(&["ApiId"])?;
    Ok(EventSource::Http { method, path, authorized })
}

fn sqs(mut fields: Fields) -> Result<EventSource, TemplateError> {
    let arn = fields.required_string("Queue")?;
    let queue_name = arn.rsplit(':').next().unwrap_or_default().to_owned();
    let batch_size = fields.number("BatchSize")?.unwrap_or(10);
    let window = fields.number("MaximumBatchingWindowInSeconds")?.unwrap_or(0);
    let report_batch_item_failures = match fields.strings("FunctionResponseTypes")?.as_slice() {
        [] => false,
        [kind] if kind == "ReportBatchItemFailures" => true,
        other => {
            return Err(TemplateError::unknown(
                fields.at(),
                format!("the response types {}", other.join(", ")),
            ));
        }
    };
    let mut scaling = fields.mapping("ScalingConfig")?;
    let maximum_concurrency = scaling.number("MaximumConcurrency")?;
    scaling.finish(&[])?;
    let wrong = |name: &str, why: &str| Err(TemplateError::wrong(&fields.path(name), why));
    if maximum_concurrency.is_some_and(|max| !CONCURRENCY.contains(&max)) {
        return wrong("ScalingConfig.MaximumConcurrency", "must be within 2 to 1000");
    }
    if queue_name.ends_with(".fifo") {
        if batch_size > FIFO_BATCH {
            return wrong("BatchSize", "must be at most 10 for a FIFO queue");
        }
        if window > 0 {
            return wrong("MaximumBatchingWindowInSeconds", "is not for FIFO queues");
        }
    }
    fields.finish(&[])?;
    Ok(EventSource::Sqs {
        queue_name,
        batch_size,
        batching_window: Duration::from_secs(window),
        report_batch_item_failures,
        maximum_concurrency,
    })
}

fn s3(mut fields: Fields) -> Result<EventSource, TemplateError> {
    let bucket_name = fields.required_string("Bucket")?;
    let events = fields.strings("Events")?;
    let mut filter = fields.mapping("Filter")?;
    let mut key = filter.mapping("S3Key")?;
    let (mut prefix, mut suffix) = (None, None);
    for mut rule in key.mappings("Rules")? {
        let (name, value) = (rule.required_string("Name")?, rule.required_string("Value")?);
        match name.to_lowercase().as_str() {
            "prefix" => prefix = Some(value),
            "suffix" => suffix = Some(value),
            _ => return Err(TemplateError::unknown(rule.at(), format!("the filter {name}"))),
        }
        rule.finish(&[])?;
    }
    key.finish(&[])?;
    filter.finish(&[])?;
    fields.finish(&[])?;
    Ok(EventSource::S3 { bucket_name, events, prefix, suffix })
}

fn schedule(mut fields: Fields, kind: &str) -> Result<EventSource, TemplateError> {
    let name = if kind == "Schedule" { "Schedule" } else { "ScheduleExpression" };
    let expression = fields.required_string(name)?;
    let every = rate(&expression).ok_or_else(|| {
        TemplateError::unknown(&fields.path(name), format!("the schedule {expression}; rate(…) is known"))
    })?;
    let input = fields.string("Input")?.map(|text| serde_json::from_str(&text)).transpose();
    let input = input.map_err(|_| TemplateError::wrong(&fields.path("Input"), "must be JSON"))?;
    let enabled = fields.boolean("Enabled")?.unwrap_or(true);
    let disabled = fields.string("State")?.as_deref() == Some("DISABLED");
    fields.finish(&["Name", "Description", "RetryPolicy", "DeadLetterConfig", "FlexibleTimeWindow"])?;
    Ok(EventSource::Schedule { every, input, enabled: enabled && !disabled })
}

/// `rate(5 minutes)`; at least a minute.
fn rate(expression: &str) -> Option<Duration> {
    let (count, unit) = expression.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let count: u32 = count.parse().ok().filter(|count| *count > 0)?;
    let unit = match (unit, count) {
        ("minute", 1) | ("minutes", 2..) => 60,
        ("hour", 1) | ("hours", 2..) => 3600,
        ("day", 1) | ("days", 2..) => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(u64::from(count) * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_unit() {
        assert_eq!(rate("rate(1 minute)"), Some(Duration::from_secs(60)));
        assert_eq!(rate("rate(5 minutes)"), Some(Duration::from_secs(300)));
        assert_eq!(rate("rate(2 days)"), Some(Duration::from_secs(172_800)));
        for wrong in
            ["rate(0 minutes)", "rate(1 minutes)", "rate(5 minute)", "rate(x)", "cron(0 * * * ? *)", ""]
        {
            assert_eq!(rate(wrong), None, "{wrong}");
        }
    }
}
