//! A web page that a developer happens to have open while the local stack runs: it may try what a page
//! can, and nothing comes of it.
//!
//! With `AIRLOCK_TEST_CHROMIUM`, the path of a Chromium, the page is a real one in a real browser. Without
//! it the same requests are sent with the headers that a browser would add.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]
#![cfg(target_os = "linux")]

mod support;

use axum::{
    Router,
    response::Html,
    routing::{get, post},
};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use support::{PATIENCE, World, person::id, sample};
use tokio::{net::TcpListener, sync::mpsc};

/// The variable with the path of a Chromium.
const CHROMIUM: &str = "AIRLOCK_TEST_CHROMIUM";
/// How long to wait for a listener that never answers.
const UNANSWERED: Duration = Duration::from_secs(3);

/// Every port that this process listens on, whoever was told of it.
fn listening() -> BTreeSet<u16> {
    let sockets: BTreeSet<String> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok()?.to_str().map(str::to_owned))
        .collect();
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let ours = sockets.contains(&format!("socket:[{}]", fields[9]));
            // 0A: LISTEN.
            (ours && fields[3] == "0A").then(|| u16::from_str_radix(fields[1].split(':').nth(1)?, 16).ok())?
        })
        .collect()
}

/// One request that a page might have something of.
fn attempt(method: &str, path: &str, headers: Value, body: &Value) -> Value {
    json!({ "method": method, "path": path, "headers": headers, "body": body.to_string() })
}

/// What is worth trying against a stack with this published object; each is tried at every port.
fn attempts(world: &World, object_id: &str, key: &str) -> Vec<Value> {
    let ready = world.stack.ready();
    let mut forged: Value =
        serde_json::from_slice(&std::fs::read(event("delete-object-unknown")).unwrap()).unwrap();
    forged["pathParameters"]["object_id"] = json!(object_id);
    let as_json = json!({ "content-type": "application/json", "x-airlock-local-secret": "0".repeat(64) });
    let token = json!({ "authorization": "Bearer a.b.c" });
    let aws = |target: &str, service: &str| {
        json!({
            "content-type": "application/x-amz-json-1.0", "x-amz-target": target, "x-amz-date": "20260101T000000Z",
            "authorization": format!("AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{service}/aws4_request, \
                SignedHeaders=host, Signature=x"),
        })
    };
    let table = json!({ "TableName": ready.table });
    let queue = json!({ "QueueUrl": ready.queues.scan, "MessageBody": "{}" });
    let none = &json!({});
    vec![
        attempt("POST", "/_local/functions/delete-object/invocations", as_json.clone(), &forged),
        attempt("POST", "/_local/functions/rescan-objects/invocations", as_json.clone(), none),
        attempt("POST", "/_local/issuer/token", as_json, &json!({ "tenant": "acme", "user": "eve" })),
        attempt("GET", "/_local/issuer/jwks.json", json!({}), none),
        attempt("GET", "/2018-06-01/runtime/invocation/next", json!({}), none),
        attempt("POST", "/2018-06-01/runtime/init/error", json!({}), &json!({ "errorType": "Forged" })),
        attempt("POST", "/", aws("DynamoDB_20120810.Scan", "dynamodb"), &table),
        attempt("POST", "/", aws("DynamoDB_20120810.DeleteTable", "dynamodb"), &table),
        attempt("POST", "/", aws("AmazonSQS.SendMessage", "sqs"), &queue),
        attempt("GET", &format!("/{}?list-type=2", ready.buckets.published), json!({}), none),
        attempt("DELETE", &format!("/{}/{key}", ready.buckets.published), json!({}), none),
        attempt("GET", "/objects", token.clone(), none),
        attempt("DELETE", &format!("/objects/{object_id}"), token, none),
    ]
}

fn event(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("events").join(name).with_extension("json")
}

/// The attempts at these ports.
fn aimed(attempts: &[Value], ports: &BTreeSet<u16>) -> Vec<Value> {
    let at = |port: &u16, attempt: &Value| {
        let mut aimed = attempt.clone();
        aimed["url"] = json!(format!("http://127.0.0.1:{port}{}", attempt["path"].as_str().unwrap()));
        aimed
    };
    ports.iter().flat_map(|port| attempts.iter().map(move |attempt| at(port, attempt))).collect()
}

/// A browser with a profile of its own; gone with all its processes when this is dropped.
struct Browser {
    process: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    fn open(chromium: &str, page: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let process = Command::new(chromium)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--no-proxy-server"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(page)
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("{CHROMIUM}={chromium}: {error}"));
        Self { process, _profile: profile }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.process);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.process.wait();
    }
}

/// Opens the page in the browser; answers what it could read.
async fn in_browser(chromium: &str, listener: TcpListener, attempts: &[Value]) -> Vec<String> {
    let page = format!("http://{}/", listener.local_addr().unwrap());
    let listed = json!(attempts).to_string().replace('<', "\\u003c");
    let html = include_str!("foreign_page.html").replace("ATTEMPTS", &listed);
    let (sender, mut results) = mpsc::unbounded_channel();
    let result = move |body: String| async move {
        let _ = sender.send(body);
    };
    let router = Router::new().route("/", get(|| async { Html(html) })).route("/result", post(result));
    let server = tokio::spawn(async { axum::serve(listener, router).await });
    let browser = Browser::open(chromium, &page);
    let result = tokio::time::timeout(2 * PATIENCE, results.recv()).await.expect("the page comes to its end");
    let result: Value = serde_json::from_str(&result.unwrap()).unwrap();
    assert!(result["made"].as_u64().unwrap() >= attempts.len() as u64, "{result}");
    drop(browser);
    server.abort();
    serde_json::from_value(result["read"].clone()).unwrap()
}

/// Sends what a browser would send for the page at `origin`; answers what it would let it read.
async fn as_browser(origin: &str, attempts: &[Value]) -> Vec<String> {
    let http = reqwest::Client::builder().no_proxy().timeout(UNANSWERED).build().unwrap();
    let mut sending = Vec::new();
    for attempt in attempts {
        let (http, attempt, origin) = (http.clone(), attempt.clone(), origin.to_owned());
        sending.push(tokio::spawn(async move {
            let method: Method = attempt["method"].as_str().unwrap().parse().unwrap();
            let url = attempt["url"].as_str().unwrap();
            let request = |method: &Method, mode: &str| {
                let request = http.request(method.clone(), url).header("sec-fetch-site", "same-site");
                request.header("sec-fetch-mode", mode.to_owned()).header("user-agent", "Mozilla/5.0")
            };
            let body = attempt["body"].as_str().unwrap().to_owned();
            let mut answers = Vec::new();
            let preflight = request(&Method::OPTIONS, "cors")
                .header(header::ORIGIN, &origin)
                .header(header::ACCESS_CONTROL_REQUEST_METHOD, method.as_str())
                .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type,x-airlock-local-secret");
            answers.push(preflight.send().await);
            if method != Method::DELETE {
                let simple = request(&method, "cors").header(header::ORIGIN, &origin);
                answers
                    .push(simple.header(header::CONTENT_TYPE, "text/plain").body(body.clone()).send().await);
                let opaque = request(&method, "no-cors");
                answers.push(opaque.header(header::CONTENT_TYPE, "text/plain").body(body).send().await);
            }
            let readable = |response: &reqwest::Response| {
                let allowed = response.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
                allowed.is_some_and(|allowed| allowed == "*" || allowed == origin.as_str())
            };
            answers
                .into_iter()
                .flatten()
                .filter(readable)
                .map(|response| format!("{method} {}", response.url()))
                .collect()
        }));
    }
    let mut read = Vec::<String>::new();
    for answers in sending {
        read.extend::<Vec<String>>(answers.await.unwrap());
    }
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_can_neither_call_a_function_nor_read_an_answer() {
    let world = World::start().await;
    let ada = world.ada();
    let bytes = sample("sample.png");
    let object_id = id(&ada.upload("a.png", "image/png", &bytes).await);
    let object = format!("/objects/{object_id}");
    // So that its processes, and what they talk to, are there.
    assert_eq!(ada.get(&object).await.status, 200);
    let ready = world.stack.ready();
    let key = world.keys(&ready.buckets.published).await.pop().unwrap();

    let ports = listening();
    for endpoint in [&ready.api, &ready.endpoints.s3, &ready.endpoints.dynamodb, &ready.endpoints.sqs] {
        let port = endpoint.rsplit(':').next().unwrap().parse().unwrap();
        assert!(ports.contains(&port), "{endpoint} is among {ports:?}");
    }
    assert!(ports.len() > 5, "the Runtime API of each process is among them: {ports:?}");
    let attempts = aimed(&attempts(&world, &object_id, &key), &ports);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let calls = |function: &str| world.calls_of(function).len();
    let functions =
        ["CreateUpload", "DeleteObject", "FinalizeUpload", "GetObject", "ListObjects", "RescanObjects"];
    let before = functions.map(calls);
    let objects = world.keys(&ready.buckets.published).await;

    let read = match std::env::var(CHROMIUM) {
        Ok(chromium) => in_browser(&chromium, listener, &attempts).await,
        Err(_) => as_browser(&origin, &attempts).await,
    };

    // All of it at once, as one hole hides another.
    let depth = world.stack.sqs().depth(world.scan_queue()).unwrap();
    let left = world.keys(&ready.buckets.published).await;
    let called: Vec<&str> = functions
        .into_iter()
        .zip(before)
        .filter(|(name, before)| calls(name) != *before)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        (read, called, left, depth.visible + depth.in_flight),
        (vec![], vec![], objects, 0),
        "answers that the page read, functions that it called, objects that are left, messages it sent"
    );
    // The processes that were there work on: no event of theirs went to the page.
    assert_eq!(ada.get(&object).await.status, StatusCode::OK);
    assert_eq!(ada.download(&object_id).await.bytes().await.unwrap(), bytes);
    world.end().await;
}
