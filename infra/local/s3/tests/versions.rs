//! Conditions, versions, and what events tell of them.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(dead_code, unreachable_pub, reason = "not every test uses all of the support")]

mod support;

use airlock_local_s3::BucketSettings;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use support::{BUCKET, Running, SHA256_HELLO, error, files, refused, versioned};

#[tokio::test]
async fn a_first_write_passes_over_a_delete_marker_and_no_version() {
    let running = Running::start(versioned()).await;
    let first = || running.client.put_object().bucket(BUCKET).key("key").if_none_match("*").send();
    first().await.unwrap();
    assert_eq!(refused(first().await), error(412, "PreconditionFailed"));
    running.client.delete_object().bucket(BUCKET).key("key").send().await.unwrap();
    first().await.unwrap();
    assert_eq!(refused(first().await), error(412, "PreconditionFailed"));
}

#[tokio::test]
async fn a_replacement_needs_the_current_version() {
    let running = Running::start(versioned()).await;
    let put = |body: &'static [u8]| {
        running.client.put_object().bucket(BUCKET).key("key").body(body.to_vec().into())
    };
    let one = put(b"one").send().await.unwrap().e_tag.unwrap();
    let two = put(b"two").if_match(&one).send().await.unwrap().e_tag.unwrap();
    assert_eq!(
        refused(put(b"x").if_match(&one).send().await),
        error(412, "PreconditionFailed"),
        "it is noncurrent"
    );
    running.client.delete_object().bucket(BUCKET).key("key").send().await.unwrap();
    assert_eq!(
        refused(put(b"x").if_match(&two).send().await),
        error(404, "NoSuchKey"),
        "a marker is no object"
    );
}

#[tokio::test]
async fn of_replacements_of_one_version_one_wins() {
    let running = Running::start(versioned()).await;
    let put =
        |body: u8| running.client.put_object().bucket(BUCKET).key("key").body(vec![body; 50_000].into());
    let current = put(9).send().await.unwrap().e_tag.unwrap();
    let results = futures::future::join_all((0..6).map(|body| put(body).if_match(&current).send())).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for result in results.into_iter().filter(Result::is_err) {
        assert_eq!(refused(result), error(412, "PreconditionFailed"));
    }
}

#[tokio::test]
async fn a_version_that_is_deleted_is_gone_with_its_bytes_and_no_other_is() {
    let running = Running::start(versioned()).await;
    let (one, two) = (running.put("key", b"one").await.unwrap(), running.put("key", b"two").await.unwrap());
    let stored = || files(&running.data.path().join("buckets"));
    let before = stored();
    let delete =
        |version: &str| running.client.delete_object().bucket(BUCKET).key("key").version_id(version).send();
    let deleted = delete(&one).await.unwrap();
    assert_eq!((deleted.version_id.as_deref(), deleted.delete_marker), (Some(one.as_str()), None));
    assert_eq!(before - stored(), 2, "the bytes and the record of one version");
    let get = running.client.get_object().bucket(BUCKET).key("key").version_id(&one).send().await;
    assert_eq!(refused(get), error(404, "NoSuchVersion"));
    let list = running.client.list_object_versions().bucket(BUCKET).send().await.unwrap();
    assert_eq!((list.versions().len(), list.delete_markers().len()), (1, 0));
    delete(&one).await.unwrap();
    assert_eq!(
        running.client.head_object().bucket(BUCKET).key("key").send().await.unwrap().version_id,
        Some(two)
    );
}

#[tokio::test]
async fn answers_name_the_version_where_there_are_versions() {
    let running = Running::start(versioned()).await;
    running.s3.put_bucket("plain", BucketSettings::default()).unwrap();
    for (bucket, has) in [(BUCKET, true), ("plain", false)] {
        let put = running.client.put_object().bucket(bucket).key("key").send().await.unwrap();
        let head = running.client.head_object().bucket(bucket).key("key").send().await.unwrap();
        let get = running.client.get_object().bucket(bucket).key("key").send().await.unwrap();
        assert_eq!(put.version_id.is_some(), has, "{bucket}");
        assert_eq!((&head.version_id, &get.version_id), (&put.version_id, &put.version_id));
    }
}

#[tokio::test]
async fn a_copy_is_of_a_version_to_a_key_that_is_free_with_the_checksum_that_is_asked_for() {
    let mut running = Running::start(versioned()).await;
    running.s3.put_bucket("published", versioned()).unwrap();
    // Its own checksum is one of its parts' checksums, of another algorithm.
    let client = &running.client;
    let upload = client.create_multipart_upload().bucket(BUCKET).key("key");
    let upload = upload.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await.unwrap().upload_id.unwrap();
    let part = client.upload_part().bucket(BUCKET).key("key").upload_id(&upload).part_number(1);
    let part = part
        .checksum_algorithm(ChecksumAlgorithm::Crc32)
        .body(b"hello".to_vec().into())
        .send()
        .await
        .unwrap();
    let part = CompletedPart::builder()
        .part_number(1)
        .set_e_tag(part.e_tag)
        .set_checksum_crc32(part.checksum_crc32)
        .build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let done = client.complete_multipart_upload().bucket(BUCKET).key("key").upload_id(upload);
    let version = done.multipart_upload(parts).send().await.unwrap().version_id.unwrap();
    let later = running.put("key", b"later").await.unwrap();
    let copy = |version: &str| {
        let copy = running.client.copy_object().bucket("published").key("out").if_none_match("*");
        copy.copy_source(format!("{BUCKET}/key?versionId={version}"))
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
    };
    let copied = copy(&version).send().await.unwrap();
    assert_eq!(copied.copy_source_version_id, Some(version.clone()));
    let result = copied.copy_object_result.unwrap();
    assert_eq!((result.checksum_sha256.as_deref(), result.checksum_crc32), (Some(SHA256_HELLO), None));
    assert_eq!(refused(copy(&version).send().await), error(412, "PreconditionFailed"));
    assert_eq!(refused(copy(&later).send().await), error(412, "PreconditionFailed"));
    assert_eq!(refused(copy("nothing").key("other").send().await), error(404, "NoSuchVersion"));
    let mut events = Vec::new();
    for _ in 0..3 {
        events.push(running.created.recv().await.unwrap());
    }
    let last = &events[2];
    assert_eq!((last.event_name, &last.version_id), ("ObjectCreated:Copy", &copied.version_id));
    assert!(running.created.try_recv().is_err(), "a copy that is refused is no event");
}

#[tokio::test]
async fn every_version_is_told_of_also_an_empty_one() {
    let mut running = Running::start(versioned()).await;
    let empty = running.put("key", b"").await;
    let full = running.put("key", b"hello").await;
    let (first, second) = (running.created.recv().await.unwrap(), running.created.recv().await.unwrap());
    let object =
        |event: &airlock_local_s3::ObjectCreated| event.to_event_json()["Records"][0]["s3"]["object"].clone();
    for (event, version, size, etag) in [
        (&first, empty, 0, "d41d8cd98f00b204e9800998ecf8427e"),
        (&second, full, 5, "5d41402abc4b2a76b9719d911017c592"),
    ] {
        let object = object(event);
        assert_eq!(object["versionId"].as_str(), version.as_deref());
        assert_eq!((object["size"].as_u64(), object["eTag"].as_str()), (Some(size), Some(etag)));
        assert_eq!(object["sequencer"], event.sequencer);
    }
    assert!(second.sequencer > first.sequencer);
    let delete = running.client.delete_object().bucket(BUCKET).key("key");
    delete.version_id(second.version_id.unwrap()).send().await.unwrap();
    assert!(running.created.try_recv().is_err(), "nothing was created");
}
