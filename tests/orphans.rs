//! Bytes in the published bucket that no published object has, because something died at the wrong moment: they are
//! found and removed (T-11).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use airlock_local_access::Principal;
use reqwest::Method;
use serde_json::json;
use support::{World, eicar, eventually, person::id};

const BYTES: &[u8] = b"a line of text\n";

fn function(name: &str) -> Principal {
    Principal::Function(name.to_owned())
}

/// Whether the row waits for a sweep.
async fn is_due(world: &World, id: &str) -> bool {
    world.row(id).await.contains_key("due_at")
}

async fn swept(world: &World) {
    eventually("the bytes are removed", || async move {
        world.stack.invoke("sweep-published", json!({})).await.unwrap();
        world.keys(&world.stack.ready().buckets.published).await.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn t11_what_a_delete_that_died_has_left_is_removed() {
    let world = World::start().await;
    let ada = world.ada();
    let upload_id = ada.hand_in("a.txt", "text/plain", BYTES).await;
    assert_eq!(ada.settled(&upload_id).await["state"], "published");
    let hold = world.stack.access().hold(function("DeleteObject"), "s3:DeleteObject");
    let path = format!("/objects/{upload_id}");
    let kill = async {
        hold.arrived().await;
        world.kill("delete-object");
    };
    let (answer, ()) = tokio::join!(ada.call(Method::DELETE, &path, None), kill);
    assert_eq!(answer.status, 500);
    assert_eq!(ada.download_url(&upload_id).await.status, 404);
    assert_eq!(world.keys(&world.stack.ready().buckets.published).await.len(), 1);
    swept(&world).await;
    let (world_ref, upload_id) = (&world, &upload_id);
    eventually("it waits no more", || async move { (!is_due(world_ref, upload_id).await).then_some(()) })
        .await;
    drop(hold);
    world.end().await;
}

#[tokio::test]
async fn t11_what_a_scan_that_died_behind_its_copy_has_left_is_removed_when_it_is_given_up() {
    let world = World::with(&[("ScanTimeoutSeconds", "15"), ("ScanDeadlineSeconds", "1")]).await;
    let ada = world.ada();
    let hold = world.stack.access().hold(function("ScanUpload"), "dynamodb:TransactWriteItems");
    let upload_id = &ada.hand_in("a.txt", "text/plain", BYTES).await;
    hold.arrived().await;
    world.kill("scan-upload");
    assert_eq!(world.keys(&world.stack.ready().buckets.published).await.len(), 1);
    let (world_ref, ada) = (&world, &ada);
    eventually("the sweep gives up", || async move {
        world_ref.stack.invoke("sweep-uploads", json!({})).await.unwrap();
        let record = ada.get(&format!("/uploads/{upload_id}")).await.json();
        (record["state"] == "failed").then_some(())
    })
    .await;
    assert!(is_due(&world, upload_id).await);
    swept(&world).await;
    eventually("it waits no more", || async move { (!is_due(world_ref, upload_id).await).then_some(()) })
        .await;
    drop(hold);
    world.end().await;
}

#[tokio::test]
async fn t11_what_a_scan_that_died_has_left_in_quarantine_is_removed_though_its_object_was_deleted_meanwhile()
{
    let world = World::with(&[("ScanTimeoutSeconds", "15"), ("ScanVisibilitySeconds", "1")]).await;
    let ada = world.ada();
    let hold = world.stack.access().hold(function("ScanUpload"), "s3:PutObject");
    let upload_id = ada.hand_in("a.txt", "text/plain", BYTES).await;
    hold.arrived().await;
    world.kill("scan-upload");
    assert_eq!(ada.call(Method::DELETE, &format!("/objects/{upload_id}"), None).await.status, 204);
    assert_eq!(world.keys(&world.stack.ready().buckets.quarantine).await.len(), 1);
    drop(hold);
    let (world_ref, quarantine) = (&world, &world.stack.ready().buckets.quarantine);
    eventually("the message comes again, and its bytes go", || async move {
        world_ref.keys(quarantine).await.is_empty().then_some(())
    })
    .await;
    world.queue_is_empty().await;
    world.end().await;
}

#[tokio::test]
async fn t11_what_was_uploaded_goes_though_the_sweep_dies_when_it_has_ended_the_upload() {
    let world = World::start().await;
    let ada = world.ada();
    let opened = ada.begin("a.txt", "text/plain", BYTES).await;
    assert_eq!(ada.put(&opened, BYTES).await.status, 200);
    let upload_id = &id(&opened);
    world.amend(upload_id, json!({ "expires_at": 1, "due_at": 1 })).await;
    let hold = world.stack.access().hold(function("SweepUploads"), "s3:HeadObject");
    let killed = async {
        hold.arrived().await;
        world.kill("sweep-uploads");
    };
    let (answer, ()) = tokio::join!(world.stack.invoke("sweep-uploads", json!({})), killed);
    assert!(answer.is_err(), "{answer:?}");
    drop(hold);
    assert_eq!(ada.get(&format!("/uploads/{upload_id}")).await.json()["state"], "expired");

    let (world_ref, quarantine) = (&world, &world.stack.ready().buckets.quarantine);
    eventually("the next sweep removes it", || async move {
        world_ref.stack.invoke("sweep-uploads", json!({})).await.unwrap();
        world_ref.keys(quarantine).await.is_empty().then_some(())
    })
    .await;
    assert!(!is_due(&world, upload_id).await);
    world.end().await;
}

#[tokio::test]
async fn t11_what_a_dead_scan_left_where_objects_are_held_goes_with_what_is_held() {
    let world = World::with(&[("ScanTimeoutSeconds", "15"), ("ScanVisibilitySeconds", "1")]).await;
    let ada = world.ada();
    let hold = world.stack.access().hold(function("ScanUpload"), "s3:CopyObject");
    let upload_id = &ada.hand_in("a.txt", "text/plain", &eicar()).await;
    hold.arrived().await;
    world.kill("scan-upload");
    drop(hold);
    // The call of the dead one makes its copy all the same. The next delivery holds one of its own.
    assert_eq!(ada.settled(upload_id).await["state"], "rejected");
    world.queue_is_empty().await;
    let (world_ref, quarantine) = (&world, &world.stack.ready().buckets.quarantine);
    assert_eq!(world.keys(quarantine).await.len(), 1);
    let versions = world.s3().list_object_versions().bucket(quarantine).prefix("held/").send().await.unwrap();
    assert_eq!(versions.versions().len(), 2);
    world.amend(upload_id, json!({ "held_until": 1, "due_at": 1, "due_shard": "0" })).await;
    eventually("neither copy is there", || async move {
        world_ref.stack.invoke("sweep-uploads", json!({})).await.unwrap();
        world_ref.keys(quarantine).await.is_empty().then_some(())
    })
    .await;
    world.end().await;
}
