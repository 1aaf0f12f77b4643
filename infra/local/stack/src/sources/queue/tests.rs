//! A mapping between a real queue and a function that runs `examples/test_function.rs`.

use super::*;
use crate::functions::tests::{blueprint, eventually};
use airlock_local_access::Access;
use std::{collections::BTreeMap, path::Path};

async fn queues(data: &Path) -> Sqs {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sqs = Sqs::start(listener, data, Access::new()).await.unwrap();
    let policy = json!({ "deadLetterTargetArn": sqs.arn("dead.fifo"), "maxReceiveCount": 2 }).to_string();
    let fifo = ("FifoQueue".to_owned(), "true".to_owned());
    sqs.create_queue("dead.fifo", &BTreeMap::from([fifo.clone()])).unwrap();
    let hidden = ("VisibilityTimeout".to_owned(), "1".to_owned());
    sqs.create_queue("q.fifo", &BTreeMap::from([fifo, hidden, ("RedrivePolicy".to_owned(), policy)]))
        .unwrap();
    sqs
}

/// The names of the messages that the function was given, in order.
fn seen(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let name = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        let body: Value = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
        assert!(
            record["attributes"]["MessageGroupId"].is_string()
                && record["attributes"]["SequenceNumber"].is_string()
        );
        body["name"].as_str().unwrap().to_owned()
    };
    text.lines().map(name).collect()
}

#[tokio::test]
async fn what_fails_in_a_fifo_queue_is_tried_before_the_rest_of_its_group_and_holds_up_no_other() {
    let data = tempfile::tempdir().unwrap();
    let sqs = queues(data.path()).await;
    let file = |group: &str| data.path().join(group);
    for (group, name, order) in [
        ("a", "a1", "fail"),
        ("a", "a2", "note"),
        ("a", "a3", "note"),
        ("b", "b1", "note"),
        ("b", "b2", "note"),
    ] {
        let body = json!({ "do": order, "name": name, "append_to": file(group) });
        sqs.send_to_group("q.fifo", group, &body.to_string()).unwrap();
    }
    let functions = Arc::new(Functions::new(vec![blueprint("Tested")]));
    let mapping = Mapping {
        queue: "q.fifo".to_owned(),
        function: "Tested".to_owned(),
        batch_size: 1,
        window: Duration::ZERO,
        concurrency: 10,
        reports_failures: true,
    };
    let running = tokio::spawn(run(mapping, sqs.clone(), functions.clone()));
    let depth = |queue: &str| sqs.depth(queue).unwrap();
    eventually(|| depth("q.fifo").visible + depth("q.fifo").in_flight == 0).await;
    running.abort();
    // The file of a group is read and written anew for each message: at most one is worked on.
    assert_eq!(seen(&file("a")), ["a1", "a1", "a2", "a3"]);
    assert_eq!(seen(&file("b")), ["b1", "b2"]);
    let dead = sqs.receive("dead.fifo", 10, Duration::ZERO).await.unwrap();
    assert_eq!((dead.len(), dead[0].attributes["MessageGroupId"].as_str()), (1, "a"));
    functions.stop().await;
}
