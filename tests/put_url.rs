//! What the pre-signed PUT is bound to: with the URL in hand, S3 refuses everything but the one
//! upload that was declared (C-04, C-05, T-01, T-02, T-07).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use reqwest::{RequestBuilder, StatusCode, Url};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::{
    World, eicar, eventually,
    person::{Answer, Person, id},
};

const BYTES: &[u8] = b"exactly these bytes\n";

/// A PUT with the signed headers, some changed or left out.
fn put(ada: &Person<'_>, opened: &Value, url: &str, changes: &[(&str, Option<&str>)]) -> RequestBuilder {
    let signed = opened["upload"]["headers"].as_object().unwrap();
    let mut headers: BTreeMap<&str, &str> =
        signed.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    for (name, value) in changes {
        match value {
            Some(value) => headers.insert(name, value),
            None => headers.remove(name),
        };
    }
    let request = ada.world.http.put(url);
    headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
}

async fn refused(request: RequestBuilder, body: &[u8]) -> (StatusCode, String) {
    let answer = Answer::of(request.body(body.to_vec()).send().await.unwrap()).await;
    let code = answer.text.split("<Code>").nth(1).and_then(|rest| rest.split("</Code>").next());
    (answer.status, code.unwrap_or_default().to_owned())
}

fn forbidden(code: &str) -> (StatusCode, String) {
    (StatusCode::FORBIDDEN, code.to_owned())
}

#[tokio::test]
async fn c05_s3_refuses_whatever_differs_from_the_declaration() {
    let world = World::start().await;
    let ada = world.ada();
    let opened = ada.begin("a.txt", "text/plain", BYTES).await;
    let url = opened["upload"]["url"].as_str().unwrap();
    let mismatch = forbidden("SignatureDoesNotMatch");

    // Other length, other type, other checksum.
    assert_eq!(refused(put(&ada, &opened, url, &[]), b"longer than these bytes are\n").await, mismatch);
    let other_type = put(&ada, &opened, url, &[("content-type", Some("text/html"))]);
    assert_eq!(refused(other_type, BYTES).await, mismatch);
    let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let other_sum = put(&ada, &opened, url, &[("x-amz-checksum-sha256", Some(zeros))]);
    assert_eq!(refused(other_sum, BYTES).await, mismatch);
    // Same length, other bytes: the signature fits, the checksum does not.
    let other_bytes = refused(put(&ada, &opened, url, &[]), b"exactly those bytes\n").await;
    assert_eq!(other_bytes, (StatusCode::BAD_REQUEST, "BadDigest".to_owned()));
    // Every signed header, missing.
    for name in opened["upload"]["headers"].as_object().unwrap().keys() {
        let (status, code) = refused(put(&ada, &opened, url, &[(name, None)]), BYTES).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "without {name}: {code}");
    }
    // A header more.
    let tagged = put(&ada, &opened, url, &[("x-amz-tagging", Some("scanned=clean"))]);
    assert_eq!(refused(tagged, BYTES).await, forbidden("AccessDenied"));

    // Nothing of all that is there, and the right upload still works: once.
    assert_eq!(world.keys(&world.stack.ready().buckets.quarantine).await, Vec::<String>::new());
    assert_eq!(ada.put(&opened, BYTES).await.status, 200);
    let again = refused(put(&ada, &opened, url, &[]), BYTES).await;
    assert_eq!(again, (StatusCode::PRECONDITION_FAILED, "PreconditionFailed".to_owned()));
    world.end().await;
}

#[tokio::test]
async fn c05_one_exact_key_is_signed() {
    let world = World::start().await;
    let ada = world.ada();
    let opened = ada.begin("a.txt", "text/plain", BYTES).await;
    let url = Url::parse(opened["upload"]["url"].as_str().unwrap()).unwrap();
    let path = url.path().to_owned();
    let other_last = if path.ends_with('0') { '1' } else { '0' };
    for other in [
        format!("{}{other_last}", &path[..path.len() - 1]),
        path.replace("/acme/", "/globex/"),
        format!("{path}/x"),
        path.replace("-quarantine-", "-published-"),
    ] {
        let mut changed = url.clone();
        changed.set_path(&other);
        let (status, code) = refused(put(&ada, &opened, changed.as_str(), &[]), BYTES).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{other}: {code}");
    }
    // Nor does the URL read, delete or list.
    for request in [world.http.get(url.clone()), world.http.head(url.clone()), world.http.delete(url.clone())]
    {
        assert_eq!(request.send().await.unwrap().status(), 403);
    }
    // And without a signature there is nothing.
    let mut unsigned = url.clone();
    unsigned.set_query(None);
    assert_eq!(refused(put(&ada, &opened, unsigned.as_str(), &[]), BYTES).await, forbidden("AccessDenied"));
    assert_eq!(world.keys(&world.stack.ready().buckets.quarantine).await, Vec::<String>::new());
    world.end().await;
}

#[tokio::test]
async fn c04_a_put_url_lives_two_minutes_and_an_expired_one_is_refused() {
    let world = World::start().await;
    let opened = world.ada().begin("a.txt", "text/plain", BYTES).await;
    let url = Url::parse(opened["upload"]["url"].as_str().unwrap()).unwrap();
    let lives = url.query_pairs().find(|(name, _)| name == "X-Amz-Expires").unwrap().1.into_owned();
    assert_eq!(lives, "120");
    world.end().await;

    let world = World::with(&[("UploadUrlTtlSeconds", "1")]).await;
    let ada = world.ada();
    let opened = &ada.begin("a.txt", "text/plain", BYTES).await;
    let ada = &ada;
    // Wrong bytes do no harm while the URL lives, and show when it has died.
    eventually("the URL expires", || async move {
        let url = opened["upload"]["url"].as_str().unwrap();
        let answer = refused(put(ada, opened, url, &[]), b"exactly those bytes\n").await;
        (answer == forbidden("AccessDenied")).then_some(())
    })
    .await;
    assert_eq!(ada.put(opened, BYTES).await.status, 403);
    world.end().await;
}

#[tokio::test]
async fn t01_a_url_works_once_for_all_of_its_life_however_its_upload_ends() {
    let world = World::with(&[("UploadSessionTtlSeconds", "3")]).await;
    let ada = world.ada();
    let bad = eicar();
    let twice = (StatusCode::PRECONDITION_FAILED, "PreconditionFailed".to_owned());
    for (bytes, end) in [(BYTES, "published"), (&bad[..], "rejected"), (BYTES, "expired")] {
        let opened = ada.begin("a.txt", "text/plain", bytes).await;
        let url = opened["upload"]["url"].as_str().unwrap();
        assert_eq!(ada.put(&opened, bytes).await.status, 200);
        let upload_id = &id(&opened);
        if end == "expired" {
            let world = &world;
            eventually("the sweep expires it", || async move {
                let swept = world.stack.invoke("sweep-uploads", serde_json::json!({})).await.unwrap();
                (swept["expired"] == 1).then_some(())
            })
            .await;
        } else {
            assert_eq!(ada.finalize(upload_id).await.status, 202);
        }
        assert_eq!(ada.settled(upload_id).await["state"], end);
        // While the original is removed and for as long as the URL lives.
        let (world_ref, key) = (&world, &format!("/{upload_id}"));
        eventually("the original is removed", || async {
            let again = refused(put(&ada, &opened, url, &[]), bytes).await;
            assert!(again == twice || again.0 == StatusCode::FORBIDDEN, "{end}: {again:?}");
            let keys = world_ref.keys(&world_ref.stack.ready().buckets.quarantine).await;
            let is_there = |name: &&String| name.starts_with("quarantine/") && name.ends_with(key);
            keys.iter().find(is_there).is_none().then_some(())
        })
        .await;
        assert_ne!(refused(put(&ada, &opened, url, &[]), bytes).await.0, StatusCode::OK, "{end}");
        // No version of it is left either.
        let versions = world.s3().list_object_versions().bucket(&world.stack.ready().buckets.quarantine);
        let versions = versions.prefix("quarantine/").send().await.unwrap();
        let sizes = versions.versions().iter().filter(|version| version.key().unwrap().ends_with(key));
        assert_eq!(sizes.map(|version| version.size()).collect::<Vec<_>>(), [Some(0)], "{end}");
    }
    world.end().await;
}

#[tokio::test]
async fn t01_a_write_that_no_pending_upload_explains_is_taken_back_and_its_key_closed() {
    let world = World::start().await;
    let ada = world.ada();
    let opened = ada.begin("a.txt", "text/plain", BYTES).await;
    let upload_id = id(&opened);
    // An upload that has ended without one: its row says so, its URL lives on.
    world.amend(&upload_id, json!({ "state": "expired" })).await;
    assert_eq!(ada.put(&opened, BYTES).await.status, 200);
    let (world_ref, quarantine) = (&world, &world.stack.ready().buckets.quarantine);
    eventually("the watcher deletes what was put", || async move {
        let deleted = world_ref.calls_of("WatchQuarantine").contains(&"s3:DeleteObject".to_owned());
        (deleted && world_ref.keys(quarantine).await.is_empty()).then_some(())
    })
    .await;
    assert_eq!(ada.put(&opened, BYTES).await.status, 412);
    world.end().await;
}
