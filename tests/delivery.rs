//! Messages and events that come twice, late, in the wrong order or not at all, and functions that
//! die at the worst moment: the end is the same, and nothing is lost or published by accident.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use airlock_local_access::Principal;
use serde_json::{Value, json};
use support::{
    World, eicar, eventually,
    person::{Person, id},
    sample,
};

const BYTES: &[u8] = b"a line of text\n";

/// Short times, so that what comes again comes soon.
const SHORT: [(&str, &str); 2] = [("ScanVisibilitySeconds", "1"), ("ScanTimeoutSeconds", "20")];

fn function(name: &str) -> Principal {
    Principal::Function(name.to_owned())
}

fn scan_request(tenant: &str, id: &str) -> String {
    json!({ "tenant_id": tenant, "object_id": id }).to_string()
}

/// A batch as SQS hands it to a function.
fn batch(bodies: &[String]) -> Value {
    let records = bodies.iter().enumerate().map(|(number, body)| {
        json!({
            "messageId": format!("message-{number}"), "receiptHandle": "handle", "body": body,
            "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {},
            "md5OfBody": "", "eventSource": "aws:sqs", "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:scan"
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

async fn state(ada: &Person<'_>, id: &str) -> String {
    ada.get(&format!("/uploads/{id}")).await.json()["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_scan_request_delivered_again_and_again_changes_nothing() {
    let world = World::with(&SHORT).await;
    let ada = world.ada();
    let record = ada.upload("a.txt", "text/plain", BYTES).await;
    let upload_id = id(&record);
    let queue = world.scan_queue();
    for _ in 0..5 {
        world.stack.sqs().send(queue, &scan_request("acme", &upload_id)).unwrap();
    }
    world.queue_is_empty().await;
    assert_eq!(ada.get(&format!("/uploads/{upload_id}")).await.json(), record);
    assert_eq!(world.calls_of("ScanUpload").iter().filter(|call| *call == "s3:CopyObject").count(), 1);
    world.end().await;
}

#[tokio::test]
async fn one_scan_of_an_object_at_a_time_however_often_it_is_asked_for() {
    let world = World::start().await;
    let ada = world.ada();
    let hold = world.stack.access().hold(function("ScanUpload"), "s3:CopyObject");
    let upload_id = ada.hand_in("a.txt", "text/plain", BYTES).await;
    hold.arrived().await;
    // Another message for the same object costs one call and comes again; a repeated finalize sends none.
    let answer = world.stack.invoke("scan-upload", batch(&[scan_request("acme", &upload_id)])).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "message-0" }] }));
    for _ in 0..3 {
        world.amend(&upload_id, json!({ "queued_at": 1 })).await;
        assert_eq!(ada.finalize(&upload_id).await.json()["state"], "scanning");
    }
    drop(hold);
    assert_eq!(ada.settled(&upload_id).await["state"], "published");
    let count =
        |function: &str, name: &str| world.calls_of(function).into_iter().filter(|call| call == name).count();
    assert_eq!(count("ScanUpload", "s3:GetObject"), 1);
    assert_eq!(count("ScanUpload", "dynamodb:UpdateItem"), 2);
    assert_eq!(count("FinalizeUpload", "sqs:SendMessage"), 1);
    assert_eq!(ada.download(&upload_id).await.bytes().await.unwrap(), BYTES);
    world.end().await;
}

#[tokio::test]
async fn a_poison_message_ends_in_the_dead_letter_queue_and_its_batch_completes() {
    let world = World::with(&SHORT).await;
    let ada = world.ada();
    let (queue, dead) = (world.scan_queue(), world.dead_letter_queue());
    let good = ada.hand_in("a.txt", "text/plain", BYTES).await;
    let unknown = scan_request("acme", "01890000-0000-7000-8000-000000000000");
    for poison in ["not a request", "{}", &unknown] {
        world.stack.sqs().send_to_group(queue, &poison.replace(' ', "-"), poison).unwrap();
    }
    assert_eq!(ada.settled(&good).await["state"], "published");
    let world_ref = &world;
    eventually("the poison is set aside", || async move {
        (world_ref.stack.sqs().depth(dead).unwrap().visible == 3).then_some(())
    })
    .await;
    world.queue_is_empty().await;

    // In one batch, only the poison fails.
    let other = ada.begin("b.txt", "text/plain", BYTES).await;
    assert_eq!(ada.put(&other, BYTES).await.status, 200);
    let bodies = ["poison".to_owned(), scan_request("acme", &good), unknown];
    let answer = world.stack.invoke("scan-upload", batch(&bodies)).await.unwrap();
    let failed = json!([{ "itemIdentifier": "message-0" }, { "itemIdentifier": "message-2" }]);
    assert_eq!(answer["batchItemFailures"], failed);
    world.end().await;
}

#[tokio::test]
async fn a_scan_before_its_finalize_publishes_nothing() {
    let world = World::with(&SHORT).await;
    let ada = world.ada();
    let opened = ada.begin("a.txt", "text/plain", BYTES).await;
    assert_eq!(ada.put(&opened, BYTES).await.status, 200);
    let answer =
        world.stack.invoke("scan-upload", batch(&[scan_request("acme", &id(&opened))])).await.unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    assert_eq!(state(&ada, &id(&opened)).await, "pending");
    assert_eq!(ada.download_url(&id(&opened)).await.status, 404);
    assert_eq!(ada.finalize(&id(&opened)).await.status, 202);
    assert_eq!(ada.settled(&id(&opened)).await["state"], "published");
    world.end().await;
}

#[tokio::test]
async fn finalize_repeated_and_in_parallel_is_one_finalize() {
    let world = World::start().await;
    let ada = &world.ada();
    let opened = ada.begin("a.txt", "text/plain", BYTES).await;
    assert_eq!(ada.put(&opened, BYTES).await.status, 200);
    let upload_id = &id(&opened);
    let answers = futures::future::join_all((0..6).map(|_| ada.finalize(upload_id))).await;
    assert!(answers.iter().all(|answer| answer.status == 202), "{answers:?}");
    assert_eq!(ada.settled(upload_id).await["state"], "published");
    assert_eq!(ada.finalize(upload_id).await.json()["state"], "published");
    let sent = world.calls_of("FinalizeUpload").into_iter().filter(|call| call == "sqs:SendMessage");
    assert_eq!(sent.count(), 1);
    world.end().await;
}

#[tokio::test]
async fn s3_events_late_twice_and_out_of_order_delete_nothing_that_is_needed() {
    let world = World::start().await;
    let ada = world.ada();
    let upload_id = ada.hand_in("a.png", "image/png", &sample("sample.png")).await;
    ada.settled(&upload_id).await;
    let next = ada.begin("b.txt", "text/plain", BYTES).await;
    assert_eq!(ada.put(&next, BYTES).await.status, 200);
    let event = |name: &str, key: String, time: &str| {
        json!({ "Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
            "eventTime": time, "eventName": name, "userIdentity": { "principalId": "x" },
            "requestParameters": { "sourceIPAddress": "127.0.0.1" }, "responseElements": {},
            "s3": {
                "s3SchemaVersion": "1.0", "configurationId": "x",
                "bucket": { "name": "q", "ownerIdentity": { "principalId": "x" }, "arn": "arn:aws:s3:::q" },
                "object": { "key": key, "size": 15, "eTag": "00", "sequencer": "00" }
            }
        }] })
    };
    let url = reqwest::Url::parse(next["upload"]["url"].as_str().unwrap()).unwrap();
    let key = url.path().trim_start_matches('/').split_once('/').unwrap().1.to_owned();
    for time in ["2020-01-01T00:00:00.000Z", "2100-01-01T00:00:00.000Z"] {
        let event = event("ObjectCreated:Put", key.clone(), time);
        world.stack.invoke("watch-quarantine", event).await.unwrap();
    }
    let foreign = event("ObjectCreated:Put", "somewhere/else+here".to_owned(), "2026-01-01T00:00:00.000Z");
    world.stack.invoke("watch-quarantine", foreign).await.unwrap();
    let test_event = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "q" });
    world.stack.invoke("watch-quarantine", test_event).await.unwrap();

    assert!(!world.calls_of("WatchQuarantine").contains(&"s3:DeleteObject".to_owned()));
    assert_eq!(ada.finalize(&id(&next)).await.status, 202);
    assert_eq!(ada.settled(&id(&next)).await["state"], "published");
    world.end().await;
}

#[tokio::test]
async fn t08_a_scan_killed_at_any_call_is_done_again_and_ends_the_same() {
    // A clean object is copied to where it is published, another one to where it is held.
    for (bytes, end) in [(BYTES.to_vec(), "published"), (eicar(), "rejected")] {
        for call in [
            "dynamodb:UpdateItem",
            "s3:GetObject",
            "s3:CopyObject",
            "dynamodb:TransactWriteItems",
            "s3:PutObject",
            "s3:DeleteObject",
        ] {
            let world = World::with(&SHORT).await;
            let ada = world.ada();
            let hold = world.stack.access().hold(function("ScanUpload"), call);
            let upload_id = ada.hand_in("a.txt", "text/plain", &bytes).await;
            hold.arrived().await;
            world.kill("scan-upload");
            drop(hold);
            assert_eq!(ada.settled(&upload_id).await["state"], end, "killed at {call}");
            world.queue_is_empty().await;
            let published = world.keys(&world.stack.ready().buckets.published).await;
            if end == "published" {
                assert_eq!(ada.download(&upload_id).await.bytes().await.unwrap(), bytes);
                assert_eq!(published.len(), 1);
                let versions = world.s3().list_object_versions();
                let versions = versions.bucket(&world.stack.ready().buckets.quarantine).send().await.unwrap();
                let left = versions.versions().iter().filter(|version| version.size() != Some(0)).count();
                assert_eq!(left, 0, "killed at {call}");
            } else {
                assert_eq!(ada.download_url(&upload_id).await.status, 404, "killed at {call}");
                assert_eq!(published, Vec::<String>::new(), "killed at {call}");
            }
            world.end().await;
        }
    }
}

#[tokio::test]
async fn a_finalize_killed_at_any_call_is_healed_by_another() {
    for call in ["dynamodb:GetItem", "s3:HeadObject", "dynamodb:TransactWriteItems"] {
        let world = World::with(&SHORT).await;
        let ada = world.ada();
        let opened = ada.begin("a.txt", "text/plain", BYTES).await;
        assert_eq!(ada.put(&opened, BYTES).await.status, 200);
        let hold = world.stack.access().hold(function("FinalizeUpload"), call);
        let upload_id = id(&opened);
        let kill = async {
            hold.arrived().await;
            world.kill("finalize-upload");
            drop(hold);
        };
        let (answer, ()) = tokio::join!(ada.finalize(&upload_id), kill);
        assert_eq!(answer.status, 500, "{}", answer.text);
        assert_eq!(answer.json(), json!({ "message": "Internal Server Error" }));
        assert_eq!(ada.finalize(&upload_id).await.status, 202);
        // A transaction that was on its way when its sender died has taken place all the same; then
        // only the message is missing, which the sweep sends.
        if call == "dynamodb:TransactWriteItems" {
            continue;
        }
        assert_eq!(ada.settled(&upload_id).await["state"], "published", "killed at {call}");
        world.end().await;
    }
}

#[tokio::test]
async fn a_scan_request_that_was_never_sent_is_sent_by_the_sweep() {
    let world = World::with(&[SHORT[0], SHORT[1], ("ScanDeadlineSeconds", "1")]).await;
    let ada = world.ada();
    let opened = ada.begin("a.txt", "text/plain", BYTES).await;
    assert_eq!(ada.put(&opened, BYTES).await.status, 200);
    let hold = world.stack.access().hold(function("FinalizeUpload"), "sqs:SendMessage");
    let upload_id = &id(&opened);
    let kill = async {
        hold.arrived().await;
        world.kill("finalize-upload");
    };
    let (answer, ()) = tokio::join!(ada.finalize(upload_id), kill);
    assert_eq!(answer.status, 500);
    assert_eq!(state(&ada, upload_id).await, "scanning");
    let world_ref = &world;
    eventually("the sweep asks for the scan", || async move {
        let swept = world_ref.stack.invoke("sweep-uploads", json!({})).await.unwrap();
        (swept["requeued"] == 1).then_some(())
    })
    .await;
    assert_eq!(ada.settled(upload_id).await["state"], "published");
    drop(hold);
    world.end().await;
}

#[tokio::test]
async fn t11_a_scan_that_never_ends_is_given_up_and_visible_as_such() {
    let world = World::with(&[SHORT[0], SHORT[1], ("ScanDeadlineSeconds", "1")]).await;
    let ada = world.ada();
    // Every scan stops at the door of the bucket.
    let hold = world.stack.access().hold(function("ScanUpload"), "s3:GetObject");
    let upload_id = &ada.hand_in("a.txt", "text/plain", BYTES).await;
    let (world_ref, ada_ref) = (&world, &ada);
    eventually("the sweep gives up", || async move {
        world_ref.stack.invoke("sweep-uploads", json!({})).await.unwrap();
        (state(ada_ref, upload_id).await == "failed").then_some(())
    })
    .await;
    let record = ada.get(&format!("/uploads/{upload_id}")).await.json();
    assert_eq!(record["verdict"]["outcome"], "unscannable");
    drop(hold);
    // The scans that now go on change nothing any more.
    world.queue_is_empty().await;
    assert_eq!(state(&ada, upload_id).await, "failed");
    assert_eq!(ada.download_url(upload_id).await.status, 404);
    assert_eq!(world.keys(&world.stack.ready().buckets.published).await, Vec::<String>::new());
    world.end().await;
}

#[tokio::test]
async fn c10_an_upload_that_nobody_finalizes_expires_and_its_bytes_go() {
    let world = World::with(&[("UploadSessionTtlSeconds", "1"), ("MaxPendingUploads", "1")]).await;
    let ada = world.ada();
    let opened = ada.begin("a.txt", "text/plain", BYTES).await;
    let upload_id = &id(&opened);
    assert_eq!(ada.put(&opened, BYTES).await.status, 200);
    let world_ref = &world;
    eventually("the sweep expires it", || async move {
        let swept = world_ref.stack.invoke("sweep-uploads", json!({})).await.unwrap();
        (swept["expired"] == 1).then_some(())
    })
    .await;
    assert_eq!(state(&ada, upload_id).await, "expired");
    assert_eq!(ada.finalize(upload_id).await.refusal(), (410, "expired".to_owned()));
    assert_eq!(world.keys(&world.stack.ready().buckets.quarantine).await, Vec::<String>::new());
    // Nor does a finalize that comes too late leave any, when the sweep has passed.
    let late = ada.begin("late.txt", "text/plain", BYTES).await;
    assert_eq!(ada.put(&late, BYTES).await.status, 200);
    let late = &id(&late);
    world.amend(late, json!({ "expires_at": 1 })).await;
    world.amend(late, json!({ "due_at": 1 })).await;
    assert_eq!(ada.finalize(late).await.refusal(), (410, "expired".to_owned()));
    eventually("the sweep removes its bytes", || async move {
        world_ref.stack.invoke("sweep-uploads", json!({})).await.unwrap();
        world_ref.keys(&world_ref.stack.ready().buckets.quarantine).await.is_empty().then_some(())
    })
    .await;
    // Its place is free again.
    assert_eq!(ada.begin("b.txt", "text/plain", BYTES).await["state"], "pending");
    world.end().await;
}
