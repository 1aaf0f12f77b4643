//! Tests of the rules.

use super::*;
use serde_json::{Value, json};
use std::time::Duration;

fn queue(name: &str, attributes: Value) -> Result<(), SqsError> {
    check_queue(name, &Attributes::from_json(&attributes)?)
}

const MESSAGE: Outgoing<'static> = Outgoing {
    body: "x",
    delay: None,
    message_attributes: &Value::Null,
    group: Some("g"),
    deduplication_id: Some("d"),
};

fn message(message: Outgoing<'_>) -> Result<Option<String>, SqsError> {
    check_message("q.fifo", &Attributes::from_json(&json!({ "FifoQueue": "true" }))?, &message)
}

#[test]
fn the_name_and_the_attributes_are_of_one_type() {
    let fifo = json!({ "FifoQueue": "true" });
    assert!(queue("q.fifo", fifo.clone()).is_ok());
    assert!(queue("q", json!({})).is_ok());
    for (name, attributes) in
        [("q.fifo", json!({})), ("q", fifo.clone()), (".fifo", fifo.clone()), ("a b.fifo", fifo)]
    {
        assert!(
            matches!(queue(name, attributes), Err(SqsError::Value { parameter: "QueueName", .. })),
            "{name}"
        );
    }
    let long = json!({ "FifoQueue": "true" });
    assert!(queue(&format!("{}.fifo", "q".repeat(75)), long.clone()).is_ok());
    assert!(queue(&format!("{}.fifo", "q".repeat(76)), long).is_err());
    for attribute in ["ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"] {
        let value = FIFO.iter().find(|(name, ..)| *name == attribute).map(|(_, values, _)| values[0]);
        let refused = queue("q", json!({ attribute: value }));
        assert!(matches!(refused, Err(SqsError::UnknownAttribute(name)) if name == attribute));
    }
}

#[test]
fn a_limit_by_group_needs_a_scope_by_group() {
    let with = |scope: &str| {
        let limit = "perMessageGroupId";
        let attributes =
            json!({ "FifoQueue": "true", "DeduplicationScope": scope, "FifoThroughputLimit": limit });
        queue("q.fifo", attributes)
    };
    assert!(with("messageGroup").is_ok());
    assert!(matches!(with("queue"), Err(SqsError::Value { parameter: "FifoThroughputLimit", .. })));
}

#[test]
fn a_dead_letter_queue_is_of_the_same_type() {
    let policy =
        |name: &str| json!({ "deadLetterTargetArn": format!("a:{name}"), "maxReceiveCount": 1 }).to_string();
    let fifo = |dead: &str| queue("q.fifo", json!({ "FifoQueue": "true", "RedrivePolicy": policy(dead) }));
    assert!(fifo("dead.fifo").is_ok());
    assert!(matches!(fifo("dead"), Err(SqsError::Value { parameter: "RedrivePolicy", .. })));
    assert!(queue("q", json!({ "RedrivePolicy": policy("dead.fifo") })).is_err());
}

#[test]
fn a_message_needs_a_group_and_a_deduplication_id() {
    assert_eq!(message(MESSAGE).unwrap(), Some("d".to_owned()));
    let refused = message(Outgoing { group: None, ..MESSAGE });
    assert!(matches!(refused, Err(SqsError::Missing("MessageGroupId"))));
    assert!(matches!(message(Outgoing { deduplication_id: None, ..MESSAGE }), Err(SqsError::Parameter(_))));
}

#[test]
fn ids_are_1_to_128_letters_digits_and_punctuation() {
    for good in ["a", "upload-1", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", &"x".repeat(128)] {
        assert!(
            message(Outgoing { group: Some(good), deduplication_id: Some(good), ..MESSAGE }).is_ok(),
            "{good}"
        );
    }
    for bad in ["", "a b", "é", "\u{7}", &"x".repeat(129)] {
        assert!(message(Outgoing { group: Some(bad), ..MESSAGE }).is_err(), "{bad}");
        assert!(message(Outgoing { deduplication_id: Some(bad), ..MESSAGE }).is_err(), "{bad}");
    }
}

#[test]
fn only_the_queue_delays() {
    let late = |seconds| message(Outgoing { delay: Some(Duration::from_secs(seconds)), ..MESSAGE });
    assert!(late(0).is_ok());
    assert!(matches!(late(1), Err(SqsError::Value { parameter: "DelaySeconds", .. })));
}

#[test]
fn in_a_standard_queue_a_message_may_have_a_group_and_no_deduplication_id() {
    let standard = |message: Outgoing<'_>| check_message("q", &Attributes::default(), &message);
    assert_eq!(standard(Outgoing { deduplication_id: None, ..MESSAGE }).unwrap(), None);
    assert!(matches!(standard(MESSAGE), Err(SqsError::Value { parameter: "MessageDeduplicationId", .. })));
}

#[test]
fn the_content_can_be_the_deduplication_id() {
    let attributes = json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" });
    let attributes = Attributes::from_json(&attributes).unwrap();
    let id = |message: Outgoing<'_>| check_message("q.fifo", &attributes, &message).unwrap().unwrap();
    assert_eq!(id(MESSAGE), "d", "an explicit one goes before it");
    let sha256_of_x = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    assert_eq!(id(Outgoing { deduplication_id: None, ..MESSAGE }), sha256_of_x);
}
