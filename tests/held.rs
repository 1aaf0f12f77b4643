//! What was not accepted is kept for those who look into it, and no client reaches it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

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
