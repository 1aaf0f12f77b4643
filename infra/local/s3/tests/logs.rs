//! A signed URL is a secret: it stands in no log and in no answer (C-06).
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]
#![allow(dead_code, unreachable_pub, reason = "not every test uses all of the support")]

mod support;

use airlock_local_s3::BucketSettings;
use std::{
    io,
    sync::{Arc, Mutex},
};
use support::{BUCKET, Running, for_five_minutes};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_most_verbose_log_has_no_signature_but_has_failures() {
    let log = Log::default();
    // The clients of this test log what they send; the server's own log is what counts.
    let filter = "s3s=trace,airlock_local_s3=trace";
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(log.clone()).init();
    let running = Running::start(BucketSettings::default()).await;
    running.put("key", b"x").await;
    let get =
        running.client.get_object().bucket(BUCKET).key("key").presigned(for_five_minutes()).await.unwrap();
    running.send(&get, b"", &[]).await;
    let (_, signature) = get.uri().split_once("X-Amz-Signature=").unwrap();
    let wrong = get.uri().replace("/key?", "/kez?");
    let refused = running.http.get(wrong).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    let refused = refused.text().await.unwrap();

    let contents = running.data.path().join("buckets").join(BUCKET).join("contents");
    std::fs::remove_dir_all(contents).unwrap();
    let put = running.client.put_object().bucket(BUCKET).key("key").body(b"y".to_vec().into()).send().await;
    assert_eq!(support::refused(put), (500, "InternalError".to_owned()));

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("/quarantine/key") && log.contains("cannot use its files"), "{log}");
    for secret in [signature, "X-Amz-Signature", "X-Amz-Credential", "Signature="] {
        assert!(!log.contains(secret), "{secret} in {log}");
        assert!(!refused.contains(secret), "{secret} in {refused}");
    }
}
