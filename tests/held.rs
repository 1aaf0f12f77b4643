//! What was not accepted is kept for those who look into it, and no client reaches it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use serde_json::json;
use support::{
    World, eicar, eventually,
    person::{id, sha256},
};

#[tokio::test]
async fn what_is_rejected_is_held_with_its_verdict_where_no_client_reaches() {
    let world = World::start().await;
    let ada = world.ada();
    let opened = ada.begin("bad.txt", "text/plain", &eicar()).await;
    assert_eq!(ada.put(&opened, &eicar()).await.status, 200);
    let upload_id = id(&opened);
    assert_eq!(ada.finalize(&upload_id).await.status, 202);
    assert_eq!(ada.settled(&upload_id).await["state"], "rejected");

    let (world_ref, bucket) = (&world, &world.stack.ready().buckets.quarantine);
    let key = eventually("only the held copy is left", || async move {
        let keys = world_ref.keys(bucket).await;
        (keys.len() == 1 && keys[0].starts_with("held/")).then(|| keys[0].clone())
    })
    .await;
    let tags = world.s3().get_object_tagging().bucket(bucket).key(&key).send().await.unwrap();
    let tags: Vec<(&str, &str)> = tags.tag_set().iter().map(|tag| (tag.key(), tag.value())).collect();
    for tag in [("tenant-id", "acme"), ("outcome", "malicious"), ("rule", "eicar_test_file")] {
        assert!(tags.contains(&tag), "{tags:?}");
    }
    let bytes = world.s3().get_object().bucket(bucket).key(&key).send().await.unwrap().body.collect().await;
    assert_eq!(sha256(&bytes.unwrap().into_bytes()), sha256(&eicar()));

    // The URL that the uploader still has is for another key, and does not become one for this.
    let url = opened["upload"]["url"].as_str().unwrap();
    let held = url.replace("/quarantine/", "/held/");
    assert_ne!(url, held);
    for request in [world.http.get(&held), world.http.put(&held).body(eicar()), world.http.get(url)] {
        assert_eq!(request.send().await.unwrap().status(), 403);
    }
    assert_eq!(ada.download_url(&upload_id).await.status, 404);
    world.end().await;
}

/// What the registry counts as held of a tenant.
async fn held_bytes(world: &World) -> String {
    world.usage().await["held_bytes"].clone()
}

#[tokio::test]
async fn t02_what_is_held_of_a_tenant_has_a_quota_and_the_oldest_goes_first() {
    let bad = eicar();
    let size = bad.len();
    let world = World::with(&[("MaxHeldBytes", &(size * 2 + 1).to_string())]).await;
    let ada = world.ada();
    let mut ids = Vec::new();
    for number in 0..5 {
        let record = ada.upload(&format!("{number}.txt"), "text/plain", &bad).await;
        assert_eq!(record["state"], "rejected");
        ids.push(id(&record));
    }
    let (world_ref, bucket) = (&world, &world.stack.ready().buckets.quarantine);
    let (newest, ids) = (&ids[3..], &ids);
    eventually("the two newest are held, and nothing else is anywhere", || async move {
        let keys = world_ref.keys(bucket).await;
        let is_held = |id: &&String| keys.iter().any(|key| key.starts_with("held/") && key.ends_with(*id));
        (keys.len() == 2 && newest.iter().filter(is_held).count() == 2).then_some(())
    })
    .await;
    assert_eq!(held_bytes(&world).await, (size * 2).to_string());
    // Nor does a version that is no longer current.
    let versions = world.s3().list_object_versions().bucket(bucket).prefix("held/").send().await.unwrap();
    assert_eq!(versions.versions().len(), 2);

    // What is larger than all room there is has a verdict and is not held.
    let large = [bad.clone(), b" ".repeat(100)].concat();
    let record = ada.upload("large.txt", "text/plain", &large).await;
    assert_eq!(record["verdict"]["outcome"], "malicious", "{record}");
    eventually("it is not held", || async move { (world_ref.keys(bucket).await.len() == 2).then_some(()) })
        .await;
    assert_eq!(held_bytes(&world).await, (size * 2).to_string());

    // When its time is over, it goes and its room is free.
    for id in ids {
        if world.row(id).await.contains_key("held_until") {
            world.amend(id, json!({ "held_until": 1, "due_at": 1 })).await;
        }
    }
    eventually("what was held long enough is gone", || async move {
        world_ref.stack.invoke("sweep-uploads", json!({})).await.unwrap();
        world_ref.keys(bucket).await.is_empty().then_some(())
    })
    .await;
    eventually("its room is free", || async move { (held_bytes(world_ref).await == "0").then_some(()) })
        .await;
    world.end().await;
}
