//! What a restart finds, and what a crash leaves behind.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(dead_code, unreachable_pub, reason = "not every test uses all of the support")]

mod support;

use airlock_local_s3::{BucketSettings, CorsRule, S3};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use std::{
    fs,
    path::{Path, PathBuf},
};
use support::{BUCKET, Running, files};

fn only_file(folder: &Path) -> PathBuf {
    let mut entries = fs::read_dir(folder).unwrap();
    let path = entries.next().unwrap().unwrap().path();
    assert!(entries.next().is_none(), "more than one file in {}", folder.display());
    path
}

fn folder(running: &Running, name: &str) -> PathBuf {
    running.data.path().join("buckets").join(BUCKET).join(name)
}

#[tokio::test]
async fn a_restart_finds_everything_again() {
    let cors = vec![CorsRule { allowed_methods: vec!["PUT".to_owned()], ..CorsRule::default() }];
    let settings = BucketSettings { versioned: true, cors, ..BucketSettings::default() };
    let running = Running::start(settings).await;
    let put = running.client.put_object().bucket(BUCKET).key("key").metadata("id", "7").tagging("a=b");
    let first = put.content_type("text/plain").body(b"one".to_vec().into()).send().await.unwrap();
    let (first, etag) = (first.version_id.unwrap(), first.e_tag);
    let second = running.put("key", b"two").await.unwrap();
    running.put("gone", b"three").await;
    running.client.delete_object().bucket(BUCKET).key("gone").send().await.unwrap();
    let upload = running.client.create_multipart_upload().bucket(BUCKET).key("parts").send().await.unwrap();
    let id = upload.upload_id.unwrap();
    let part = running.client.upload_part().bucket(BUCKET).key("parts").upload_id(&id).part_number(1);
    let part = part.body(b"part".to_vec().into()).send().await.unwrap();

    let mut running = running.restart().await;
    let list = running.client.list_object_versions().bucket(BUCKET).send().await.unwrap();
    let ids: Vec<_> = list.versions().iter().filter_map(|version| version.version_id()).collect();
    assert_eq!(ids[1..], [second.as_str(), first.as_str()], "newest first, as before");
    assert_eq!(list.delete_markers().len(), 1);
    assert_eq!((running.get("key").await.unwrap(), running.get("gone").await), (b"two".to_vec(), None));
    let old = running.client.get_object().bucket(BUCKET).key("key").version_id(&first).send().await.unwrap();
    assert_eq!((old.e_tag, old.content_type.as_deref(), old.tag_count), (etag, Some("text/plain"), Some(1)));
    assert_eq!(old.metadata.unwrap()["id"], "7");
    assert_eq!(old.body.collect().await.unwrap().to_vec(), b"one");
    let cors = running.client.get_bucket_cors().bucket(BUCKET).send().await.unwrap();
    assert_eq!(cors.cors_rules()[0].allowed_methods(), ["PUT"]);

    let completed = CompletedPart::builder().part_number(1).set_e_tag(part.e_tag);
    let completed = completed.set_checksum_crc32(part.checksum_crc32).build();
    let completed = CompletedMultipartUpload::builder().parts(completed).build();
    let complete = running.client.complete_multipart_upload().bucket(BUCKET).key("parts").upload_id(id);
    complete.multipart_upload(completed).send().await.unwrap();
    assert_eq!(running.get("parts").await.unwrap(), b"part");
    let event = running.created.recv().await.unwrap();
    assert_eq!(event.key, "parts", "what was created before the restart is not told again");
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_not_there() {
    let running = Running::start(BucketSettings::default()).await;
    running.put("whole", b"whole").await;
    let whole = only_file(&folder(&running, "contents"));
    let record = only_file(&folder(&running, "versions"));
    // Died while the bytes came; after they were moved, before the record was; while a bucket or
    // an upload was made or removed.
    fs::write(running.data.path().join("incoming/x"), b"half").unwrap();
    fs::write(folder(&running, "contents").join("unrecorded"), b"bytes").unwrap();
    fs::create_dir_all(running.data.path().join("buckets/halfmade/versions")).unwrap();
    fs::create_dir_all(running.data.path().join("uploads/halfmade/parts")).unwrap();
    // A power failure cut short a record, and the contents of another.
    let text = fs::read_to_string(&record).unwrap();
    fs::write(folder(&running, "versions").join("cut.json"), &text[..text.len() / 2]).unwrap();
    let id = whole.file_name().unwrap().to_str().unwrap();
    let short = text.replace(id, "short").replace("\"whole\"", "\"short\"");
    fs::write(folder(&running, "versions").join("short.json"), short).unwrap();
    fs::write(folder(&running, "contents").join("short"), b"who").unwrap();

    let running = running.restart().await;
    assert_eq!(running.get("whole").await.unwrap(), b"whole");
    assert_eq!(running.get("short").await, None);
    let list = running.client.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    assert_eq!(list.contents().len(), 1);
    assert_eq!(running.client.list_buckets().send().await.unwrap().buckets().len(), 1);
    assert_eq!(files(running.data.path()), 3, "the bucket, a record and its contents");
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_replacement_leaves_the_new_object() {
    let running = Running::start(BucketSettings::default()).await;
    running.put("key", b"old").await;
    let (contents, versions) = (folder(&running, "contents"), folder(&running, "versions"));
    let saved = [only_file(&contents), only_file(&versions)].map(|path| (fs::read(&path).unwrap(), path));
    running.put("key", b"new").await;
    for (bytes, path) in saved {
        assert!(!path.exists());
        fs::write(path, bytes).unwrap();
    }
    let running = running.restart().await;
    assert_eq!(running.get("key").await.unwrap(), b"new");
    assert_eq!(files(running.data.path()), 3, "the old one is gone for good");
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_is_an_error() {
    let running = Running::start(BucketSettings::default()).await;
    fs::write(running.data.path().join("buckets").join(BUCKET).join("bucket.json"), b"{").unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let data = running.data.path().to_owned();
    assert!(S3::start(listener, data, running.access.clone()).await.is_err());
}
