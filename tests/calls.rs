//! What a request costs in AWS calls: the table of ARCHITECTURE.md, counted.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use reqwest::Method;
use std::collections::BTreeMap;
use support::{World, eventually, person::id, sample};

/// The table of ARCHITECTURE.md: function, then its calls in order.
fn documented() -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/ARCHITECTURE.md")).unwrap();
    let section = text.split("<!-- calls -->").nth(1).expect("ARCHITECTURE.md has the table of calls");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let calls = cells[2].split(", ").filter(|call| !call.is_empty());
        (cells[1].trim_matches('`').to_owned(), calls.map(|call| call.trim_matches('`').to_owned()).collect())
    })
    .collect()
}

#[tokio::test]
async fn every_request_makes_the_calls_of_the_table_and_no_more() {
    let world = World::start().await;
    let ada = world.ada();
    let bytes = sample("sample.png");
    let upload_id = ada.hand_in("a.png", "image/png", &bytes).await;
    assert_eq!(ada.settled(&upload_id).await["state"], "published");
    assert_eq!(ada.download(&upload_id).await.status(), 200);
    let object = format!("/objects/{upload_id}");
    assert_eq!(ada.get(&object).await.status, 200);
    assert_eq!(ada.get("/objects").await.status, 200);
    let documented = documented();
    let world_ref = &world;
    eventually("quarantine is cleared and its watcher has looked", || async move {
        let cleared = world_ref.calls_of("ScanUpload").contains(&"s3:DeleteObject".to_owned());
        (cleared && !world_ref.calls_of("WatchQuarantine").is_empty()).then_some(())
    })
    .await;
    assert_eq!(ada.call(Method::DELETE, &object, None).await.status, 204);

    let made = |function: &str| world.calls_of(function);
    let lone = world_ref.person("acme", "lone");
    let before = made("GetUpload").len();
    assert_eq!(
        lone.get(&format!("/uploads/{}", id(&ada.begin("b.png", "image/png", &bytes).await))).await.status,
        200
    );
    assert_eq!(made("GetUpload")[before..], documented["get-upload"]);

    for (function, name) in [
        ("FinalizeUpload", "finalize-upload"),
        ("ScanUpload", "scan-upload"),
        ("CreateDownloadUrl", "create-download-url"),
        ("GetObject", "get-object"),
        ("ListObjects", "list-objects"),
        ("DeleteObject", "delete-object"),
        ("WatchQuarantine", "watch-quarantine"),
    ] {
        assert_eq!(made(function), documented[name], "{name}");
    }
    // Two uploads were opened.
    assert_eq!(made("CreateUpload"), [&documented["create-upload"][..]; 2].concat());
    assert_eq!(documented.len(), 9, "the table has a row for each function on the way of an upload");
    world.end().await;
}
