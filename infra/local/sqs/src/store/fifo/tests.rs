//! Tests of order and repetition, at instants of the test's choice.

use crate::{
    attributes::Attributes,
    outgoing::Outgoing,
    store::{Message, Sent, Store},
};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

const MINUTE: i64 = 60_000;

/// A FIFO queue `q.fifo` that hides messages for 30 s.
fn store(data: &Path, more: Value) -> Store {
    let mut store = Store::open(data).unwrap();
    for (name, more) in [("dead.fifo", Value::Null), ("q.fifo", more)] {
        let mut attributes = json!({ "FifoQueue": "true" });
        for (name, value) in more.as_object().into_iter().flatten() {
            attributes[name] = value.clone();
        }
        store.create(name, &Attributes::from_json(&attributes).unwrap()).unwrap();
    }
    store
}

fn send(store: &mut Store, group: &str, id: &str, now: i64) -> Sent {
    let message = Outgoing {
        body: id,
        delay: None,
        message_attributes: &Value::Null,
        group: Some(group),
        deduplication_id: Some(id),
    };
    store.put("q.fifo", &message, now).unwrap()
}

fn take(store: &mut Store, max: usize, now: i64) -> Vec<Message> {
    store.take("q.fifo", max, None, now).unwrap().messages
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body.as_str()).collect()
}

#[test]
fn one_receive_brings_several_of_a_group_in_order() {
    let data = tempfile::tempdir().unwrap();
    let mut store = store(data.path(), json!({}));
    for (group, id) in [("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a3")] {
        send(&mut store, group, id, 0);
    }
    let messages = take(&mut store, 3, 0);
    assert_eq!(bodies(&messages), ["a1", "b1", "a2"]);
    assert_eq!(messages[0].attributes["MessageGroupId"], "a");
    assert_eq!(messages[0].attributes["MessageDeduplicationId"], "a1");
    let numbers = messages.iter().map(|message| &message.attributes["SequenceNumber"]);
    assert!(numbers.clone().is_sorted() && numbers.clone().all(|number| number.len() == 20));
}

#[test]
fn while_one_message_is_in_flight_its_group_waits_and_others_do_not() {
    let data = tempfile::tempdir().unwrap();
    let mut store = store(data.path(), json!({}));
    send(&mut store, "a", "a1", 0);
    let first = take(&mut store, 10, 0).remove(0);
    send(&mut store, "a", "a2", 1);
    assert_eq!(bodies(&take(&mut store, 10, 1)), [""; 0]);
    send(&mut store, "b", "b1", 1);
    assert_eq!(bodies(&take(&mut store, 10, 1)), ["b1"]);
    store.delete("q.fifo", &first.receipt_handle, 2).unwrap();
    assert_eq!(bodies(&take(&mut store, 10, 2)), ["a2"]);
}

#[test]
fn a_group_goes_on_with_the_message_that_was_not_deleted() {
    let data = tempfile::tempdir().unwrap();
    let mut store = store(data.path(), json!({}));
    send(&mut store, "a", "a1", 0);
    send(&mut store, "a", "a2", 0);
    assert_eq!(bodies(&take(&mut store, 1, 0)), ["a1"]);
    assert_eq!(bodies(&take(&mut store, 1, 29_999)), [""; 0]);
    let again = take(&mut store, 10, 30_000);
    assert_eq!(bodies(&again), ["a1", "a2"]);
    assert_eq!(again[0].attributes["ApproximateReceiveCount"], "2");
}

#[test]
fn a_message_that_is_given_back_waits_until_all_of_its_batch_are_done() {
    let data = tempfile::tempdir().unwrap();
    let mut store = store(data.path(), json!({}));
    for id in ["a1", "a2", "a3"] {
        send(&mut store, "a", id, 0);
    }
    let batch = take(&mut store, 10, 0);
    store.hide("q.fifo", &batch[1].receipt_handle, Duration::ZERO, 1).unwrap();
    assert_eq!(bodies(&take(&mut store, 10, 1)), [""; 0]);
    store.delete("q.fifo", &batch[0].receipt_handle, 2).unwrap();
    assert_eq!(bodies(&take(&mut store, 10, 2)), [""; 0], "a3 is in flight");
    store.hide("q.fifo", &batch[2].receipt_handle, Duration::ZERO, 3).unwrap();
    assert_eq!(bodies(&take(&mut store, 10, 3)), ["a2", "a3"]);
}

#[test]
fn a_handle_ends_with_its_visibility_time_out() {
    let data = tempfile::tempdir().unwrap();
    let mut store = store(data.path(), json!({}));
    send(&mut store, "a", "a1", 0);
    let first = take(&mut store, 1, 0).remove(0);
    let late = store.delete("q.fifo", &first.receipt_handle, 30_000).unwrap_err();
    assert!(late.to_string().ends_with("Reason: The receipt handle has expired."), "{late}");
    assert_eq!(bodies(&take(&mut store, 1, 30_000)), ["a1"]);
    store.delete("q.fifo", &first.receipt_handle, 30_001).unwrap();
    assert_eq!(store.depth("q.fifo", 30_001).unwrap().in_flight, 1, "an old handle deletes nothing");
}

#[test]
fn a_repetition_within_five_minutes_is_no_message() {
    let data = tempfile::tempdir().unwrap();
    let mut store = store(data.path(), json!({}));
    let first = send(&mut store, "a", "x", 0);
    let received = take(&mut store, 10, 0).remove(0);
    store.delete("q.fifo", &received.receipt_handle, 1).unwrap();
    assert_eq!(send(&mut store, "a", "x", 5 * MINUTE - 1), first, "a deleted message counts as well");
    assert_eq!(send(&mut store, "b", "x", 5 * MINUTE - 1), first, "the whole queue is the scope");
    assert_eq!(bodies(&take(&mut store, 10, 5 * MINUTE - 1)), [""; 0]);
    assert_ne!(send(&mut store, "a", "x", 5 * MINUTE), first);
    assert_eq!(bodies(&take(&mut store, 10, 5 * MINUTE)), ["x"]);
}

#[test]
fn a_group_can_be_the_scope_of_deduplication() {
    let data = tempfile::tempdir().unwrap();
    let mut store = store(data.path(), json!({ "DeduplicationScope": "messageGroup" }));
    let first = send(&mut store, "a", "x", 0);
    assert_ne!(send(&mut store, "b", "x", 0), first);
    assert_eq!(send(&mut store, "a", "x", 0), first);
    assert_eq!(bodies(&take(&mut store, 10, 0)), ["x", "x"]);
}

#[test]
fn what_is_received_too_often_leaves_its_group_and_keeps_its_name() {
    let data = tempfile::tempdir().unwrap();
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:r:0:dead.fifo","maxReceiveCount":1}"#;
    let mut store = store(data.path(), json!({ "RedrivePolicy": policy }));
    send(&mut store, "a", "a1", 0);
    send(&mut store, "a", "a2", 0);
    assert_eq!(bodies(&take(&mut store, 1, 0)), ["a1"]);
    let next = store.take("q.fifo", 1, None, MINUTE).unwrap();
    assert!(next.redriven);
    assert_eq!(bodies(&next.messages), ["a2"]);
    let dead = store.take("dead.fifo", 10, None, MINUTE).unwrap().messages;
    assert_eq!((bodies(&dead), dead[0].attributes["MessageGroupId"].as_str()), (vec!["a1"], "a"));
}

#[test]
fn a_message_that_is_moved_back_comes_after_those_that_its_group_has() {
    let data = tempfile::tempdir().unwrap();
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:r:0:dead.fifo","maxReceiveCount":1}"#;
    let mut store = store(data.path(), json!({ "RedrivePolicy": policy }));
    send(&mut store, "a", "a1", 0);
    take(&mut store, 1, 0);
    assert_eq!(bodies(&take(&mut store, 1, MINUTE)), [""; 0]);
    send(&mut store, "a", "a2", MINUTE);
    store.move_back("dead.fifo", None, MINUTE).unwrap();
    let messages = take(&mut store, 10, MINUTE);
    assert_eq!(bodies(&messages), ["a2", "a1"]);
    assert_eq!(messages[1].attributes["MessageGroupId"], "a");
}

#[test]
fn a_restart_keeps_order_and_repetitions() {
    let data = tempfile::tempdir().unwrap();
    let mut before = store(data.path(), json!({}));
    let first = send(&mut before, "a", "a1", 0);
    take(&mut before, 1, 0);
    send(&mut before, "a", "a2", 0);
    drop(before);
    let mut after = store(data.path(), json!({}));
    assert_eq!(send(&mut after, "a", "a1", 1), first);
    assert_eq!(bodies(&take(&mut after, 10, 1)), [""; 0], "a1 is still in flight");
    assert_eq!(bodies(&take(&mut after, 10, 30_000)), ["a1", "a2"]);
}

#[test]
fn a_file_from_before_there_were_fifo_queues_is_read() {
    let data = tempfile::tempdir().unwrap();
    let old = rusqlite::Connection::open(data.path().join("queues.sqlite")).unwrap();
    old.execute_batch(
        "CREATE TABLE queues (name TEXT PRIMARY KEY, attributes TEXT NOT NULL);
         CREATE TABLE messages (seq INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, id TEXT NOT NULL,
             body TEXT NOT NULL, attributes TEXT NOT NULL, sent INTEGER NOT NULL, visible_at INTEGER NOT NULL,
             receives INTEGER NOT NULL DEFAULT 0, first_received INTEGER, receipt TEXT, source TEXT);
         INSERT INTO queues VALUES ('q', '{}');
         INSERT INTO messages (queue, id, body, attributes, sent, visible_at) VALUES ('q', 'i', 'x', 'null', 0, 0);",
    )
    .unwrap();
    drop(old);
    let mut store = store(data.path(), json!({}));
    assert_eq!(bodies(&store.take("q", 1, None, 0).unwrap().messages), ["x"]);
    send(&mut store, "a", "a1", 0);
    assert_eq!(bodies(&take(&mut store, 1, 0)), ["a1"]);
}
