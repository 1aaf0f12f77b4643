//! The way of a file through the pipeline, in and out again, over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use airlock_engine::EngineKind;
use reqwest::Method;
use serde_json::Value;
use support::{World, eicar, person::sha256, sample};

/// A valid file of every type that is allowed by default.
const FILES: [(&str, &str); 28] = [
    ("sample.png", "image/png"),
    ("sample.jpg", "image/jpeg"),
    ("sample.gif", "image/gif"),
    ("sample.webp", "image/webp"),
    ("sample.avif", "image/avif"),
    ("sample.pdf", "application/pdf"),
    ("sample.txt", "text/plain"),
    ("sample.csv", "text/csv"),
    ("sample.md", "text/markdown"),
    ("sample.json", "application/json"),
    ("sample.xml", "application/xml"),
    ("sample.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("sample.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("sample.pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("sample.odt", "application/vnd.oasis.opendocument.text"),
    ("sample.ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("sample.odp", "application/vnd.oasis.opendocument.presentation"),
    ("sample.zip", "application/zip"),
    ("sample.gz", "application/gzip"),
    ("sample.tar", "application/x-tar"),
    ("sample.7z", "application/x-7z-compressed"),
    ("sample.mp3", "audio/mpeg"),
    ("sample.wav", "audio/wav"),
    ("sample.ogg", "audio/ogg"),
    ("sample.flac", "audio/flac"),
    ("sample.mp4", "video/mp4"),
    ("sample.webm", "video/webm"),
    ("sample.mov", "video/quicktime"),
];

#[tokio::test]
async fn c07_c11_a_file_comes_back_as_it_went_in_under_its_own_name() {
    let world = World::start().await;
    let ada = world.ada();
    let bytes = sample("sample.pdf");

    let record = ada.upload("naïve “résumé”.pdf", "application/pdf", &bytes).await;
    assert_eq!(record["state"], "published", "{record}");
    assert_eq!(record["verdict"]["outcome"], "clean");
    assert_eq!(record["verdict"]["detected_type"], "application/pdf");
    assert_eq!(record["sha256"], sha256(&bytes));

    let response = ada.download(record["upload_id"].as_str().unwrap()).await;
    assert_eq!(response.status(), 200);
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/pdf");
    assert_eq!(header("cache-control"), "private, no-store");
    assert_eq!(
        header("content-disposition"),
        "attachment; filename=\"na_ve _r_sum__.pdf\"; \
         filename*=UTF-8''na%C3%AFve%20%E2%80%9Cr%C3%A9sum%C3%A9%E2%80%9D.pdf"
    );
    assert_eq!(sha256(&response.bytes().await.unwrap()), sha256(&bytes));
    assert_eq!(world.keys(&world.stack.ready().buckets.quarantine).await, Vec::<String>::new());
    world.end().await;
}

#[tokio::test]
async fn c09_a_file_of_every_allowed_type_is_published_by_each_engine() {
    for engine in EngineKind::AVAILABLE {
        let world = World::with(&[("ScanEngine", engine.name())]).await;
        let ada = world.ada();
        for (name, content_type) in FILES {
            let record = ada.upload(name, content_type, &sample(name)).await;
            assert_eq!(record["state"], "published", "{record}");
            assert_eq!(record["verdict"]["detected_type"], content_type);
        }
        world.end().await;
    }
}

#[tokio::test]
async fn c07_malware_is_rejected_by_each_engine_and_never_served() {
    for engine in EngineKind::AVAILABLE {
        let world = World::with(&[("ScanEngine", engine.name())]).await;
        let ada = world.ada();
        let record = ada.upload("harmless.txt", "text/plain", &eicar()).await;
        assert_eq!(record["state"], "rejected", "{record}");
        assert_eq!(record["verdict"]["outcome"], "malicious");
        assert!(!record["verdict"]["matches"].as_array().unwrap().is_empty());
        let id = record["upload_id"].as_str().unwrap();
        assert_eq!(ada.download_url(id).await.refusal(), (404, "not_found".to_owned()));
        assert_eq!(ada.get(&format!("/objects/{id}")).await.status, 404);
        assert_eq!(ada.finalize(id).await.json()["state"], "rejected");
        assert_eq!(world.keys(&world.stack.ready().buckets.published).await, Vec::<String>::new());
        world.end().await;
    }
}

#[tokio::test]
async fn c09_a_file_that_is_not_what_it_claims_is_rejected_with_the_reason() {
    let world = World::start().await;
    let ada = world.ada();
    for (name, content_type, file) in [
        ("a.png", "image/png", "sample.jpg"),
        ("a.pdf", "application/pdf", "sample.zip"),
        ("a.docx", FILES[11].1, "sample.xlsx"),
        ("a.exe", "image/png", "sample.png"),
    ] {
        let record = ada.upload(name, content_type, &sample(file)).await;
        assert_eq!(
            (&record["state"], &record["verdict"]["outcome"]),
            (&"rejected".into(), &"mismatch".into())
        );
        let reason = record["verdict"]["reason"].as_str().unwrap();
        assert!(reason.contains(content_type), "{reason}");
    }
    world.end().await;
}

#[tokio::test]
async fn objects_are_listed_newest_first_and_gone_when_deleted() {
    let world = World::start().await;
    let ada = world.ada();
    let mut ids = Vec::new();
    for number in 0..5 {
        let text = format!("file {number}\n");
        let record = ada.upload(&format!("{number}.txt"), "text/plain", text.as_bytes()).await;
        ids.insert(0, record["upload_id"].as_str().unwrap().to_owned());
    }
    ada.upload("eicar.txt", "text/plain", &eicar()).await;
    world.person("globex", "bob").upload("other.txt", "text/plain", b"another tenant's\n").await;
    let listed = |page: &Value| -> Vec<String> {
        let objects = page["objects"].as_array().unwrap().iter();
        objects.map(|object| object["object_id"].as_str().unwrap().to_owned()).collect()
    };

    let mut pages = Vec::new();
    let mut path = "/objects?limit=2".to_owned();
    loop {
        let page = ada.get(&path).await.json();
        pages.extend(listed(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/objects?limit=2&cursor={cursor}");
    }
    assert_eq!(pages, ids);

    let path = format!("/objects/{}", ids[2]);
    assert_eq!(ada.get(&path).await.json()["file_name"], "2.txt");
    assert_eq!(ada.call(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(ada.download_url(&ids[2]).await.status, 404);
    assert_eq!(ada.get(&path).await.status, 404);
    assert_eq!(ada.get(&format!("/uploads/{}", ids[2])).await.status, 404);
    assert_eq!(ada.call(Method::DELETE, &path, None).await.status, 404);
    ids.remove(2);
    assert_eq!(listed(&ada.get("/objects").await.json()), ids);
    assert_eq!(world.keys(&world.stack.ready().buckets.published).await.len(), 5);
    world.end().await;
}
