//! SQS as its clients see it: through the AWS SDK, over a socket.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use airlock_local_access::{Access, Principal, REGION};
use airlock_local_sqs::Sqs;
use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::{
        MessageAttributeValue, MessageSystemAttributeName as Attribute, QueueAttributeName,
        SendMessageBatchRequestEntry,
    },
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::net::TcpListener;

struct World {
    sqs: Sqs,
    access: Arc<Access>,
    client: Client,
}

fn client(sqs: &Sqs, access_key_id: &str, secret: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(sqs.endpoint())
        .credentials_provider(Credentials::new(access_key_id, secret, None, None, "test"));
    Client::from_conf(config.build())
}

async fn world(data: &std::path::Path) -> World {
    let access = Access::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sqs = Sqs::start(listener, data, access.clone()).await.unwrap();
    let credentials = access.issue(Principal::Administrator);
    let client = client(&sqs, &credentials.access_key_id, credentials.secret_access_key.expose());
    World { sqs, access, client }
}

fn attributes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_message_is_sent_received_hidden_and_deleted() {
    let data = tempfile::tempdir().unwrap();
    let World { sqs, access, client } = world(data.path()).await;
    sqs.create_queue("q", &attributes(&[("VisibilityTimeout", "1")])).unwrap();
    let url = sqs.url("q");
    client.send_message().queue_url(&url).message_body("hello").send().await.unwrap();
    let receive = || {
        client
            .receive_message()
            .queue_url(&url)
            .wait_time_seconds(5)
            .message_system_attribute_names(Attribute::All)
    };
    let first = receive().send().await.unwrap().messages.unwrap().remove(0);
    assert_eq!(first.body(), Some("hello"));
    assert_eq!(receive().wait_time_seconds(0).send().await.unwrap().messages(), []);
    // The long poll ends when it becomes visible again.
    sqs.create_queue("empty", &attributes(&[])).unwrap();
    let half = client.receive_message().queue_url(sqs.url("empty")).wait_time_seconds(10).send();
    let second = tokio::select! {
        second = receive().wait_time_seconds(20).send() => second.unwrap().messages.unwrap().remove(0),
        _ = half => panic!("it waited on"),
    };
    assert_eq!(second.message_id(), first.message_id());
    assert_eq!(second.attributes().unwrap()[&Attribute::ApproximateReceiveCount], "2");
    let delete = |handle: &str| client.delete_message().queue_url(&url).receipt_handle(handle).send();
    delete(first.receipt_handle().unwrap()).await.unwrap();
    assert_eq!(sqs.depth("q").unwrap().in_flight, 1, "an old handle deletes nothing");
    delete(second.receipt_handle().unwrap()).await.unwrap();
    let depth = sqs.depth("q").unwrap();
    assert_eq!((depth.visible, depth.in_flight, depth.delayed), (0, 0, 0));
    assert!(access.calls().iter().any(|call| call.operation == "sqs:SendMessage" && call.resource == "q"));
}

#[tokio::test]
async fn a_long_poll_wakes_when_a_message_comes() {
    let data = tempfile::tempdir().unwrap();
    let World { sqs, .. } = world(data.path()).await;
    sqs.create_queue("q", &BTreeMap::new()).unwrap();
    let waiting = tokio::spawn({
        let sqs = sqs.clone();
        async move { sqs.receive("q", 10, Duration::from_secs(20)).await.unwrap() }
    });
    tokio::task::yield_now().await;
    sqs.send("q", "x").unwrap();
    let messages = tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
    assert_eq!(messages[0].body, "x");
}

#[tokio::test]
async fn what_is_received_too_often_goes_to_the_dead_letter_queue_and_back() {
    let data = tempfile::tempdir().unwrap();
    let World { sqs, client, .. } = world(data.path()).await;
    sqs.create_queue("dead", &attributes(&[("VisibilityTimeout", "0")])).unwrap();
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":2}}"#, sqs.arn("dead"));
    sqs.create_queue("q", &attributes(&[("VisibilityTimeout", "0"), ("RedrivePolicy", &policy)])).unwrap();
    let id = sqs.send("q", "poison").unwrap();
    for expected in [1, 1, 0] {
        assert_eq!(sqs.receive("q", 10, Duration::ZERO).await.unwrap().len(), expected);
    }
    let dead = sqs.receive("dead", 10, Duration::ZERO).await.unwrap().remove(0);
    assert_eq!((&dead.message_id, &dead.body), (&id, &"poison".to_owned()));
    assert_eq!(dead.attributes["DeadLetterQueueSourceArn"], sqs.arn("q"));
    client.start_message_move_task().source_arn(sqs.arn("dead")).send().await.unwrap();
    let back = sqs.receive("q", 10, Duration::ZERO).await.unwrap().remove(0);
    assert_eq!((back.body.as_str(), back.message_id == id), ("poison", false), "a redriven message is new");
}

#[tokio::test]
async fn who_waits_at_the_dead_letter_queue_wakes_when_a_message_goes_there() {
    let data = tempfile::tempdir().unwrap();
    let World { sqs, .. } = world(data.path()).await;
    sqs.create_queue("dead", &BTreeMap::new()).unwrap();
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":1}}"#, sqs.arn("dead"));
    sqs.create_queue("q", &attributes(&[("VisibilityTimeout", "0"), ("RedrivePolicy", &policy)])).unwrap();
    sqs.send("q", "poison").unwrap();
    sqs.receive("q", 1, Duration::ZERO).await.unwrap();
    let waiting = tokio::spawn({
        let sqs = sqs.clone();
        async move { sqs.receive("dead", 1, Duration::from_secs(20)).await.unwrap() }
    });
    tokio::task::yield_now().await;
    assert_eq!(sqs.receive("q", 1, Duration::ZERO).await.unwrap(), []);
    let messages = tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
    assert_eq!(messages[0].body, "poison");
}

#[tokio::test]
async fn attributes_come_only_when_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let World { sqs, client, .. } = world(data.path()).await;
    sqs.create_queue("q", &attributes(&[("VisibilityTimeout", "0")])).unwrap();
    let text =
        |text: &str| MessageAttributeValue::builder().data_type("String").string_value(text).build().unwrap();
    let send = client.send_message().queue_url(sqs.url("q")).message_body("x");
    send.message_attributes("a.b", text("1")).message_attributes("c", text("2")).send().await.unwrap();
    let receive = || client.receive_message().queue_url(sqs.url("q"));
    let plain = receive().send().await.unwrap().messages.unwrap().remove(0);
    assert_eq!((plain.attributes(), plain.message_attributes()), (None, None));
    let some =
        receive().message_system_attribute_names(Attribute::SentTimestamp).message_attribute_names("a.*");
    let some = some.send().await.unwrap().messages.unwrap().remove(0);
    let names: Vec<_> = some.attributes().unwrap().keys().collect();
    assert_eq!(names, [&Attribute::SentTimestamp]);
    assert_eq!(some.message_attributes().unwrap().keys().collect::<Vec<_>>(), ["a.b"]);
}

#[tokio::test]
async fn numbers_out_of_range_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let World { sqs, client, .. } = world(data.path()).await;
    sqs.create_queue("q", &BTreeMap::new()).unwrap();
    sqs.send("q", "x").unwrap();
    let receive = || client.receive_message().queue_url(sqs.url("q"));
    let send = || client.send_message().queue_url(sqs.url("q")).message_body("x");
    let refused = "InvalidParameterValue";
    for (timeout, wait, max) in [(-1, 0, 1), (43_201, 0, 1), (0, -1, 1), (0, 21, 1), (0, 0, 0), (0, 0, 11)] {
        let receive =
            receive().visibility_timeout(timeout).wait_time_seconds(wait).max_number_of_messages(max);
        let error = receive.send().await.unwrap_err().into_service_error();
        assert_eq!(error.meta().code(), Some(refused), "{timeout} {wait} {max}");
    }
    for delay in [-1, 901] {
        let error = send().delay_seconds(delay).send().await.unwrap_err().into_service_error();
        assert_eq!(error.meta().code(), Some(refused), "{delay}");
    }
    assert_eq!(sqs.depth("q").unwrap().visible, 1);
}

#[tokio::test]
async fn a_restart_loses_no_message() {
    let data = tempfile::tempdir().unwrap();
    let first = world(data.path()).await;
    first.sqs.create_queue("q", &attributes(&[("VisibilityTimeout", "0")])).unwrap();
    for body in ["a", "b"] {
        first.sqs.send("q", body).unwrap();
    }
    first.sqs.receive("q", 1, Duration::ZERO).await.unwrap();
    drop(first);
    let second = world(data.path()).await;
    let messages = second.sqs.receive("q", 10, Duration::ZERO).await.unwrap();
    let bodies: Vec<&str> = messages.iter().map(|message| message.body.as_str()).collect();
    assert_eq!(bodies, ["a", "b"]);
    assert_eq!(messages[0].attributes["ApproximateReceiveCount"], "2");
}

#[tokio::test]
async fn one_bad_entry_does_not_fail_a_batch() {
    let data = tempfile::tempdir().unwrap();
    let World { sqs, client, .. } = world(data.path()).await;
    sqs.create_queue("q", &attributes(&[("MaximumMessageSize", "1024")])).unwrap();
    let entry = |id: &str, body: &str| {
        SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
    };
    let sent = client.send_message_batch().queue_url(sqs.url("q"));
    let sent = sent.entries(entry("a", "x")).entries(entry("b", &"x".repeat(1025))).send().await.unwrap();
    assert_eq!(sent.successful()[0].id(), "a");
    assert_eq!((sent.failed()[0].id(), sent.failed()[0].code()), ("b", "InvalidParameterValue"));
}

#[tokio::test]
async fn errors_have_their_types() {
    let data = tempfile::tempdir().unwrap();
    let World { sqs, client: admin, .. } = world(data.path()).await;
    let missing = admin.get_queue_url().queue_name("nope").send().await.unwrap_err();
    assert!(missing.into_service_error().is_queue_does_not_exist());
    let unknown = admin.create_queue().queue_name("q").attributes(QueueAttributeName::from("Colour"), "red");
    assert!(unknown.send().await.unwrap_err().into_service_error().is_invalid_attribute_name());
    for (key, secret) in [("AKIANOBODY", "x"), ("", "")] {
        let refused = client(&sqs, key, secret).list_queues().send().await.unwrap_err();
        assert_eq!(refused.raw_response().unwrap().status().as_u16(), 403);
    }
}
