//! Nothing signed and nothing secret in any output (C-06): the whole command, at its most verbose,
//! through the golden path and every error path, and a search through all that it printed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Child, Command, Stdio},
};
use support::{eicar, eventually, person::sha256};

/// What must not stand in any output.
const SECRETS: [&str; 7] = [
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "Signature=",
    "Bearer ",
    "Cookie: ",
    "X5O!P%@AP",
];

/// The command, stopped when the test is over.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn json_of(request: reqwest::RequestBuilder) -> Value {
    request.send().await.unwrap().json().await.unwrap()
}

async fn ready(file: &Path) -> Value {
    eventually("the ready file appears", || async {
        std::fs::read_to_string(file).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok())
    })
    .await
}

#[tokio::test]
async fn c06_nothing_secret_in_any_output_at_the_most_verbose_level() {
    let folder = tempfile::tempdir().unwrap();
    let output = |name: &str| std::fs::File::create(folder.path().join(name)).unwrap();
    let mut running = Running(
        Command::new(env!("CARGO_BIN_EXE_airlock"))
            .args(["local", "--api-port", "0", "--log", "trace", "--ready-file"])
            .arg(folder.path().join("ready.json"))
            .env("XDG_RUNTIME_DIR", folder.path())
            .stdout(Stdio::from(output("stdout")))
            .stderr(Stdio::from(output("stderr")))
            .spawn()
            .unwrap(),
    );
    let ready = ready(&folder.path().join("ready.json")).await;
    let api = ready["api"].as_str().unwrap();
    let http = reqwest::Client::new();
    let token = json_of(
        http.post(format!("{api}/_local/issuer/token"))
            .header("x-airlock-local-secret", ready["local_secret"].as_str().unwrap())
            .json(&json!({ "tenant": "acme", "user": "ada" })),
    )
    .await;
    let token = token["access_token"].as_str().unwrap();
    let post = |path: &str, body: Value| {
        http.post(format!("{api}{path}")).bearer_auth(token).header("cookie", "session=hidden").json(&body)
    };

    let clean = b"a line of text\n".to_vec();
    for bytes in [clean, eicar()] {
        let body = json!({
            "file_name": "a.txt", "content_type": "text/plain", "size": bytes.len(), "sha256": sha256(&bytes)
        });
        let opened = json_of(post("/uploads", body)).await;
        let mut put = http.put(opened["upload"]["url"].as_str().unwrap());
        for (name, value) in opened["upload"]["headers"].as_object().unwrap() {
            put = put.header(name, value.as_str().unwrap());
        }
        let again = put.try_clone().unwrap();
        assert_eq!(put.body(bytes.clone()).send().await.unwrap().status(), 200);
        assert_eq!(again.body(bytes).send().await.unwrap().status(), 412);
        let id = opened["upload_id"].as_str().unwrap();
        post(&format!("/uploads/{id}/finalize"), json!({})).send().await.unwrap();
        let http = &http;
        eventually("it is settled", || async move {
            let record = json_of(http.get(format!("{api}/uploads/{id}")).bearer_auth(token)).await;
            matches!(record["state"].as_str(), Some("published" | "rejected")).then_some(())
        })
        .await;
        let url = json_of(post(&format!("/objects/{id}/download-url"), json!({}))).await;
        if let Some(url) = url["url"].as_str() {
            assert_eq!(http.get(url).send().await.unwrap().status(), 200);
            assert!(http.get(format!("{url}0")).send().await.unwrap().status().is_client_error());
        }
    }
    // Errors: a body that cannot be read, a token that does not verify, a URL that does not fit.
    post("/uploads", json!([token])).send().await.unwrap();
    http.get(format!("{api}/objects")).bearer_auth(format!("{token}x")).send().await.unwrap();

    let pid = rustix::process::Pid::from_raw(i32::try_from(running.0.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(running.0.wait().unwrap().success(), "SIGTERM stops it cleanly");

    let stderr = std::fs::read_to_string(folder.path().join("stderr")).unwrap();
    let stdout = std::fs::read_to_string(folder.path().join("stdout")).unwrap();
    assert!(stderr.lines().count() > 12, "trace says something:\n{stderr}");
    assert!(stderr.contains("scanned"), "the functions' logs are among it:\n{stderr}");
    let signature = token.rsplit('.').next().unwrap();
    let secret_key = ready["credentials"]["secret_access_key"].as_str().unwrap();
    let local_secret = ready["local_secret"].as_str().unwrap();
    // The token that the command itself prints is another one than this.
    for (name, text) in [("stdout", &stdout), ("stderr", &stderr)] {
        let lower = text.to_lowercase();
        for secret in SECRETS.iter().copied().chain([secret_key, local_secret, signature]) {
            if let Some(at) = lower.find(&secret.to_lowercase()) {
                let start = text.floor_char_boundary(at.saturating_sub(200));
                panic!("{secret:?} in {name}: …{}", &text[start..text.floor_char_boundary(at + 100)]);
            }
        }
    }
}
