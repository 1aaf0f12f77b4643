//! Multipart uploads.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(dead_code, unreachable_pub, reason = "not every test uses all of the support")]

mod support;

use airlock_local_s3::BucketSettings;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
};
use support::{BUCKET, Running, error, files, refused};

const LARGE: usize = 5 * 1024 * 1024;

async fn start(running: &Running, algorithm: ChecksumAlgorithm, kind: ChecksumType) -> String {
    let start = running.client.create_multipart_upload().bucket(BUCKET).key("key").content_type("video/mp4");
    let started = start.checksum_algorithm(algorithm).checksum_type(kind).send().await.unwrap();
    started.upload_id.unwrap()
}

async fn part(
    running: &Running,
    id: &str,
    number: i32,
    algorithm: ChecksumAlgorithm,
    body: Vec<u8>,
) -> CompletedPart {
    let part = running.client.upload_part().bucket(BUCKET).key("key").upload_id(id).part_number(number);
    let sent = part.checksum_algorithm(algorithm).body(body.into()).send().await.unwrap();
    CompletedPart::builder()
        .part_number(number)
        .set_e_tag(sent.e_tag)
        .set_checksum_sha256(sent.checksum_sha256)
        .set_checksum_crc32(sent.checksum_crc32)
        .build()
}

fn complete(
    running: &Running,
    id: &str,
    parts: &[CompletedPart],
) -> aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder {
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec())).build();
    running.client.complete_multipart_upload().bucket(BUCKET).key("key").upload_id(id).multipart_upload(parts)
}

#[tokio::test]
async fn parts_become_one_object_and_can_still_be_told_apart() {
    let mut running = Running::start(BucketSettings::default()).await;
    let id = start(&running, ChecksumAlgorithm::Sha256, ChecksumType::Composite).await;
    let mut parts = Vec::new();
    for (number, body) in [(7, b"tail".to_vec()), (2, vec![b'a'; LARGE])] {
        parts.insert(0, part(&running, &id, number, ChecksumAlgorithm::Sha256, body).await);
    }
    // A part that is sent again takes the place of the first.
    parts[1] = part(&running, &id, 7, ChecksumAlgorithm::Sha256, b"end".to_vec()).await;
    let listed = running.client.list_parts().bucket(BUCKET).key("key").upload_id(&id).send().await.unwrap();
    let sizes: Vec<_> = listed.parts().iter().map(|part| (part.part_number, part.size)).collect();
    assert_eq!(sizes, [(Some(2), Some(LARGE as i64)), (Some(7), Some(3))]);
    assert_eq!(running.get("key").await, None, "there is no object before it is complete");
    complete(&running, &id, &parts).send().await.unwrap();

    let head = running.client.head_object().bucket(BUCKET).key("key").checksum_mode(ChecksumMode::Enabled);
    let head = head.send().await.unwrap();
    // Each is the digest of the digests of the parts, by sha256sum and md5sum.
    assert_eq!(head.checksum_sha256.as_deref(), Some("CCs1a+1DlLxspT19ARp9eg2ZuO4lvUykB7Orxi45QJg=-2"));
    assert_eq!(head.e_tag.as_deref(), Some("\"cc8f6f16b44b75adde6349ab98aee432-2\""));
    assert_eq!(
        (head.content_type.as_deref(), head.content_length),
        (Some("video/mp4"), Some(LARGE as i64 + 3))
    );
    assert!(running.get("key").await.unwrap().ends_with(b"aend"));
    let second = running.client.get_object().bucket(BUCKET).key("key").part_number(2).send().await.unwrap();
    assert_eq!(
        (second.parts_count, second.body.collect().await.unwrap().to_vec()),
        (Some(2), b"end".to_vec())
    );
    let event = running.created.recv().await.unwrap();
    assert_eq!((event.event_name, event.size), ("ObjectCreated:CompleteMultipartUpload", LARGE as u64 + 3));

    assert_eq!(refused(complete(&running, &id, &parts).send().await), error(404, "NoSuchUpload"));
    assert_eq!(files(&running.data.path().join("uploads")), 0);
    // A copy is one piece with a checksum of all of it.
    let copy = running.client.copy_object().bucket(BUCKET).key("copy").copy_source(format!("{BUCKET}/key"));
    let copied = copy.send().await.unwrap().copy_object_result.unwrap();
    assert_eq!(copied.e_tag.as_deref(), Some("\"00fcaf67877810f211d184c142b58170\""));
    assert_eq!(copied.checksum_sha256.as_deref(), Some("UGe/SuCa6fZHAGL0NpUHVtfDTGmPXRbK7CMCXQ2LflY="));
}

#[tokio::test]
async fn a_checksum_can_cover_all_of_the_object() {
    let running = Running::start(BucketSettings::default()).await;
    let id = start(&running, ChecksumAlgorithm::Crc32, ChecksumType::FullObject).await;
    let parts = [
        part(&running, &id, 1, ChecksumAlgorithm::Crc32, vec![b'a'; LARGE]).await,
        part(&running, &id, 2, ChecksumAlgorithm::Crc32, b"end".to_vec()).await,
    ];
    let wrong = complete(&running, &id, &parts).checksum_crc32("AAAAAA==").send().await;
    assert_eq!(refused(wrong), error(400, "BadDigest"));
    let done = complete(&running, &id, &parts).send().await.unwrap();
    assert_eq!(done.checksum_crc32.as_deref(), Some("JZ3nOw=="));
}

#[tokio::test]
async fn what_does_not_fit_together_is_refused() {
    let running = Running::start(BucketSettings::default()).await;
    running.put("key", b"there").await;
    let id = start(&running, ChecksumAlgorithm::Sha256, ChecksumType::Composite).await;
    let first = part(&running, &id, 1, ChecksumAlgorithm::Sha256, b"small".to_vec()).await;
    let second = part(&running, &id, 2, ChecksumAlgorithm::Sha256, b"small too".to_vec()).await;
    let bare = CompletedPart::builder().part_number(1).set_e_tag(first.e_tag.clone()).build();
    let other = CompletedPart::builder().part_number(1).set_e_tag(second.e_tag.clone()).build();
    for (parts, code) in [
        (vec![first.clone(), second.clone()], "EntityTooSmall"),
        (vec![second.clone(), first.clone()], "InvalidPartOrder"),
        (vec![other], "InvalidPart"),
        (vec![bare], "InvalidRequest"),
        (vec![], "MalformedXML"),
    ] {
        assert_eq!(refused(complete(&running, &id, &parts).send().await), error(400, code));
    }
    let again = complete(&running, &id, std::slice::from_ref(&first)).if_none_match("*").send().await;
    assert_eq!(refused(again), error(412, "PreconditionFailed"));
    let upload =
        || running.client.upload_part().bucket(BUCKET).key("key").upload_id(&id).body(b"x".to_vec().into());
    let wrong = upload().part_number(1).checksum_algorithm(ChecksumAlgorithm::Crc32).send().await;
    assert_eq!(refused(wrong), error(400, "InvalidRequest"));
    let digest = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let wrong = upload().part_number(1).checksum_sha256(digest).send().await;
    assert_eq!(refused(wrong), error(400, "BadDigest"));
    assert_eq!(refused(upload().part_number(0).send().await), error(400, "InvalidArgument"));

    let uploads = running.client.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
    assert_eq!(uploads.uploads()[0].upload_id(), Some(id.as_str()));
    running.client.abort_multipart_upload().bucket(BUCKET).key("key").upload_id(&id).send().await.unwrap();
    assert_eq!(files(&running.data.path().join("uploads")), 0);
    assert_eq!(refused(complete(&running, &id, &[first]).send().await), error(404, "NoSuchUpload"));
    assert_eq!(running.get("key").await.unwrap(), b"there");
}
