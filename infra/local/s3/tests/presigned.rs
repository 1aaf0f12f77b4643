//! What a signed URL lets its holder do, and what not.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(dead_code, unreachable_pub, reason = "not every test uses all of the support")]

mod support;

use airlock_local_access::{Call, Principal};
use airlock_local_s3::BucketSettings;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use std::time::{Duration, SystemTime};
use support::{BUCKET, Running, client, error, files, for_five_minutes, read};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const BODY: &[u8] = b"hello";

/// The upload URL that the service gives out: everything about the upload is signed.
async fn upload_url(running: &Running) -> PresignedRequest {
    let put = running.client.put_object().bucket(BUCKET).key("a/key");
    let put = put.content_length(5).content_type("text/plain").if_none_match("*").metadata("id", "7");
    let sha256 = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    put.checksum_sha256(sha256).presigned(for_five_minutes()).await.unwrap()
}

fn ok(status: u16) -> (u16, String) {
    (status, String::new())
}

#[tokio::test]
async fn an_upload_url_takes_exactly_one_upload_of_exactly_what_was_signed() {
    let running = Running::start(BucketSettings::default()).await;
    let url = upload_url(&running).await;
    assert_eq!(running.send(&url, b"jello", &[]).await, error(400, "BadDigest"));
    assert_eq!(running.get("a/key").await, None, "what has the wrong checksum is not stored");
    assert_eq!(running.send(&url, BODY, &[]).await, ok(200));
    assert_eq!(running.get("a/key").await.as_deref(), Some(BODY));
    assert_eq!(running.send(&url, BODY, &[]).await, error(412, "PreconditionFailed"));
}

#[tokio::test]
async fn whatever_differs_from_what_was_signed_is_refused() {
    let running = Running::start(BucketSettings::default()).await;
    let url = upload_url(&running).await;
    let signature = error(403, "SignatureDoesNotMatch");
    for name in ["content-type", "if-none-match", "x-amz-meta-id", "x-amz-checksum-sha256"] {
        let mut without = running.http.put(url.uri()).body(BODY);
        let mut other = running.http.put(url.uri()).body(BODY);
        for (header, value) in url.headers() {
            other = other.header(header, if header == name { "other" } else { value });
            if header != name {
                without = without.header(header, value);
            }
        }
        assert_eq!(read(without.send().await.unwrap()).await, signature, "without {name}");
        assert_eq!(read(other.send().await.unwrap()).await, signature, "another {name}");
    }
    let longer = running.http.put(url.uri()).body("hello!");
    let longer = url
        .headers()
        .filter(|(name, _)| *name != "content-length")
        .fold(longer, |sent, (name, value)| sent.header(name, value));
    assert_eq!(read(longer.send().await.unwrap()).await, signature, "another length");

    let (_, signed) = url.uri().split_once("X-Amz-Signature=").unwrap();
    let signed = signed.split('&').next().unwrap();
    let forged = format!("{}{}", if signed.starts_with('0') { "1" } else { "0" }, &signed[1..]);
    for (from, to) in
        [("/a/key?", "/a/kez?"), ("X-Amz-Expires=300", "X-Amz-Expires=301"), (signed, forged.as_str())]
    {
        assert!(url.uri().contains(from));
        let changed = running.http.put(url.uri().replace(from, to)).body(BODY);
        let changed = url.headers().fold(changed, |sent, (name, value)| sent.header(name, value));
        assert_eq!(read(changed.send().await.unwrap()).await, signature, "{from} to {to}");
    }
    for unsigned in ["x-amz-tagging", "x-amz-meta-more", "x-amz-acl", "x-amz-content-sha256"] {
        assert_eq!(
            running.send(&url, BODY, &[(unsigned, "a")]).await,
            error(403, "AccessDenied"),
            "{unsigned}"
        );
    }
    assert_eq!(running.get("a/key").await, None);
    assert_eq!(files(&running.data.path().join("incoming")), 0);
}

#[tokio::test]
async fn a_url_lives_as_long_as_it_says_and_at_most_a_week() {
    let running = Running::start(BucketSettings::default()).await;
    running.put("key", BODY).await;
    let get = || running.client.get_object().bucket(BUCKET).key("key");
    let signed = |ago: u64, life: u64| {
        let start = SystemTime::now() - Duration::from_secs(ago);
        PresigningConfig::builder().start_time(start).expires_in(Duration::from_secs(life)).build().unwrap()
    };
    let url = get().presigned(signed(59, 60)).await.unwrap();
    assert_eq!(running.send(&url, b"", &[]).await, ok(200));
    let url = get().presigned(signed(61, 60)).await.unwrap();
    assert_eq!(running.send(&url, b"", &[]).await, error(403, "AccessDenied"));
    let url = get().presigned(signed(0, 604_800)).await.unwrap();
    assert_eq!(running.send(&url, b"", &[]).await, ok(200));
    let longer = running.http.get(url.uri().replace("X-Amz-Expires=604800", "X-Amz-Expires=604801"));
    assert_eq!(read(longer.send().await.unwrap()).await, error(400, "AuthorizationQueryParametersError"));
}

#[tokio::test]
async fn only_signatures_of_known_keys_count() {
    let running = Running::start(BucketSettings::default()).await;
    let url = format!("{}/{BUCKET}/key", running.s3.endpoint());
    let unsigned = |request: reqwest::RequestBuilder| async { read(request.send().await.unwrap()).await };
    assert_eq!(unsigned(running.http.get(&url)).await, error(403, "AccessDenied"));
    assert_eq!(unsigned(running.http.put(&url).body(BODY)).await, error(403, "AccessDenied"));
    let second = format!("{url}?AWSAccessKeyId=AKIA&Signature=x&Expires=99999999999");
    assert_eq!(unsigned(running.http.get(second)).await, error(400, "InvalidRequest"));
    assert_eq!(
        unsigned(running.http.get(&url).header("authorization", "AWS AKIA:x")).await,
        error(400, "InvalidRequest")
    );

    let elsewhere = airlock_local_access::Access::new().issue(Principal::Administrator);
    let stranger = client(&running.s3.endpoint(), &elsewhere);
    let get = stranger.get_object().bucket(BUCKET).key("key").presigned(for_five_minutes()).await.unwrap();
    assert_eq!(running.send(&get, b"", &[]).await, error(403, "InvalidAccessKeyId"));
    let both = [("authorization", "AWS4-HMAC-SHA256 x")];
    assert_eq!(running.send(&get, b"", &both).await, error(400, "InvalidArgument"));
    let wrong_region = running.http.get(get.uri().replace("us-east-1", "eu-west-1"));
    assert_eq!(unsigned(wrong_region).await, error(400, "AuthorizationQueryParametersError"));
    assert_eq!(running.access.calls(), [], "what is not signed is not a call of anyone");
}

#[tokio::test]
async fn every_operation_is_one_call_of_its_caller() {
    let running = Running::start(BucketSettings::default()).await;
    let url = upload_url(&running).await;
    assert_eq!(running.send(&url, BODY, &[]).await, ok(200));
    let source = format!("{BUCKET}/a/key");
    running.client.copy_object().bucket(BUCKET).key("copy").copy_source(source).send().await.unwrap();
    running.client.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    let key = running.access.calls()[0].access_key_id.clone();
    assert_eq!(running.access.principal(&key), Some(Principal::Function("Test".to_owned())));
    let call = |operation: &str, resource: &str, presigned| Call {
        principal: Principal::Function("Test".to_owned()),
        access_key_id: key.clone(),
        operation: operation.to_owned(),
        resource: resource.to_owned(),
        presigned,
    };
    assert_eq!(
        running.access.calls(),
        [
            call("s3:PutObject", "quarantine/a/key", true),
            call("s3:CopyObject", "quarantine/copy", false),
            call("s3:ListObjectsV2", "quarantine", false),
        ]
    );
}

#[tokio::test]
async fn a_held_call_has_no_effect_until_it_is_let_go() {
    let running = Running::start(BucketSettings::default()).await;
    let hold = running.access.hold(Principal::Function("Test".to_owned()), "s3:PutObject");
    let client = running.client.clone();
    let put = tokio::spawn(async move {
        client.put_object().bucket(BUCKET).key("key").body(BODY.to_vec().into()).send().await.unwrap();
    });
    hold.arrived().await;
    assert_eq!(running.get("key").await, None);
    drop(hold);
    put.await.unwrap();
    assert_eq!(running.get("key").await.as_deref(), Some(BODY));
}

/// Reads one answer with a `Content-Length` from a connection.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut byte = [0];
    while !text.ends_with("\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).await.unwrap(), 1, "closed after {text:?}");
        text.push(char::from(byte[0]));
    }
    let head = text.to_ascii_lowercase();
    let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.split_once("\r\n"));
    let mut body = vec![0; length.map_or(0, |(length, _)| length.parse().unwrap())];
    stream.read_exact(&mut body).await.unwrap();
    text
}

#[tokio::test]
async fn a_connection_lives_on_after_an_error_before_the_body() {
    let running = Running::start(BucketSettings::default()).await;
    let mut stream = TcpStream::connect(running.s3.endpoint().trim_start_matches("http://")).await.unwrap();
    let size = 3_000_000;
    let head = format!("PUT /{BUCKET}/key HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n");
    for _ in 0..2 {
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b'x'; size]).await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 403"));
    }
}

#[tokio::test]
async fn an_upload_without_a_length_or_cut_short_leaves_nothing() {
    let running = Running::start(BucketSettings::default()).await;
    let put = running.client.put_object().bucket(BUCKET).key("key");
    let url = put.presigned(for_five_minutes()).await.unwrap();
    let path = url.uri().strip_prefix(&running.s3.endpoint()).unwrap();
    let address = running.s3.endpoint();
    let address = address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head =
        format!("PUT {path} HTTP/1.1\r\nhost: {address}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 411"));

    let head = format!("PUT {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 10\r\n\r\n12345");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut rest = Vec::new();
    // The server closes once it is done with the request.
    let _ = stream.read_to_end(&mut rest).await;
    assert_eq!(running.get("key").await, None);
    assert_eq!(files(&running.data.path().join("incoming")), 0);
}
