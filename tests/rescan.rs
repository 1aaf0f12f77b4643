//! When the rules change: what was published under older ones is scanned again, and what the new ones
//! match is recalled.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use airlock_local_access::Principal;
use aws_sdk_s3::primitives::ByteStream;
use serde_json::{Value, json};
use std::{collections::BTreeMap, process::Command};
use support::{
    World, eicar, eventually,
    person::{Person, id, sha256},
};

/// Puts other bytes at a published key. Nobody can write over it; an administrator can remove it first.
async fn replace(world: &World, key: &str, bytes: &[u8]) {
    let (s3, bucket) = (world.s3(), &world.stack.ready().buckets.published);
    let body = || ByteStream::from(bytes.to_vec());
    assert!(s3.put_object().bucket(bucket).key(key).body(body()).send().await.is_err());
    s3.delete_object().bucket(bucket).key(key).send().await.unwrap();
    s3.put_object().bucket(bucket).key(key).if_none_match("*").body(body()).send().await.unwrap();
}

/// What an older version of the rules would have left: published, with another rule set in its row.
async fn published_under_older_rules(ada: &Person<'_>, name: &str, bytes: &[u8]) -> String {
    let world = ada.world;
    // As long as the bytes that it is to have, so that row and object agree.
    let upload_id = id(&ada.upload(name, "text/plain", &b"a clean line\n".repeat(9)[..bytes.len()]).await);
    let bucket = &world.stack.ready().buckets.published;
    let keys = world.keys(bucket).await;
    let key = keys.iter().find(|key| key.ends_with(&upload_id)).unwrap();
    replace(world, key, bytes).await;
    world.amend(&upload_id, json!({ "rules": "older", "sha256": &sha256(bytes) })).await;
    upload_id
}

async fn rescan(world: &World) -> Value {
    world.stack.invoke("rescan-objects", json!({})).await.unwrap()
}

fn rescan_objects() -> Principal {
    Principal::Function("RescanObjects".to_owned())
}

/// How often each object was read by the rescan.
fn reads(world: &World) -> BTreeMap<String, usize> {
    let mut reads = BTreeMap::new();
    for call in world.stack.access().calls() {
        if call.principal == rescan_objects() && call.operation == "s3:GetObject" {
            let id = call.resource.rsplit('/').next().unwrap().to_owned();
            *reads.entry(id).or_default() += 1;
        }
    }
    reads
}

#[tokio::test]
async fn what_later_rules_match_is_recalled_and_the_rest_stays() {
    let world = World::start().await;
    let ada = world.ada();
    let bad = published_under_older_rules(&ada, "bad.txt", &eicar()).await;
    let good = published_under_older_rules(&ada, "good.txt", b"a harmless line of text\n").await;
    let new = id(&ada.upload("new.txt", "text/plain", b"another harmless line\n").await);
    let url = ada.download_url(&bad).await.json()["url"].as_str().unwrap().to_owned();
    assert_eq!(world.http.get(&url).send().await.unwrap().status(), 200, "published, as far as anyone knows");

    let answer = rescan(&world).await;
    assert_eq!(
        (&answer["finished"], &answer["scanned"], &answer["recalled"]),
        (&json!(true), &json!(2), &json!(1))
    );
    assert_eq!(
        reads(&world).keys().collect::<Vec<_>>(),
        [&bad, &good],
        "what the rules of now passed is left alone"
    );

    let record = ada.get(&format!("/uploads/{bad}")).await.json();
    assert_eq!(record["state"], "rejected", "{record}");
    assert_eq!(record["verdict"]["matches"][0]["rule"], "eicar_test_file");
    assert_eq!(ada.download_url(&bad).await.status, 404);
    assert_eq!(ada.get(&format!("/objects/{bad}")).await.status, 404);
    assert_eq!(world.http.get(&url).send().await.unwrap().status(), 404, "URLs that are out end as well");
    let listed = ada.get("/objects").await.json();
    let listed: Vec<&str> = listed["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| object["object_id"].as_str().unwrap())
        .collect();
    assert_eq!(listed, [&new, &good]);
    for kept in [&good, &new] {
        assert_eq!(world.row(kept).await["rules"], answer["rules"].as_str().unwrap());
        assert_eq!(ada.download(kept).await.status(), 200);
    }
    let held = world.keys(&world.stack.ready().buckets.quarantine).await;
    assert!(held.len() == 1 && held[0].starts_with("held/") && held[0].ends_with(&bad), "{held:?}");

    // Once all are through, a run is a single read.
    let before = world.calls_of("RescanObjects").len();
    assert_eq!(rescan(&world).await, answer);
    assert_eq!(world.calls_of("RescanObjects")[before..], ["dynamodb:GetItem"]);
    world.end().await;
}

#[tokio::test]
async fn a_rescan_killed_in_the_middle_scans_nothing_twice_and_misses_nothing() {
    let world = World::with(&[("RescanObjectsPerRun", "4")]).await;
    let ada = world.ada();
    let mut versions = BTreeMap::new();
    for number in 0..7 {
        let upload_id = published_under_older_rules(&ada, &format!("{number}.txt"), b"harmless\n").await;
        let version: u64 = world.row(&upload_id).await["version"].parse().unwrap();
        versions.insert(upload_id, version);
    }
    assert_eq!(rescan(&world).await["scanned"], 4, "a run has its share");
    assert_eq!(reads(&world).len(), 4);

    // Killed as it is about to write down what it found of the next.
    let hold = world.stack.access().hold(rescan_objects(), "dynamodb:TransactWriteItems");
    let killed = async {
        hold.arrived().await;
        world.kill("rescan-objects");
    };
    let (answer, ()) = tokio::join!(world.stack.invoke("rescan-objects", json!({})), killed);
    assert!(answer.is_err());
    drop(hold);

    let world_ref = &world;
    eventually("the rescan is finished", || async move {
        (rescan(world_ref).await["finished"] == true).then_some(())
    })
    .await;
    for (upload_id, version) in versions {
        let now: u64 = world.row(&upload_id).await["version"].parse().unwrap();
        assert_eq!(now, version + 1, "{upload_id} was noted once");
    }
    let twice = reads(&world).values().filter(|count| **count > 1).count();
    assert!(twice <= 1, "only the one that was being read when it was killed: {:?}", reads(&world));
    world.end().await;
}

#[tokio::test]
async fn objects_that_cannot_be_scanned_do_not_keep_a_walk_from_the_others() {
    let world = World::with(&[("RescanObjectsPerRun", "1")]).await;
    let ada = world.ada();
    let mut lost = Vec::new();
    for name in ["lost.txt", "lost too.txt", "good.txt"] {
        lost.push(published_under_older_rules(&ada, name, b"a harmless line\n").await);
    }
    let good = lost.pop().unwrap();
    let bucket = &world.stack.ready().buckets.published;
    for key in world.keys(bucket).await.iter().filter(|key| !key.ends_with(&good)) {
        world.s3().delete_object().bucket(bucket).key(key).send().await.unwrap();
    }
    for failed in [1, 2] {
        assert_eq!(rescan(&world).await["failed"], failed, "lost objects are the first in the index");
    }
    let answer = rescan(&world).await;
    assert_eq!((&answer["scanned"], &answer["finished"]), (&json!(1), &json!(false)));
    assert_eq!(world.row(&good).await["rules"], answer["rules"].as_str().unwrap());
    for lost in lost {
        assert_eq!(world.row(&lost).await["rules"], "older", "what could not be scanned is tried again");
    }
    world.end().await;
}

#[tokio::test]
async fn t07_published_bytes_that_nobody_scanned_are_recalled() {
    let world = World::start().await;
    let ada = world.ada();
    let upload_id = published_under_older_rules(&ada, "a.txt", b"a harmless line\n").await;
    let key = &world.keys(&world.stack.ready().buckets.published).await[0];
    replace(&world, key, b"other bytes, as many").await;
    assert_eq!(rescan(&world).await["recalled"], 1);
    let record = ada.get(&format!("/uploads/{upload_id}")).await.json();
    assert_eq!(record["verdict"]["reason"], "the published bytes are not those that were scanned");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_goes_on_until_it_is_finished() {
    let world = World::with(&[("RescanObjectsPerRun", "1")]).await;
    let ada = world.ada();
    for name in ["a.txt", "b.txt", "c.txt"] {
        published_under_older_rules(&ada, name, b"a harmless line\n").await;
    }
    let folder = tempfile::tempdir().unwrap();
    let ready_file = world.ready_file(folder.path());
    let run = move || {
        Command::new(env!("CARGO_BIN_EXE_airlock"))
            .args(["rescan", "--json", "--ready-file"])
            .arg(ready_file)
            .env_remove("AIRLOCK_API")
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&answer["finished"], &answer["scanned"]), (&json!(true), &json!(3)));
    world.end().await;
}

#[tokio::test]
async fn t08_a_recall_killed_at_any_call_is_ended_by_the_next_run() {
    const WRITE: &str = "dynamodb:TransactWriteItems";
    // The last one waits for the call before it, as there are two writes.
    for calls in [&[WRITE][..], &["s3:CopyObject"], &["s3:DeleteObject"], &["s3:DeleteObject", WRITE]] {
        let world = World::start().await;
        let ada = world.ada();
        let bad = published_under_older_rules(&ada, "bad.txt", &eicar()).await;
        let mut holds = Vec::new();
        let killed = async {
            for call in calls {
                let hold = world.stack.access().hold(rescan_objects(), call);
                holds.clear();
                hold.arrived().await;
                holds.push(hold);
            }
            world.kill("rescan-objects");
        };
        let (answer, ()) = tokio::join!(world.stack.invoke("rescan-objects", json!({})), killed);
        assert!(answer.is_err(), "killed at {calls:?}: {answer:?}");
        if calls != [WRITE] {
            assert_eq!(ada.download_url(&bad).await.status, 404, "killed at {calls:?}");
            assert_eq!(ada.get("/objects").await.json()["objects"], json!([]), "killed at {calls:?}");
        }
        drop(holds);

        let answer = rescan(&world).await;
        assert_eq!(
            (&answer["finished"], &answer["failed"]),
            (&json!(true), &json!(0)),
            "killed at {calls:?}"
        );
        // A write that was on its way when its sender died may have taken place all the same.
        assert!(answer["recalled"] == 1 || calls.len() == 2, "killed at {calls:?}: {answer}");
        assert_eq!(ada.download_url(&bad).await.status, 404, "killed at {calls:?}");
        let ready = world.stack.ready();
        assert_eq!(world.keys(&ready.buckets.published).await, Vec::<String>::new(), "killed at {calls:?}");
        let held = world.keys(&ready.buckets.quarantine).await;
        assert!(held.len() == 1 && held[0].starts_with("held/") && held[0].ends_with(&bad), "{held:?}");
        let listed = world.row(&bad).await.remove("listed");
        assert_eq!(listed, Some("acme#held".to_owned()), "killed at {calls:?}");
        world.end().await;
    }
}
