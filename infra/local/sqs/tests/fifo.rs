//! FIFO queues as their clients see them: through the AWS SDK, over a socket.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use airlock_local_access::{Access, Principal, REGION};
use airlock_local_sqs::Sqs;
use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::{MessageSystemAttributeName as Attribute, QueueAttributeName as Name},
};
use std::{collections::BTreeMap, path::Path, time::Duration};
use tokio::net::TcpListener;

async fn world(data: &Path) -> (Sqs, Client, String) {
    let access = Access::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sqs = Sqs::start(listener, data, access.clone()).await.unwrap();
    let key = access.issue(Principal::Administrator);
    let credentials = Credentials::new(key.access_key_id, key.secret_access_key.expose(), None, None, "test");
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(sqs.endpoint())
        .credentials_provider(credentials);
    let client = Client::from_conf(config.build());
    let created = client.create_queue().queue_name("q.fifo").attributes(Name::FifoQueue, "true").send();
    let url = created.await.unwrap().queue_url.unwrap();
    (sqs, client, url)
}

#[tokio::test]
async fn a_repetition_is_answered_as_the_first_and_attributes_come_along() {
    let data = tempfile::tempdir().unwrap();
    let (_sqs, client, url) = world(data.path()).await;
    let send = || {
        let send = client.send_message().queue_url(&url).message_body("x");
        send.message_group_id("g").message_deduplication_id("d").send()
    };
    let (first, second) = (send().await.unwrap(), send().await.unwrap());
    assert_eq!(first.message_id(), second.message_id());
    assert_eq!(first.sequence_number(), second.sequence_number());
    let receive = client.receive_message().queue_url(&url).max_number_of_messages(10);
    let receive = receive.message_system_attribute_names(Attribute::All).send().await.unwrap();
    assert_eq!(receive.messages().len(), 1);
    let attributes = receive.messages()[0].attributes().unwrap();
    assert_eq!(attributes[&Attribute::MessageGroupId], "g");
    assert_eq!(attributes[&Attribute::MessageDeduplicationId], "d");
    assert_eq!(attributes.get(&Attribute::SequenceNumber).map(String::as_str), first.sequence_number());
}

#[tokio::test]
async fn what_is_wrong_is_said_in_the_words_of_sqs() {
    let data = tempfile::tempdir().unwrap();
    let (_sqs, client, url) = world(data.path()).await;
    let send = || client.send_message().queue_url(&url).message_body("x");
    for (send, code, words) in [
        (send(), "MissingParameter", "The request must contain the parameter MessageGroupId."),
        (
            send().message_group_id("g"),
            "InvalidParameterValue",
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        ),
        (
            send().message_group_id("a b"),
            "InvalidParameterValue",
            "Value a b for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length",
        ),
        (
            send().message_group_id("g").message_deduplication_id("d").delay_seconds(1),
            "InvalidParameterValue",
            "Value 1 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type",
        ),
    ] {
        let error = send.send().await.unwrap_err().into_service_error();
        assert_eq!((error.meta().code(), error.meta().message()), (Some(code), Some(words)));
    }
    let standard = client.create_queue().queue_name("q").attributes(Name::FifoQueue, "true").send().await;
    assert_eq!(standard.unwrap_err().into_service_error().meta().code(), Some("InvalidParameterValue"));
}

#[tokio::test]
async fn its_attributes_say_what_it_is() {
    let data = tempfile::tempdir().unwrap();
    let (_sqs, client, url) = world(data.path()).await;
    let change =
        client.set_queue_attributes().queue_url(&url).attributes(Name::ContentBasedDeduplication, "true");
    change.send().await.unwrap();
    let all = client.get_queue_attributes().queue_url(&url).attribute_names(Name::All).send().await.unwrap();
    let all = all.attributes.unwrap();
    let shown = [
        Name::FifoQueue,
        Name::ContentBasedDeduplication,
        Name::DeduplicationScope,
        Name::FifoThroughputLimit,
    ]
    .map(|name| all[&name].as_str());
    assert_eq!(shown, ["true", "true", "queue", "perQueue"]);
}

#[tokio::test]
async fn who_waits_for_a_group_wakes_when_its_message_is_deleted() {
    let data = tempfile::tempdir().unwrap();
    let (sqs, ..) = world(data.path()).await;
    for body in ["1", "2"] {
        sqs.send_to_group("q.fifo", "g", body).unwrap();
    }
    let first = sqs.receive("q.fifo", 1, Duration::ZERO).await.unwrap().remove(0);
    let waiting = tokio::spawn({
        let sqs = sqs.clone();
        async move { sqs.receive("q.fifo", 1, Duration::from_secs(20)).await.unwrap() }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    sqs.delete("q.fifo", &first.receipt_handle).unwrap();
    let messages = tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
    assert_eq!((first.body.as_str(), messages[0].body.as_str()), ("1", "2"));
}

#[tokio::test]
async fn the_stack_sends_to_any_queue_and_nothing_counts_as_repeated() {
    let data = tempfile::tempdir().unwrap();
    let (sqs, ..) = world(data.path()).await;
    sqs.create_queue("plain", &BTreeMap::new()).unwrap();
    for _ in 0..2 {
        sqs.send("q.fifo", "same").unwrap();
        sqs.send_to_group("plain", "g", "same").unwrap();
    }
    for (queue, group) in [("q.fifo", "default"), ("plain", "g")] {
        let messages = sqs.receive(queue, 10, Duration::ZERO).await.unwrap();
        let groups: Vec<&str> =
            messages.iter().map(|message| message.attributes["MessageGroupId"].as_str()).collect();
        assert_eq!(groups, [group; 2]);
    }
    assert!(sqs.send_to_group("q.fifo", "a b", "x").is_err());
}
