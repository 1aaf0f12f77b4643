//! Writing, reading, copying and deleting.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(dead_code, unreachable_pub, reason = "not every test uses all of the support")]

mod support;

use airlock_local_s3::BucketSettings;
use aws_sdk_s3::{
    primitives::ByteStream,
    types::{ChecksumAlgorithm, ChecksumMode, Delete, MetadataDirective, ObjectIdentifier, TaggingDirective},
};
use futures::future::join_all;
use support::{BUCKET, Running, SHA256_HELLO, error, refused, versioned};

#[tokio::test]
async fn of_many_first_writers_one_wins() {
    let running = Running::start(BucketSettings::default()).await;
    let put = |body: u8| {
        let put = running.client.put_object().bucket(BUCKET).key("key").if_none_match("*");
        put.body(vec![body; 100_000].into()).send()
    };
    let results = join_all((0..8).map(put)).await;
    let won: Vec<u8> =
        (0..8).zip(&results).filter(|(_, result)| result.is_ok()).map(|(body, _)| body).collect();
    assert_eq!(won.len(), 1);
    for result in results.into_iter().filter(Result::is_err) {
        assert_eq!(refused(result), error(412, "PreconditionFailed"));
    }
    assert_eq!(running.get("key").await.unwrap(), vec![won[0]; 100_000]);
}

#[tokio::test]
async fn conditions_and_checksums_guard_writes() {
    let running = Running::start(BucketSettings::default()).await;
    let put = || running.client.put_object().bucket(BUCKET).key("key").body(b"hello".to_vec().into());
    let absent = put().if_match("\"5d41402abc4b2a76b9719d911017c592\"");
    assert_eq!(refused(absent.send().await), error(404, "NoSuchKey"));
    let etag = put().send().await.unwrap().e_tag.unwrap();
    assert_eq!(etag, "\"5d41402abc4b2a76b9719d911017c592\"");
    put().if_match(etag).send().await.unwrap();
    assert_eq!(refused(put().if_match("\"0\"").send().await), error(412, "PreconditionFailed"));
    assert_eq!(refused(put().if_none_match("\"0\"").send().await), error(501, "NotImplemented"));

    let other = || running.client.put_object().bucket(BUCKET).key("other").body(b"jello".to_vec().into());
    assert_eq!(refused(other().checksum_sha256(SHA256_HELLO).send().await), error(400, "BadDigest"));
    assert_eq!(
        refused(other().content_md5("XUFAKrxLKna5cZ2REBfFkg==").send().await),
        error(400, "BadDigest")
    );
    assert_eq!(refused(other().content_md5("short").send().await), error(400, "InvalidDigest"));
    let acl = aws_sdk_s3::types::ObjectCannedAcl::PublicRead;
    assert_eq!(refused(other().acl(acl).send().await), error(400, "AccessControlListNotSupported"));
    assert_eq!(running.get("other").await, None);
}

#[tokio::test]
async fn each_checksum_is_kept_and_shown_to_who_asks() {
    let running = Running::start(BucketSettings::default()).await;
    for (algorithm, expected) in [
        (ChecksumAlgorithm::Crc32, "NhCmhg=="),
        (ChecksumAlgorithm::Crc32C, "mnG7TA=="),
        (ChecksumAlgorithm::Crc64Nvme, "M3eFcAZSQlc="),
        (ChecksumAlgorithm::Sha1, "qvTGHdzF6KLavt4PO0gs2a6pQ00="),
        (ChecksumAlgorithm::Sha256, SHA256_HELLO),
    ] {
        // A stream goes as aws-chunked, with the checksum after it.
        let stream = ByteStream::from_path(file(&running, b"hello")).await.unwrap();
        let put = running.client.put_object().bucket(BUCKET).key("key").checksum_algorithm(algorithm.clone());
        put.body(stream).send().await.unwrap();
        let head = running.client.head_object().bucket(BUCKET).key("key");
        let head = head.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        let sums = [
            &head.checksum_crc32,
            &head.checksum_crc32_c,
            &head.checksum_crc64_nvme,
            &head.checksum_sha1,
            &head.checksum_sha256,
        ];
        let found: Vec<&str> = sums.iter().filter_map(|sum| sum.as_deref()).collect();
        assert_eq!(found, [expected], "{algorithm}");
        assert_eq!(head.content_encoding, None, "how it was sent is not what it is");
        let head = running.client.head_object().bucket(BUCKET).key("key").send().await.unwrap();
        assert_eq!(head.checksum_sha256, None);
    }
}

fn file(running: &Running, content: &[u8]) -> std::path::PathBuf {
    let path = running.data.path().join("upload");
    std::fs::write(&path, content).unwrap();
    path
}

#[tokio::test]
async fn versions_come_and_go() {
    let running = Running::start(versioned()).await;
    let first = running.put("key", b"one").await.unwrap();
    let second = running.put("key", b"two").await.unwrap();
    assert_ne!(first, second);
    let get =
        |version: &str| running.client.get_object().bucket(BUCKET).key("key").version_id(version).send();
    assert_eq!(&get(&first).await.unwrap().body.collect().await.unwrap().to_vec(), b"one");

    let delete = || running.client.delete_object().bucket(BUCKET).key("key");
    let deleted = delete().send().await.unwrap();
    assert_eq!(deleted.delete_marker, Some(true));
    let marker = deleted.version_id.unwrap();
    assert_eq!(running.get("key").await, None);
    assert_eq!(refused(get(&marker).await), error(405, "MethodNotAllowed"));
    assert_eq!(refused(get("nothing").await), error(404, "NoSuchVersion"));
    running.client.put_object().bucket(BUCKET).key("key").if_none_match("*").send().await.unwrap();

    let list = running.client.list_object_versions().bucket(BUCKET).send().await.unwrap();
    let latest: Vec<bool> = list.versions().iter().filter_map(|version| version.is_latest).collect();
    assert_eq!((latest, list.delete_markers().len()), (vec![true, false, false], 1));
    for version in list.versions().iter().take(1).filter_map(|version| version.version_id()) {
        delete().version_id(version).send().await.unwrap();
    }
    delete().version_id(marker).send().await.unwrap();
    assert_eq!(running.get("key").await.unwrap(), b"two", "the version under the marker is current again");
}

#[tokio::test]
async fn ranges_and_overrides_shape_the_answer() {
    let running = Running::start(versioned()).await;
    let put = running.client.put_object().bucket(BUCKET).key("key").content_type("text/plain");
    let version = put.body(b"0123456789".to_vec().into()).send().await.unwrap().version_id.unwrap();
    let get = || running.client.get_object().bucket(BUCKET).key("key").version_id(&version);
    for (range, body, content_range) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
    ] {
        let part = get().range(range).send().await.unwrap();
        assert_eq!(part.content_range.as_deref(), Some(content_range));
        assert_eq!(part.body.collect().await.unwrap().to_vec(), body.as_bytes());
    }
    assert_eq!(refused(get().range("bytes=10-").send().await), error(416, "InvalidRange"));
    let all = get().response_content_type("image/png").response_content_disposition("attachment").send();
    let all = all.await.unwrap();
    assert_eq!(all.content_type.as_deref(), Some("image/png"));
    assert_eq!(all.content_disposition.as_deref(), Some("attachment"));
    let etag = all.e_tag.unwrap();
    assert_eq!(refused(get().if_none_match(&etag).send().await).0, 304);
    assert_eq!(refused(get().if_match("\"0\"").send().await), error(412, "PreconditionFailed"));
    get().if_match(etag).send().await.unwrap();
}

#[tokio::test]
async fn a_copy_is_of_what_was_named_and_has_what_it_was_given() {
    let running = Running::start(versioned()).await;
    running.s3.put_bucket("published", versioned()).unwrap();
    let put = running.client.put_object().bucket(BUCKET).key("a b+c").tagging("from=source");
    let put = put.content_type("text/html").body(b"hello".to_vec().into()).send().await.unwrap();
    let (etag, version) = (put.e_tag.unwrap(), put.version_id.unwrap());
    running.put("a b+c", b"replaced").await;
    let copy = || {
        let source = format!("{BUCKET}/a%20b%2Bc?versionId={version}");
        running.client.copy_object().bucket("published").key("out").copy_source(source)
    };
    let copied = copy()
        .copy_source_if_match(&etag)
        .metadata_directive(MetadataDirective::Replace)
        .tagging_directive(TaggingDirective::Replace)
        .content_type("application/octet-stream")
        .metadata("scan", "clean")
        .tagging("state=clean")
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .send()
        .await
        .unwrap();
    assert_eq!(copied.copy_source_version_id.as_deref(), Some(version.as_str()));
    let result = copied.copy_object_result.unwrap();
    assert_eq!((result.e_tag, result.checksum_sha256.as_deref()), (Some(etag), Some(SHA256_HELLO)));
    let out = running.client.get_object().bucket("published").key("out").send().await.unwrap();
    assert_eq!(out.content_type.as_deref(), Some("application/octet-stream"));
    assert_eq!(out.metadata.unwrap()["scan"], "clean");
    assert_eq!(out.body.collect().await.unwrap().to_vec(), b"hello");
    let tags = running.client.get_object_tagging().bucket("published").key("out").send().await.unwrap();
    assert_eq!((tags.tag_set()[0].key(), tags.tag_set()[0].value()), ("state", "clean"));

    let wrong = copy().copy_source_if_match("\"0\"").send().await;
    assert_eq!(refused(wrong), error(412, "PreconditionFailed"));
    assert_eq!(refused(copy().if_none_match("*").send().await), error(412, "PreconditionFailed"));
    let kept = copy().key("kept").send().await.unwrap();
    assert!(kept.copy_object_result.is_some());
    let kept = running.client.head_object().bucket("published").key("kept").send().await.unwrap();
    assert_eq!(kept.content_type.as_deref(), Some("text/html"));
    // The copy lives on without its source.
    let delete = running.client.delete_object().bucket(BUCKET).key("a b+c").version_id(&version);
    delete.send().await.unwrap();
    assert_eq!(refused(copy().send().await), error(404, "NoSuchVersion"));
    let out = running.client.get_object().bucket("published").key("out").send().await.unwrap();
    assert_eq!(out.body.collect().await.unwrap().to_vec(), b"hello");
}

#[tokio::test]
async fn lists_come_in_pages_and_folders() {
    let running = Running::start(versioned()).await;
    for key in ["a", "b/1", "b/2", "b/3", "c d", "e"] {
        running.put(key, b"x").await;
    }
    running.put("e", b"y").await;
    running.client.delete_object().bucket(BUCKET).key("a").send().await.unwrap();
    let list = || running.client.list_objects_v2().bucket(BUCKET);
    for (limit, expected) in [(1, 4), (2, 2), (3, 2), (1000, 1)] {
        let mut pages = list().delimiter("/").max_keys(limit).into_paginator().send();
        let (mut keys, mut count) = (Vec::new(), 0);
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            count += 1;
            keys.extend(page.contents().iter().filter_map(|object| object.key()).map(str::to_owned));
            keys.extend(page.common_prefixes().iter().filter_map(|group| group.prefix()).map(str::to_owned));
        }
        keys.sort();
        assert_eq!(keys, ["b/", "c d", "e"], "pages of {limit}");
        assert!(count <= expected, "{count} pages of {limit}");
    }
    let within = list().prefix("b/").start_after("b/1").send().await.unwrap();
    let keys: Vec<_> = within.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(keys, ["b/2", "b/3"]);

    let (mut versions, mut marker) = (0, (None, None));
    for _ in 0..8 {
        let page = running.client.list_object_versions().bucket(BUCKET).max_keys(1);
        let page = page.set_key_marker(marker.0).set_version_id_marker(marker.1).send().await.unwrap();
        versions += page.versions().len() + page.delete_markers().len();
        marker = (page.next_key_marker, page.next_version_id_marker);
    }
    assert_eq!((versions, marker), (8, (None, None)), "seven versions and a delete marker");
}

#[tokio::test]
async fn many_objects_are_deleted_at_once_and_an_empty_bucket_goes() {
    let running = Running::start(BucketSettings::default()).await;
    running.put("a", b"1").await;
    running.put("b", b"2").await;
    assert_eq!(
        refused(running.client.delete_bucket().bucket(BUCKET).send().await),
        error(409, "BucketNotEmpty")
    );
    let object = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let all = Delete::builder().objects(object("a")).objects(object("b")).objects(object("never there"));
    let all = running.client.delete_objects().bucket(BUCKET).delete(all.build().unwrap());
    assert_eq!(all.send().await.unwrap().deleted().len(), 3);
    running.client.delete_bucket().bucket(BUCKET).send().await.unwrap();
    assert_eq!(
        refused(running.client.list_objects_v2().bucket(BUCKET).send().await),
        error(404, "NoSuchBucket")
    );
}
