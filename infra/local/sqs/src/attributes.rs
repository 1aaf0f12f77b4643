//! The attributes of a queue, checked when they are set (SQS API reference, `SetQueueAttributes`).

use crate::SqsError;
use serde_json::Value;
use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

/// Whole-number attributes: name, allowed values, default.
const NUMBERS: [(&str, RangeInclusive<u64>, u64); 5] = [
    ("VisibilityTimeout", 0..=43_200, 30),
    ("MessageRetentionPeriod", 60..=1_209_600, 345_600),
    ("DelaySeconds", 0..=900, 0),
    ("ReceiveMessageWaitTimeSeconds", 0..=20, 0),
    ("MaximumMessageSize", 1_024..=1_048_576, 1_048_576),
];

/// Attributes of FIFO queues alone: name, allowed values, default.
pub(crate) const FIFO: [(&str, [&str; 2], &str); 4] = [
    ("FifoQueue", ["true", "true"], "true"),
    ("ContentBasedDeduplication", ["true", "false"], "false"),
    ("DeduplicationScope", ["queue", "messageGroup"], "queue"),
    ("FifoThroughputLimit", ["perQueue", "perMessageGroupId"], "perQueue"),
];

/// Attributes that are kept and answered, and change nothing here.
const KEPT: [&str; 5] = [
    "Policy",
    "RedriveAllowPolicy",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
];

/// Attributes that hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes(BTreeMap<String, String>);

/// Where messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redrive {
    pub(crate) dead_letter_queue: String,
    pub(crate) max_receives: u64,
}

impl Attributes {
    pub(crate) fn parse(given: &BTreeMap<String, String>) -> Result<Self, SqsError> {
        for (name, value) in given {
            if let Some((_, range, _)) = NUMBERS.iter().find(|(known, ..)| known == name) {
                let number = value.parse::<u64>().ok().filter(|number| range.contains(number));
                number.ok_or_else(|| SqsError::Invalid(format!("{name} must be within {range:?}.")))?;
            } else if name == "RedrivePolicy" {
                // An empty policy takes it off again.
                if !value.is_empty() {
                    redrive(value)
                        .ok_or_else(|| SqsError::Invalid("RedrivePolicy cannot be read.".to_owned()))?;
                }
            } else if let Some((known, values, _)) = FIFO.iter().find(|(known, ..)| known == name) {
                // A standard queue has no FifoQueue, not even a false one.
                if *known == "FifoQueue" && value == "false" {
                    return Err(SqsError::UnknownAttribute(name.clone()));
                }
                if !values.contains(&value.as_str()) {
                    return Err(SqsError::Invalid(format!("{known} must be one of {}.", values.join(", "))));
                }
            } else if !KEPT.contains(&name.as_str()) {
                return Err(SqsError::UnknownAttribute(name.clone()));
            }
        }
        Ok(Self(given.clone()))
    }

    /// Reads what [`Attributes::to_json`] wrote, or what a request has.
    pub(crate) fn from_json(value: &Value) -> Result<Self, SqsError> {
        let fields = value.as_object().into_iter().flatten();
        let given = fields.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
        Self::parse(&given.collect())
    }

    pub(crate) fn to_json(&self) -> Value {
        serde_json::json!(self.0)
    }

    /// These, with `newer` over them.
    pub(crate) fn merged(mut self, newer: &Self) -> Self {
        self.0.extend(newer.0.clone());
        self
    }

    /// A number, or its default.
    pub(crate) fn number(&self, name: &str) -> u64 {
        let given = self.0.get(name).and_then(|value| value.parse().ok());
        let default = || NUMBERS.iter().find(|(known, ..)| *known == name).map(|(.., default)| *default);
        given.or_else(default).unwrap_or_default()
    }

    /// A number of seconds as a duration.
    pub(crate) fn seconds(&self, name: &str) -> Duration {
        Duration::from_secs(self.number(name))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether the same deduplication id in two groups is no repetition.
    pub(crate) fn deduplicates_by_group(&self) -> bool {
        self.get("DeduplicationScope") == Some("messageGroup")
    }

    pub(crate) fn redrive(&self) -> Option<Redrive> {
        redrive(self.0.get("RedrivePolicy")?)
    }

    /// Everything that `GetQueueAttributes` answers, defaults included.
    pub(crate) fn all(&self) -> BTreeMap<String, String> {
        let defaults = NUMBERS.iter().map(|(name, _, default)| ((*name).to_owned(), default.to_string()));
        let fifo = FIFO.iter().filter(|_| self.get("FifoQueue").is_some());
        let fifo = fifo.map(|(name, _, default)| ((*name).to_owned(), (*default).to_owned()));
        defaults.chain(fifo).chain(self.0.clone()).collect()
    }
}

/// `maxReceiveCount` comes as a number or, from some tools, as a string.
fn redrive(text: &str) -> Option<Redrive> {
    let policy: Value = serde_json::from_str(text).ok()?;
    let max = &policy["maxReceiveCount"];
    let max_receives =
        max.as_u64().or_else(|| max.as_str()?.parse().ok()).filter(|max| (1..=1000).contains(max))?;
    let dead_letter_queue = policy["deadLetterTargetArn"].as_str()?.rsplit(':').next()?.to_owned();
    Some(Redrive { dead_letter_queue, max_receives })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, value: &str) -> Result<Attributes, SqsError> {
        Attributes::parse(&BTreeMap::from([(name.to_owned(), value.to_owned())]))
    }

    #[test]
    fn attributes_that_queues_do_not_have_are_errors() {
        assert!(
            matches!(parse("VisibilityTimeOut", "1"), Err(SqsError::UnknownAttribute(name)) if name == "VisibilityTimeOut")
        );
        for value in ["-1", "43201", "x", ""] {
            assert!(matches!(parse("VisibilityTimeout", value), Err(SqsError::Invalid(_))), "{value}");
        }
        for value in ["x", "{}", r#"{"deadLetterTargetArn":"a:b","maxReceiveCount":0}"#] {
            assert!(matches!(parse("RedrivePolicy", value), Err(SqsError::Invalid(_))), "{value}");
        }
        assert!(matches!(parse("FifoQueue", "false"), Err(SqsError::UnknownAttribute(_))));
        for name in ["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"] {
            assert!(matches!(parse(name, "x"), Err(SqsError::Invalid(_))), "{name}");
        }
    }

    #[test]
    fn a_redrive_policy_names_queue_and_count() {
        let redrive = |count: &str| {
            let text =
                format!(r#"{{"deadLetterTargetArn":"arn:aws:sqs:r:0:dead","maxReceiveCount":{count}}}"#);
            parse("RedrivePolicy", &text).ok().and_then(|attributes| attributes.redrive())
        };
        let expected = Some(Redrive { dead_letter_queue: "dead".to_owned(), max_receives: 3 });
        assert_eq!(redrive("3"), expected);
        assert_eq!(redrive("\"3\""), expected);
    }

    #[test]
    fn defaults_are_those_of_aws() {
        let attributes = Attributes::default();
        assert_eq!(attributes.seconds("VisibilityTimeout"), Duration::from_secs(30));
        assert_eq!(attributes.all()["MessageRetentionPeriod"], "345600");
    }
}
