//! A DELETE deletes, whoever else is at the object at the same time.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use airlock_local_access::Principal;
use futures::{StreamExt, stream};
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use support::{
    World,
    person::{Person, id},
};

/// How many objects are deleted while a rescan is at them.
const OBJECTS: usize = 200;
/// How many requests are under way at a time.
const PARALLEL: usize = 8;

fn function(name: &str) -> Principal {
    Principal::Function(name.to_owned())
}

/// A published object that a rescan has to look at.
async fn published_under_older_rules(ada: &Person<'_>, number: usize) -> String {
    let bytes = format!("the harmless line {number}\n");
    let object_id = id(&ada.upload(&format!("{number}.txt"), "text/plain", bytes.as_bytes()).await);
    ada.world.amend(&object_id, json!({ "rules": "older" })).await;
    object_id
}

async fn delete(ada: &Person<'_>, object_id: &str) -> u16 {
    ada.call(Method::DELETE, &format!("/objects/{object_id}"), None).await.status.as_u16()
}

#[tokio::test]
async fn a_delete_that_a_rescan_overtakes_deletes() {
    let world = World::start().await;
    let ada = world.ada();
    let object_id = published_under_older_rules(&ada, 1).await;

    let hold = world.stack.access().hold(function("DeleteObject"), "dynamodb:TransactWriteItems");
    let overtaken = async {
        hold.arrived().await;
        let answer = world.stack.invoke("rescan-objects", json!({})).await.unwrap();
        assert_eq!(answer["scanned"], 1, "{answer}");
        drop(hold);
    };
    let (status, ()) = tokio::join!(delete(&ada, &object_id), overtaken);
    assert_eq!(status, 204);
    assert_eq!(ada.get(&format!("/objects/{object_id}")).await.status, 404);
    assert_eq!(world.keys(&world.stack.ready().buckets.published).await, Vec::<String>::new());
    world.end().await;
}

#[tokio::test]
async fn t08_two_hundred_deletes_against_a_running_rescan_all_delete_and_are_no_errors_of_it() {
    let world = World::with(&[("RescanObjectsPerRun", "25")]).await;
    let ada = world.ada();
    let objects: BTreeSet<String> = stream::iter(0..OBJECTS)
        .map(|number| published_under_older_rules(&ada, number))
        .buffer_unordered(PARALLEL)
        .collect()
        .await;
    assert_eq!(objects.len(), OBJECTS);

    // Those that the rescan is at first are deleted first.
    let first = world.stack.access().hold(function("RescanObjects"), "s3:GetObject");
    let rescan = async {
        let (mut scanned, mut failed) = (0, 0);
        loop {
            let answer = world.stack.invoke("rescan-objects", json!({})).await.unwrap();
            scanned = scanned.max(answer["scanned"].as_u64().unwrap());
            failed += answer["failed"].as_u64().unwrap();
            if answer["finished"] == true {
                return (scanned, failed);
            }
        }
    };
    let deletes = async {
        first.arrived().await;
        drop(first);
        let deletes = stream::iter(&objects).map(|object_id| delete(&ada, object_id));
        deletes.buffer_unordered(PARALLEL).collect::<Vec<u16>>().await
    };
    let ((scanned, failed), statuses) = tokio::join!(rescan, deletes);
    assert_eq!(statuses, [204; OBJECTS]);
    assert!(scanned > 0, "the rescan was at some of them");
    assert_eq!(failed, 0, "an object that is gone is not an error");
    assert_eq!(ada.get("/objects").await.json()["objects"], json!([]));
    assert_eq!(world.keys(&world.stack.ready().buckets.published).await, Vec::<String>::new());
    world.end().await;
}

#[tokio::test]
async fn a_sweep_counts_what_it_did_and_not_what_another_did() {
    let world = World::start().await;
    let ada = world.ada();
    let upload_id = id(&ada.begin("late.txt", "text/plain", b"late\n").await);
    world.amend(&upload_id, json!({ "expires_at": 1, "due_at": 1 })).await;

    let hold = world.stack.access().hold(function("SweepUploads"), "dynamodb:TransactWriteItems");
    let overtaken = async {
        hold.arrived().await;
        assert_eq!(ada.finalize(&upload_id).await.status, 410, "it ends here");
        drop(hold);
    };
    let (answer, ()) = tokio::join!(world.stack.invoke("sweep-uploads", json!({})), overtaken);
    let answer = answer.unwrap();
    assert_eq!((&answer["expired"], &answer["errors"]), (&json!(0), &json!(0)), "{answer}");
    world.end().await;
}
