//! The connection to the bucket, seen from the other end.

use super::*;
use airlock_objects::id::{ObjectId, ObjectRef};
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::mpsc::{UnboundedSender, unbounded_channel},
};

/// Answers every request with 404, and tells of each connection and of the head of each request.
async fn serve(listener: TcpListener, seen: UnboundedSender<String>) {
    while let Ok((mut connection, _)) = listener.accept().await {
        let seen = seen.clone();
        let _ = seen.send("connected".to_owned());
        tokio::spawn(async move {
            let (read, mut write) = connection.split();
            let mut lines = BufReader::new(read).lines();
            let mut head = String::new();
            while let Ok(Some(line)) = lines.next_line().await {
                head.push_str(&line);
                head.push('\n');
                if line.is_empty() {
                    let _ = seen.send(std::mem::take(&mut head));
                    let _ = write.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
                }
            }
        });
    }
}

#[tokio::test]
async fn the_connection_is_open_before_the_first_call_and_opening_it_is_none() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, mut seen) = unbounded_channel();
    tokio::spawn(serve(listener, sender));
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-central-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .endpoint_url(endpoint)
        .force_path_style(true);
    let quarantine = Quarantine::new(Client::from_conf(config.build()), "quarantine".to_owned());

    quarantine.open().await;
    let key = QuarantineKey::of(&ObjectRef::new("acme".parse().expect("a tenant"), ObjectId::new()));
    assert_eq!(quarantine.head(&key).await.expect("an answer"), None);
    drop(quarantine);

    assert_eq!(seen.recv().await.as_deref(), Some("connected"));
    let opening = seen.recv().await.expect("a request").to_ascii_lowercase();
    assert!(opening.starts_with("head /") && !opening.contains("authorization"), "{opening}");
    let call = seen.recv().await.expect("a request on the same connection").to_ascii_lowercase();
    assert!(call.starts_with("head /quarantine/quarantine/") && call.contains("authorization"), "{call}");
    assert!(seen.is_empty(), "nothing else was sent, over no other connection");
}
