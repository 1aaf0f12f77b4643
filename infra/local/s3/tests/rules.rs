//! What buckets are told to do: policies, CORS, notifications, lifecycle.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(dead_code, unreachable_pub, reason = "not every test uses all of the support")]

mod support;

use airlock_local_s3::{BucketSettings, CorsRule, LifecycleRule, Notification, S3Error};
use aws_sdk_s3::presigning::PresigningConfig;
use serde_json::json;
use std::time::{Duration, SystemTime};
use support::{BUCKET, Running, error, files, for_five_minutes, refused};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn a_policy_keeps_urls_short_lived_and_keys_fresh() {
    let deny = |action: &str, condition: serde_json::Value| {
        let resource = format!("arn:aws:s3:::{BUCKET}/*");
        json!({ "Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource, "Condition": condition })
    };
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        deny("s3:*", json!({ "Bool": { "aws:SecureTransport": "false" } })),
        deny("s3:PutObject", json!({ "Null": { "s3:if-none-match": "true" } })),
        deny("s3:GetObject", json!({ "NumericGreaterThan": { "s3:signatureAge": "60000" } })),
    ] });
    let running =
        Running::start(BucketSettings { policy: Some(policy.clone()), ..BucketSettings::default() }).await;
    let put = || running.client.put_object().bucket(BUCKET).key("key").body(b"x".to_vec().into());
    assert_eq!(refused(put().send().await), error(403, "AccessDenied"));
    put().if_none_match("*").send().await.unwrap();
    let copy = running.client.copy_object().bucket(BUCKET).key("copy").copy_source(format!("{BUCKET}/key"));
    assert_eq!(refused(copy.send().await), error(403, "AccessDenied"), "a copy into the bucket is a put");

    for (age, expected) in [(59, (200, String::new())), (61, error(403, "AccessDenied"))] {
        let start = SystemTime::now() - Duration::from_secs(age);
        let config = PresigningConfig::builder().start_time(start).expires_in(Duration::from_secs(900));
        let get = running.client.get_object().bucket(BUCKET).key("key");
        let url = get.presigned(config.build().unwrap()).await.unwrap();
        assert_eq!(running.send(&url, b"", &[]).await, expected, "{age} s old");
    }
    let stored = running.client.get_bucket_policy().bucket(BUCKET).send().await.unwrap().policy.unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&stored).unwrap(), policy);
    running.client.delete_bucket_policy().bucket(BUCKET).send().await.unwrap();
    put().send().await.unwrap();
}

#[tokio::test]
async fn a_policy_also_guards_what_is_copied_from_and_what_is_deleted_in_bulk() {
    let running = Running::start(BucketSettings::default()).await;
    running.put("secret/key", b"x").await;
    running.s3.put_bucket("published", BucketSettings::default()).unwrap();
    let policy = json!({ "Statement": {
        "Effect": "Deny", "Principal": { "AWS": "*" }, "Action": ["s3:GetObject", "s3:DeleteObject"],
        "Resource": format!("arn:aws:s3:::{BUCKET}/secret/*"),
    } });
    running.client.put_bucket_policy().bucket(BUCKET).policy(policy.to_string()).send().await.unwrap();
    let copy = running
        .client
        .copy_object()
        .bucket("published")
        .key("out")
        .copy_source(format!("{BUCKET}/secret/key"));
    assert_eq!(refused(copy.send().await), error(403, "AccessDenied"));
    let object = aws_sdk_s3::types::ObjectIdentifier::builder().key("secret/key").build().unwrap();
    let all = aws_sdk_s3::types::Delete::builder().objects(object).build().unwrap();
    let all = running.client.delete_objects().bucket(BUCKET).delete(all).send().await;
    assert_eq!(refused(all), error(403, "AccessDenied"));
    running
        .client
        .put_object_tagging()
        .bucket(BUCKET)
        .key("secret/key")
        .tagging(aws_sdk_s3::types::Tagging::builder().set_tag_set(Some(Vec::new())).build().unwrap())
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_policy_tells_conditional_writes_and_versions_apart() {
    let deny = |action: &str, condition: serde_json::Value| {
        let resource = format!("arn:aws:s3:::{BUCKET}/*");
        json!({ "Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource, "Condition": condition })
    };
    let both = json!({ "Null": { "s3:if-none-match": "true", "s3:if-match": "true" } });
    let policy = json!({ "Statement": [
        deny("s3:PutObject", both),
        deny("s3:DeleteObjectVersion", json!({})),
        deny("s3:GetObjectVersion", json!({})),
    ] });
    let settings = BucketSettings { versioned: true, policy: Some(policy), ..BucketSettings::default() };
    let running = Running::start(settings).await;
    let denied = error(403, "AccessDenied");
    let put = || running.client.put_object().bucket(BUCKET).key("key").body(b"x".to_vec().into());
    assert_eq!(refused(put().send().await), denied);
    let etag = put().if_none_match("*").send().await.unwrap().e_tag.unwrap();
    let version = put().if_match(etag).send().await.unwrap().version_id.unwrap();

    assert!(running.get("key").await.is_some());
    let get = running.client.get_object().bucket(BUCKET).key("key").version_id(&version).send().await;
    assert_eq!(refused(get), denied);
    let head = running.client.head_object().bucket(BUCKET).key("key").version_id(&version).send().await;
    assert_eq!(refused(head).0, 403);
    running.s3.put_bucket("published", BucketSettings::default()).unwrap();
    let copy = running.client.copy_object().bucket("published").key("out");
    let copy = copy.copy_source(format!("{BUCKET}/key?versionId={version}")).send().await;
    assert_eq!(refused(copy), denied);

    let delete = || running.client.delete_object().bucket(BUCKET).key("key");
    assert_eq!(refused(delete().version_id(&version).send().await), denied);
    delete().send().await.unwrap();
    let named =
        aws_sdk_s3::types::ObjectIdentifier::builder().key("key").version_id(version).build().unwrap();
    let named = aws_sdk_s3::types::Delete::builder().objects(named).build().unwrap();
    let bulk = running.client.delete_objects().bucket(BUCKET).delete(named).send().await;
    assert_eq!(refused(bulk), denied);
}

#[tokio::test]
async fn a_policy_that_could_not_be_enforced_is_refused() {
    let running = Running::start(BucketSettings::default()).await;
    let policy = json!({ "Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
        "Condition": { "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } },
    }] });
    let put = running.client.put_bucket_policy().bucket(BUCKET).policy(policy.to_string());
    assert_eq!(refused(put.send().await), error(501, "NotImplemented"));
    let put = running.client.put_bucket_policy().bucket(BUCKET).policy("{");
    assert_eq!(refused(put.send().await), error(400, "MalformedPolicy"));
    let settings = BucketSettings { policy: Some(policy), ..BucketSettings::default() };
    assert!(matches!(running.s3.put_bucket(BUCKET, settings), Err(S3Error::Policy { .. })));
    let name = running.s3.put_bucket("../escape", BucketSettings::default());
    assert!(matches!(name, Err(S3Error::BucketName(_))));
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_see_every_answer() {
    let rule = CorsRule {
        allowed_origins: vec!["https://app.example".to_owned()],
        allowed_methods: vec!["PUT".to_owned()],
        allowed_headers: vec!["*".to_owned()],
        exposed_headers: vec!["ETag".to_owned()],
        ..CorsRule::default()
    };
    let running = Running::start(BucketSettings { cors: vec![rule], ..BucketSettings::default() }).await;
    let url = format!("{}/{BUCKET}/key", running.s3.endpoint());
    let preflight = |origin: &'static str| {
        let options = running.http.request(reqwest::Method::OPTIONS, &url).header("origin", origin);
        options.header("access-control-request-method", "PUT").send()
    };
    let allowed = preflight("https://app.example").await.unwrap();
    assert_eq!(allowed.status(), 200);
    assert_eq!(allowed.headers()["access-control-allow-origin"], "https://app.example");
    let evil = preflight("https://evil.example").await.unwrap();
    assert!(evil.headers().get("access-control-allow-origin").is_none());
    assert_eq!(support::read(evil).await, error(403, "AccessForbidden"));

    let put =
        running.client.put_object().bucket(BUCKET).key("key").presigned(for_five_minutes()).await.unwrap();
    let bad = put.uri().replace("/key?", "/kez?");
    for (url, status) in [(put.uri(), 200), (bad.as_str(), 403)] {
        for (origin, seen) in [("https://app.example", true), ("https://evil.example", false)] {
            let answer = running.http.put(url).header("origin", origin).send().await.unwrap();
            assert_eq!(answer.status(), status);
            assert_eq!(
                answer.headers().contains_key("access-control-allow-origin"),
                seen,
                "{origin} {status}"
            );
            assert_eq!(answer.headers().contains_key("access-control-expose-headers"), seen);
        }
    }
}

#[tokio::test]
async fn new_objects_are_told_of_to_who_asked() {
    let notification = |id: &str, event: &str, prefix: &str| Notification {
        target_arn: format!("arn:aws:sqs:us-east-1:000000000000:{id}"),
        events: vec![event.to_owned()],
        prefix: Some(prefix.to_owned()),
        suffix: Some(".bin".to_owned()),
    };
    let notifications = vec![
        notification("all", "s3:ObjectCreated:*", "in/"),
        notification("copies", "s3:ObjectCreated:Copy", ""),
    ];
    let settings = BucketSettings { versioned: true, notifications, ..BucketSettings::default() };
    let mut running = Running::start(settings).await;
    let version = running.put("in/with space+plus ü.bin", b"hello").await.unwrap();
    running.put("in/other.txt", b"hello").await;
    let copy = running.client.copy_object().bucket(BUCKET).key("copy.bin");
    copy.copy_source(format!("{BUCKET}/in/other.txt")).send().await.unwrap();
    running.client.delete_object().bucket(BUCKET).key("copy.bin").send().await.unwrap();
    running.put("last", b"").await;

    let first = running.created.recv().await.unwrap();
    assert_eq!(first.target_arns, ["arn:aws:sqs:us-east-1:000000000000:all"]);
    let json = first.to_event_json();
    let record = &json["Records"][0];
    assert_eq!(record["eventVersion"], "2.1");
    assert_eq!(record["eventName"], "ObjectCreated:Put");
    assert_eq!(record["s3"]["configurationId"], "all");
    assert_eq!(record["s3"]["bucket"]["name"], BUCKET);
    assert_eq!(
        record["s3"]["object"],
        json!({
            "key": "in/with+space%2Bplus+%C3%BC.bin", "size": 5, "eTag": "5d41402abc4b2a76b9719d911017c592",
            "versionId": version, "sequencer": first.sequencer,
        })
    );
    let time = record["eventTime"].as_str().unwrap();
    assert!(time.len() == "2026-01-01T00:00:00.000Z".len() && time.ends_with('Z'), "{time}");

    let mut sequencer = first.sequencer;
    let copies = vec!["arn:aws:sqs:us-east-1:000000000000:copies".to_owned()];
    for (name, key, targets) in [
        ("ObjectCreated:Put", "in/other.txt", vec![]),
        ("ObjectCreated:Copy", "copy.bin", copies),
        ("ObjectCreated:Put", "last", vec![]),
    ] {
        let event = running.created.recv().await.unwrap();
        assert_eq!((event.event_name, event.key.as_str(), event.target_arns), (name, key, targets));
        assert!(event.sequencer > sequencer && event.sequencer.len() == sequencer.len());
        sequencer = event.sequencer;
    }
}

#[tokio::test]
async fn what_had_its_time_goes() {
    let rule = |prefix: &str| LifecycleRule {
        enabled: true,
        prefix: Some(prefix.to_owned()),
        expiration_days: Some(1),
        noncurrent_days: Some(2),
        abort_multipart_days: Some(1),
        ..LifecycleRule::default()
    };
    let lifecycle = vec![rule("short/"), LifecycleRule { enabled: false, ..rule("") }];
    let running = Running::start(BucketSettings { lifecycle, ..BucketSettings::default() }).await;
    running.put("short/key", b"x").await;
    running.put("long/key", b"x").await;
    running.client.create_multipart_upload().bucket(BUCKET).key("short/parts").send().await.unwrap();
    let now = SystemTime::now();
    running.s3.expire(now + DAY - Duration::from_secs(60));
    assert!(running.get("short/key").await.is_some(), "not before the day is over");
    running.s3.expire(now + 2 * DAY);
    assert_eq!(running.get("short/key").await, None);
    assert!(running.get("long/key").await.is_some());
    assert_eq!(files(&running.data.path().join("uploads")), 0);

    let settings = BucketSettings { versioned: true, lifecycle: vec![rule("")], ..BucketSettings::default() };
    running.s3.put_bucket(BUCKET, settings).unwrap();
    running.s3.expire(now + 2 * DAY);
    assert_eq!(running.get("long/key").await, None);
    let list = || async { running.client.list_object_versions().bucket(BUCKET).send().await.unwrap() };
    let left = list().await;
    assert_eq!((left.versions().len(), left.delete_markers().len()), (1, 1), "hidden, but kept for a while");
    running.s3.expire(now + 4 * DAY);
    running.s3.expire(now + 4 * DAY);
    let left = list().await;
    assert_eq!((left.versions().len(), left.delete_markers().len()), (0, 0));
}

#[tokio::test]
async fn a_marker_goes_when_no_version_is_left_behind_it() {
    let rule = LifecycleRule {
        enabled: true,
        noncurrent_days: Some(1),
        expired_object_delete_marker: true,
        ..LifecycleRule::default()
    };
    let settings = BucketSettings { versioned: true, lifecycle: vec![rule], ..BucketSettings::default() };
    let running = Running::start(settings).await;
    for key in ["deleted", "kept"] {
        running.put(key, b"old").await;
        running.put(key, b"new").await;
    }
    running.client.delete_object().bucket(BUCKET).key("deleted").send().await.unwrap();
    let counts = || async {
        let list = running.client.list_object_versions().bucket(BUCKET).send().await.unwrap();
        (list.versions().len(), list.delete_markers().len())
    };
    let now = SystemTime::now();
    running.s3.expire(now + Duration::from_secs(60));
    assert_eq!(counts().await, (4, 1), "versions stand behind the marker");
    running.s3.expire(now + 2 * DAY);
    running.s3.expire(now + 2 * DAY);
    assert_eq!(counts().await, (1, 0));
    assert_eq!(running.get("kept").await.unwrap(), b"new");
}

#[tokio::test]
async fn a_lifecycle_is_answered_as_it_was_given_and_never_has_markers_beside_days() {
    use aws_sdk_s3::types::{
        BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule,
        LifecycleRuleFilter, NoncurrentVersionExpiration,
    };
    let running = Running::start(BucketSettings::default()).await;
    let rule = |days: Option<i32>| {
        let expiration = LifecycleExpiration::builder().set_days(days).expired_object_delete_marker(true);
        let noncurrent = NoncurrentVersionExpiration::builder().noncurrent_days(3).build();
        LifecycleRule::builder()
            .id("versions")
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix("").build())
            .expiration(expiration.build())
            .noncurrent_version_expiration(noncurrent)
            .build()
            .unwrap()
    };
    let put = |rule: LifecycleRule| {
        let configuration = BucketLifecycleConfiguration::builder().rules(rule).build().unwrap();
        running
            .client
            .put_bucket_lifecycle_configuration()
            .bucket(BUCKET)
            .lifecycle_configuration(configuration)
            .send()
    };
    assert_eq!(refused(put(rule(Some(1))).await), error(400, "MalformedXML"));
    put(rule(None)).await.unwrap();
    let found = running.client.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await.unwrap();
    assert_eq!(found.rules(), [rule(None)]);
}
