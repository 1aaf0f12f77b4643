//! The HTTP contract: who may do what, and the exact errors that callers program against.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod answers;
mod statuses;
#[path = "../support/mod.rs"]
mod support;

use reqwest::Method;
use serde_json::json;
use support::{
    World,
    person::{Answer, id},
};

const BYTES: &[u8] = b"a line of text\n";

#[tokio::test]
async fn c01_a_body_can_name_nothing_but_what_the_contract_has() {
    let world = World::start().await;
    let ada = world.ada();
    let object = id(&ada.upload("a.txt", "text/plain", BYTES).await);
    for field in ["key", "bucket", "path", "tenant_id", "user_id", "upload_id", "anything"] {
        let body = json!({
            "file_name": "a.txt", "content_type": "text/plain", "size": 1, field: "published/x"
        });
        let answer = ada.post("/uploads", body).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{field}");
        assert_eq!(answer.json()["errors"][0]["field"], field);
        let answer = ada.post(&format!("/objects/{object}/download-url"), json!({ field: "x" })).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{field}");
        assert_eq!(answer.json()["errors"][0]["field"], field);
    }
    world.end().await;
}

#[tokio::test]
async fn c01_what_is_no_id_is_404_without_a_look_up() {
    let world = World::start().await;
    let ada = world.ada();
    for id in ["x", "..%2f..%2fetc", "00000000-0000-0000-0000-000000000000", "%00", "a%23b"] {
        for (method, path) in [
            (Method::GET, format!("/uploads/{id}")),
            (Method::POST, format!("/uploads/{id}/finalize")),
            (Method::GET, format!("/objects/{id}")),
            (Method::DELETE, format!("/objects/{id}")),
            (Method::POST, format!("/objects/{id}/download-url")),
        ] {
            let answer = ada.call(method, &path, None).await;
            assert_eq!(answer.refusal(), (404, "not_found".to_owned()), "{path}");
        }
    }
    for function in ["GetUpload", "FinalizeUpload", "GetObject", "DeleteObject", "CreateDownloadUrl"] {
        assert_eq!(world.calls_of(function), Vec::<String>::new());
    }
    world.end().await;
}

#[tokio::test]
async fn c02_c03_another_tenants_object_does_not_exist_to_the_byte_and_to_the_call() {
    let world = World::start().await;
    let (ada, bob) = (world.ada(), world.person("globex", "bob"));
    let theirs = id(&ada.upload("a.txt", "text/plain", BYTES).await);
    let pending = id(&ada.begin("b.txt", "text/plain", BYTES).await);
    let nobodys = theirs.replace(&theirs[28..], "000000000000")[..36].to_owned();
    let forged = format!("?tenant_id=acme&object_id={theirs}");
    for (method, path, function) in [
        (Method::GET, "/uploads/ID", "GetUpload"),
        (Method::POST, "/uploads/ID/finalize", "FinalizeUpload"),
        (Method::GET, "/objects/ID", "GetObject"),
        (Method::POST, "/objects/ID/download-url", "CreateDownloadUrl"),
        (Method::DELETE, "/objects/ID", "DeleteObject"),
    ] {
        let mut seen = Vec::new();
        for id in [&theirs, &pending, &nobodys] {
            let before = world.calls_of(function).len();
            let url = format!("{}{}{forged}", world.stack.ready().api, path.replace("ID", id));
            let request = world.http.request(method.clone(), url).bearer_auth(&bob.token);
            let request = request.header("x-tenant-id", "acme").header("x-amzn-oidc-identity", "ada");
            let answer = Answer::of(request.send().await.unwrap()).await;
            let mut headers = answer.headers.clone();
            for varying in ["date", "apigw-requestid"] {
                headers.remove(varying);
            }
            let mut headers: Vec<String> =
                headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
            headers.sort();
            seen.push((answer.status, headers, answer.text, world.calls_of(function)[before..].to_vec()));
        }
        assert_eq!(seen[0].0, 404, "{path}");
        assert_eq!(seen[0], seen[2], "published against not there: {path}");
        assert_eq!(seen[1], seen[2], "pending against not there: {path}");
    }
    assert_eq!(bob.get("/objects").await.json()["objects"], json!([]));
    let cursor = bob.get(&format!("/objects?cursor={theirs}")).await;
    assert_eq!(cursor.json(), json!({ "objects": [], "next_cursor": null }));
    assert_eq!(ada.get(&format!("/objects/{theirs}")).await.status, 200);
    world.end().await;
}

#[tokio::test]
async fn an_idempotency_key_creates_one_upload_and_only_for_one_body() {
    let world = World::start().await;
    let ada = world.ada();
    let send = async |key: &str, size: u64, token: &str| {
        let body = json!({ "file_name": "a.txt", "content_type": "text/plain", "size": size });
        let request = world.http.post(format!("{}/uploads", world.stack.ready().api)).bearer_auth(token);
        Answer::of(request.header("idempotency-key", key).json(&body).send().await.unwrap()).await
    };
    let first = send("k1", 15, &ada.token).await;
    assert_eq!(first.status, 201);
    let again = send("k1", 15, &ada.token).await;
    assert_eq!((again.status.as_u16(), id(&again.json())), (201, id(&first.json())));
    assert_eq!(ada.put(&again.json(), BYTES).await.status, 200, "the answer to a retry can be used");
    assert_eq!(send("k1", 16, &ada.token).await.refusal(), (422, "idempotency_key_reused".to_owned()));
    assert_ne!(id(&send("k2", 15, &ada.token).await.json()), id(&first.json()));
    for other in [world.person("globex", "bob"), world.person("acme", "eve")] {
        let theirs = send("k1", 15, &other.token).await;
        assert_eq!(theirs.status, 201);
        assert_ne!(id(&theirs.json()), id(&first.json()), "keys are a user's own");
    }
    assert_eq!(send(&"k".repeat(256), 15, &ada.token).await.status, 400);

    ada.finalize(&id(&first.json())).await;
    ada.settled(&id(&first.json())).await;
    let late = send("k1", 15, &ada.token).await;
    assert_eq!((late.status.as_u16(), late.json()["state"].as_str()), (200, Some("published")));
    assert!(late.json().get("upload").is_none());
    world.end().await;
}

#[tokio::test]
async fn an_idempotency_key_holds_when_its_requests_race() {
    let world = World::start().await;
    let token = &world.ada().token;
    let body = &json!({ "file_name": "a.txt", "content_type": "text/plain", "size": 15 });
    let send = || async {
        let request = world.http.post(format!("{}/uploads", world.stack.ready().api)).bearer_auth(token);
        Answer::of(request.header("idempotency-key", "k").json(body).send().await.unwrap()).await
    };
    let answers = futures::future::join_all((0..8).map(|_| send())).await;
    let ids: std::collections::BTreeSet<String> =
        answers.iter().filter(|answer| answer.status == 201).map(|answer| id(&answer.json())).collect();
    assert_eq!(ids.len(), 1);
    assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 201 | 503)), "{answers:?}");
    world.end().await;
}

#[tokio::test]
async fn t02_quotas_are_counted_and_given_back() {
    let world = World::with(&[("MaxPendingUploads", "2"), ("MaxStoredBytes", "100")]).await;
    let ada = world.ada();
    let begin = async |size: u64| {
        ada.post("/uploads", json!({ "file_name": "a.txt", "content_type": "text/plain", "size": size }))
            .await
    };
    assert_eq!(begin(101).await.refusal(), (413, "too_large".to_owned()), "waiting does not help it");
    let first = ada.begin("a.txt", "text/plain", BYTES).await;
    assert_eq!(begin(15).await.status, 201);
    let third = begin(15).await;
    assert_eq!(third.refusal(), (429, "quota_exceeded".to_owned()));
    assert!(third.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(world.person("globex", "bob").begin("a.txt", "text/plain", BYTES).await["state"], "pending");

    // A finished upload gives its place back, and keeps its bytes until it is deleted.
    assert_eq!(ada.put(&first, BYTES).await.status, 200);
    ada.finalize(&id(&first)).await;
    assert_eq!(ada.settled(&id(&first)).await["state"], "published");
    assert_eq!(begin(71).await.refusal(), (429, "quota_exceeded".to_owned()));
    assert_eq!(ada.call(Method::DELETE, &format!("/objects/{}", id(&first)), None).await.status, 204);
    assert_eq!(begin(71).await.status, 201);
    world.end().await;
}

#[tokio::test]
async fn t02_the_rate_of_new_uploads_is_bounded() {
    let world = World::with(&[("MaxUploadsPerMinute", "3")]).await;
    let ada = world.ada();
    let mut refused = None;
    // The minute may turn once meanwhile.
    for _ in 0..7 {
        let body = json!({ "file_name": "a.txt", "content_type": "text/plain", "size": 15 });
        let answer = ada.post("/uploads", body).await;
        if answer.status != 201 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("the rate is never reached");
    assert_eq!(refused.refusal(), (429, "quota_exceeded".to_owned()));
    let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    world.end().await;
}

#[tokio::test]
async fn c08_finalize_refuses_what_is_not_what_was_declared() {
    let world = World::start().await;
    let ada = world.ada();
    let quarantine = &world.stack.ready().buckets.quarantine;
    // Whoever can write quarantine around the signature: an operator, or a bug.
    for (bytes, content_type, field) in [
        (&b"a longer line of text\n"[..], "text/plain", "size"),
        (BYTES, "text/csv", "content_type"),
        (b"a line of TEXT\n", "text/plain", "sha256"),
    ] {
        let opened = ada.begin("a.txt", "text/plain", BYTES).await;
        let url = reqwest::Url::parse(opened["upload"]["url"].as_str().unwrap()).unwrap();
        let key = url.path().trim_start_matches('/').split_once('/').unwrap().1;
        let put = world.s3().put_object().bucket(quarantine).key(key).if_none_match("*");
        put.content_type(content_type)
            .checksum_algorithm(aws_sdk_s3::types::ChecksumAlgorithm::Sha256)
            .body(bytes.to_vec().into())
            .send()
            .await
            .unwrap();
        let answer = ada.finalize(&id(&opened)).await;
        assert_eq!(answer.refusal(), (422, "mismatch".to_owned()));
        assert_eq!(answer.json()["errors"][0]["field"], field);
        let record = ada.get(&format!("/uploads/{}", id(&opened))).await.json();
        assert_eq!(
            (&record["state"], &record["verdict"]["outcome"]),
            (&json!("rejected"), &json!("mismatch"))
        );
    }
    world.end().await;
}
