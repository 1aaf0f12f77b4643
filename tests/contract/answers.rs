//! Answers as clients see them, good and bad.

use super::{
    BYTES,
    support::{
        World,
        person::{Answer, id, sha256},
    },
};
use insta::{assert_json_snapshot, assert_snapshot};
use serde_json::{Value, json};

/// A problem, one line for each of its sentences.
fn shown(answer: &Answer) -> String {
    let problem = answer.json();
    let errors = problem["errors"].as_array().into_iter().flatten();
    let errors = errors.map(|error| format!("\n- {}: {}", text(&error["field"]), text(&error["detail"])));
    let (code, detail) = (text(&problem["code"]), text(&problem["detail"]));
    format!("{} {code}\n{detail}{}", answer.status.as_u16(), errors.collect::<String>())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn errors_are_problems_with_a_code_and_name_the_field() {
    let world =
        World::with(&[("MaxUploadBytes", "1000"), ("AllowedTypes", "text/plain,application/pdf")]).await;
    let ada = world.ada();
    let refused = async |changes: Value| {
        let mut body = json!({ "file_name": "a.txt", "content_type": "text/plain", "size": 15 });
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        shown(&ada.post("/uploads", body).await)
    };
    assert_snapshot!(refused(json!({ "size": 0, "file_name": "../a", "sha256": 7 })).await, @"
    400 invalid_request
    file_name: must be a name, not a path (and 2 more; see errors)
    - file_name: must be a name, not a path
    - size: must be at least 1: an empty file can't be uploaded
    - sha256: must be a string
    ");
    assert_snapshot!(refused(json!({ "content_type": format!("text/plain; a={}", "b".repeat(255)) })).await, @"
    400 invalid_request
    content_type: must be 1 to 255 bytes long
    - content_type: must be 1 to 255 bytes long
    ");
    assert_snapshot!(refused(json!({ "size": 1001 })).await, @"
    413 too_large
    size: 1001 bytes are too many for text/plain; 1000 are allowed
    - size: 1001 bytes are too many for text/plain; 1000 are allowed
    ");
    assert_snapshot!(refused(json!({ "content_type": "text/html" })).await, @"
    415 type_not_allowed
    content_type: text/html can't be uploaded here; allowed are application/pdf, text/plain
    - content_type: text/html can't be uploaded here; allowed are application/pdf, text/plain
    ");
    let whole = ada.post("/uploads", json!([])).await;
    assert_snapshot!(whole.headers["content-type"].to_str().unwrap(), @"application/problem+json");
    assert_snapshot!(whole.text, @r#"{"code":"malformed_body","detail":"the body must be one JSON object; this one is another value","status":400,"title":"Bad Request","type":"about:blank"}"#);
    assert_snapshot!(shown(&ada.get("/objects?limit=0").await), @"
    400 invalid_request
    limit: must be a number within 1 to 200
    - limit: must be a number within 1 to 200
    ");
    assert_snapshot!(shown(&ada.get("/objects?cursor=x").await), @"
    400 bad_cursor
    cursor: must be the next_cursor of an earlier page
    - cursor: must be the next_cursor of an earlier page
    ");
    assert_snapshot!(shown(&ada.get("/objects?page=2").await), @"
    400 invalid_request
    page: is not a parameter of this request
    - page: is not a parameter of this request
    ");

    let opened = ada.begin("a.txt", "text/plain", BYTES).await;
    assert_snapshot!(shown(&ada.finalize(&id(&opened)).await), @"
    409 not_uploaded
    nothing was uploaded yet; PUT the file first, then finalize
    ");
    let record = ada.upload("a.txt", "text/plain", BYTES).await;
    let path = format!("/objects/{}/download-url", id(&record));
    assert_snapshot!(shown(&ada.post(&path, json!({ "ttl_seconds": 301 })).await), @"
    400 invalid_request
    ttl_seconds: must be within 60 to 300
    - ttl_seconds: must be within 60 to 300
    ");
    assert_snapshot!(shown(&ada.post(&path, json!({ "disposition": "inline" })).await), @"
    409 no_safe_rendition
    disposition: no rendition of this object is safe to show inline; ask for an attachment
    - disposition: no rendition of this object is safe to show inline; ask for an attachment
    ");
    world.end().await;
}

#[tokio::test]
async fn the_answers_are_what_openapi_yaml_says() {
    let world = World::start().await;
    let ada = world.ada();
    let body = json!({
        "file_name": "a.txt", "content_type": "text/plain", "size": BYTES.len(), "sha256": sha256(BYTES)
    });
    let opened = ada.post("/uploads", body).await;
    assert_eq!(opened.headers["location"].to_str().unwrap(), format!("/uploads/{}", id(&opened.json())));
    let opened = opened.json();
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[id]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[time]");
    settings.add_filter(r#""rules": "[0-9a-f]{64}""#, r#""rules": "[hash]""#);
    settings.add_filter(r"http://[^\x22]+", "[url]");
    let _guard = settings.bind_to_scope();
    assert_json_snapshot!(opened, @r#"
    {
      "expires_at": "[time]",
      "state": "pending",
      "upload": {
        "headers": {
          "content-type": "text/plain",
          "if-none-match": "*",
          "x-amz-checksum-sha256": "dBri53YK0qH4VthAl0oMt0ihWZoW266WSJgMcY208r4=",
          "x-amz-meta-tenant-id": "acme",
          "x-amz-meta-upload-id": "[id]"
        },
        "method": "PUT",
        "url": "[url]"
      },
      "upload_id": "[id]"
    }
    "#);
    assert_eq!(ada.put(&opened, BYTES).await.status, 200);
    assert_json_snapshot!(ada.finalize(&id(&opened)).await.json(), @r#"
    {
      "state": "scanning",
      "upload_id": "[id]"
    }
    "#);
    let upload = ada.settled(&id(&opened)).await;
    assert_json_snapshot!(upload, @r#"
    {
      "content_type": "text/plain",
      "created_at": "[time]",
      "expires_at": "[time]",
      "file_name": "a.txt",
      "finalized_at": "[time]",
      "scanned_at": "[time]",
      "sha256": "741ae2e7760ad2a1f856d840974a0cb748a1599a16dbae9648980c718db4f2be",
      "size": 15,
      "state": "published",
      "upload_id": "[id]",
      "verdict": {
        "detected_type": "text/plain",
        "matches": [],
        "outcome": "clean",
        "reason": null,
        "rules": "[hash]"
      }
    }
    "#);

    // The object is the upload under another name, and the list has it as it is.
    let mut object = upload;
    object["object_id"] = object.as_object_mut().unwrap().remove("upload_id").unwrap();
    assert_eq!(ada.get(&format!("/objects/{}", id(&opened))).await.json(), object);
    let list = ada.get("/objects").await.json();
    assert_eq!(list, json!({ "objects": [object], "next_cursor": null }));
    assert_json_snapshot!(ada.download_url(&id(&opened)).await.json(), @r#"
    {
      "expires_at": "[time]",
      "url": "[url]"
    }
    "#);
    world.end().await;
}
