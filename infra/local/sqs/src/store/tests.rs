//! Tests of the store: what the SDK cannot see.

use super::*;

const DAY: i64 = 86_400_000;

fn create(store: &mut Store, name: &str, attributes: Value) {
    store.create(name, &Attributes::from_json(&attributes).unwrap()).unwrap();
}

fn message(body: &str) -> Outgoing<'_> {
    let message_attributes = &Value::Null;
    Outgoing { body, delay: None, message_attributes, group: None, deduplication_id: None }
}

fn put(store: &mut Store, queue: &str, body: &str, now: i64) -> String {
    store.put(queue, &message(body), now).unwrap().id
}

/// A queue `q` that gives every message one chance, then passes it to `dead`.
fn dead_letters(data: &Path) -> Store {
    let mut store = Store::open(data).unwrap();
    create(&mut store, "dead", serde_json::json!({ "MessageRetentionPeriod": "1209600" }));
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:r:0:dead","maxReceiveCount":1}"#;
    create(&mut store, "q", serde_json::json!({ "VisibilityTimeout": "0", "RedrivePolicy": policy }));
    store
}

fn bodies(store: &mut Store, queue: &str, now: i64) -> Vec<String> {
    let taken = store.take(queue, 10, None, now).unwrap();
    taken.messages.into_iter().map(|message| message.body).collect()
}

#[test]
fn what_waited_longer_than_its_queue_keeps_messages_survives_the_way_back() {
    let data = tempfile::tempdir().unwrap();
    let mut store = dead_letters(data.path());
    let ids = ["a", "b"].map(|body| put(&mut store, "q", body, 0));
    assert_eq!(bodies(&mut store, "q", 0), ["a", "b"]);
    assert!(store.take("q", 10, None, 0).unwrap().redriven);
    assert_eq!(bodies(&mut store, "dead", DAY), ["a", "b"]);
    store.move_back("dead", None, 10 * DAY).unwrap();
    let messages = store.take("q", 10, None, 10 * DAY).unwrap().messages;
    assert_eq!(messages.iter().map(|message| message.body.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let first = &messages[0].attributes;
    assert_eq!(first["ApproximateReceiveCount"], "1");
    assert_eq!(first["ApproximateFirstReceiveTimestamp"], (10 * DAY).to_string());
    assert!(!first.contains_key("DeadLetterQueueSourceArn"));
    assert!(messages.iter().all(|message| !ids.contains(&message.message_id)));
}

#[test]
fn what_cannot_be_moved_back_stays() {
    let data = tempfile::tempdir().unwrap();
    let mut store = dead_letters(data.path());
    put(&mut store, "q", "orphan", 0);
    bodies(&mut store, "q", 0);
    bodies(&mut store, "q", 0);
    store.drop_queue("q").unwrap();
    assert!(matches!(store.move_back("dead", Some("nowhere"), 1), Err(SqsError::NoQueue)));
    store.move_back("dead", None, 1).unwrap();
    assert_eq!(bodies(&mut store, "dead", 1), ["orphan"]);
    create(&mut store, "other", Value::Null);
    store.move_back("dead", Some("other"), 2).unwrap();
    assert_eq!(bodies(&mut store, "other", 2), [""; 0], "it is in flight");
    store.move_back("dead", Some("other"), 30_001).unwrap();
    assert_eq!(bodies(&mut store, "other", 30_001), ["orphan"]);
}

#[test]
fn messages_end_with_their_retention_and_with_their_queue() {
    let data = tempfile::tempdir().unwrap();
    let mut store = Store::open(data.path()).unwrap();
    create(&mut store, "q", serde_json::json!({ "MessageRetentionPeriod": "60" }));
    put(&mut store, "q", "x", 0);
    assert_eq!(bodies(&mut store, "q", 60_001), [""; 0]);
    put(&mut store, "q", "y", 60_001);
    store.drop_queue("q").unwrap();
    create(&mut store, "q", Value::Null);
    assert_eq!(store.depth("q", 60_001).unwrap(), Depth { visible: 0, in_flight: 0, delayed: 0 });
}

#[test]
fn a_look_says_when_the_next_message_becomes_visible() {
    let data = tempfile::tempdir().unwrap();
    let mut store = Store::open(data.path()).unwrap();
    create(&mut store, "q", Value::Null);
    let late = Outgoing { delay: Some(Duration::from_millis(5)), ..message("x") };
    store.put("q", &late, 0).unwrap();
    assert_eq!(store.take("q", 1, None, 4).unwrap().next_visible, Some(1));
    let hidden = store.take("q", 1, None, 5).unwrap();
    assert_eq!((hidden.messages.len(), hidden.next_visible), (1, Some(30_000)));
}
