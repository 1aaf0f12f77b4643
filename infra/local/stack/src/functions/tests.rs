//! Runs `examples/test_function.rs` as a function.

use super::{Blueprint, Functions, WhenBusy, error::InvokeError};
use airlock_local_access::{Access, Principal};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

/// Built by cargo along with the tests.
pub(crate) fn executable() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.ancestors().nth(2).unwrap().join("examples/test_function")
}

pub(crate) fn blueprint(id: &str) -> Blueprint {
    Blueprint {
        logical_id: id.to_owned(),
        name: id.to_lowercase(),
        arn: format!("arn:aws:lambda:us-east-1:000000000000:function:{id}"),
        executable: executable(),
        access: Access::new(),
        environment: [
            ("AWS_LAMBDA_FUNCTION_NAME", id),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("ONLY_MINE", id),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into(),
        timeout: Duration::from_secs(20),
        memory: 128,
        reserved: None,
    }
}

fn functions(changed: impl FnOnce(&mut Blueprint)) -> Arc<Functions> {
    let mut blueprint = blueprint("Tested");
    changed(&mut blueprint);
    Arc::new(Functions::new(vec![blueprint]))
}

async fn invoke(functions: &Functions, event: Value) -> Result<Value, InvokeError> {
    let payload = functions.invoke("Tested", event.to_string().into(), WhenBusy::Refuse).await?;
    Ok(serde_json::from_slice(&payload).unwrap())
}

/// The type of the error that the invocation ends with.
async fn failure(functions: &Functions, event: Value) -> String {
    match invoke(functions, event).await {
        Err(InvokeError::Function(error)) => error.error_type,
        other => panic!("{other:?}"),
    }
}

fn is_running(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // A zombie waits for its parent and runs no more.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

pub(crate) async fn eventually(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap();
}

#[tokio::test]
async fn a_process_is_kept_for_the_next_event() {
    let functions = functions(|_| {});
    assert!(functions.processes("Tested").is_empty(), "no process before the first event");
    let first = invoke(&functions, json!({ "do": "sleep" })).await.unwrap();
    let second = invoke(&functions, json!({ "do": "sleep" })).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(json!(functions.processes("Tested")), json!([first]));
}

#[tokio::test]
async fn functions_answer_to_id_name_and_arn() {
    let functions = functions(|_| {});
    for name in ["Tested", "tested", "arn:aws:lambda:us-east-1:000000000000:function:Tested"] {
        assert_eq!(functions.invoke(name, "[1]".into(), WhenBusy::Refuse).await.unwrap(), "[1]");
    }
    let unknown = functions.invoke("Other", "{}".into(), WhenBusy::Refuse).await;
    assert!(matches!(unknown, Err(InvokeError::UnknownFunction(name)) if name == "Other"));
}

#[tokio::test]
async fn a_process_has_its_own_environment_and_nothing_else() {
    let functions = functions(|_| {});
    let seen = invoke(&functions, json!({ "do": "environment" })).await.unwrap();
    let variables: BTreeMap<String, String> = serde_json::from_value(seen["variables"].clone()).unwrap();
    let names: Vec<&str> = variables.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "AWS_ACCESS_KEY_ID",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            "AWS_LAMBDA_FUNCTION_NAME",
            "AWS_LAMBDA_FUNCTION_VERSION",
            "AWS_LAMBDA_LOG_STREAM_NAME",
            "AWS_LAMBDA_RUNTIME_API",
            "AWS_SECRET_ACCESS_KEY",
            "ONLY_MINE",
            // Set by the runtime of the function itself, from a header of the event.
            "_X_AMZN_TRACE_ID",
        ]
    );
    assert_eq!(seen["arguments"], json!(["tested"]));
    assert_eq!(seen["files"], json!([]));
    assert_eq!(seen["context"]["arn"], "arn:aws:lambda:us-east-1:000000000000:function:Tested");
    assert_eq!(
        seen["context"]["trace"].as_str().unwrap().len(),
        "Root=1-12345678-123456789012345678901234".len()
    );
    let key = variables["AWS_ACCESS_KEY_ID"].as_str();
    let access = &functions.find("Tested").unwrap().blueprint().access;
    assert_eq!(access.principal(key), Some(Principal::Function("Tested".to_owned())));
    let remaining = seen["context"]["deadline"].as_i64().unwrap()
        - (time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64;
    assert!((10_000..=20_000).contains(&remaining), "{remaining} ms to the deadline");
    functions.stop().await;
    assert!(!PathBuf::from(seen["folder"].as_str().unwrap()).exists());
}

#[tokio::test]
async fn a_reported_failure_keeps_the_process() {
    let functions = functions(|_| {});
    let error = invoke(&functions, json!({ "do": "fail" })).await.unwrap_err();
    assert!(error.to_string().contains("as ordered"), "{error}");
    let before = functions.processes("Tested");
    invoke(&functions, json!({})).await.unwrap();
    assert_eq!(functions.processes("Tested"), before);
}

#[tokio::test]
async fn a_function_over_its_time_is_killed() {
    let functions = functions(|blueprint| blueprint.timeout = Duration::from_millis(300));
    assert_eq!(failure(&functions, json!({ "do": "hang" })).await, "Sandbox.Timedout");
    assert!(functions.processes("Tested").is_empty());
    let next = invoke(&functions, json!({ "do": "sleep" })).await.unwrap();
    assert!(is_running(next.as_u64().unwrap() as u32), "a fresh process takes the next event");
}

#[tokio::test]
async fn a_crash_costs_one_event() {
    let functions = functions(|_| {});
    let before = invoke(&functions, json!({ "do": "sleep" })).await.unwrap();
    let error = invoke(&functions, json!({ "do": "exit", "code": 7 })).await.unwrap_err();
    assert!(error.to_string().starts_with("Runtime.ExitError"), "{error}");
    assert!(error.to_string().ends_with("exit status 7"), "{error}");
    let after = invoke(&functions, json!({ "do": "sleep" })).await.unwrap();
    assert_ne!(before, after);
}

#[tokio::test]
async fn a_process_that_died_idle_costs_nothing() {
    let functions = functions(|_| {});
    let idle = invoke(&functions, json!({ "do": "sleep" })).await.unwrap().as_u64().unwrap() as u32;
    let pid = rustix::process::Pid::from_raw(idle as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    eventually(|| !is_running(idle)).await;
    assert_ne!(invoke(&functions, json!({ "do": "sleep" })).await.unwrap(), json!(idle));
}

#[tokio::test]
async fn a_process_that_cannot_start_is_reported() {
    let functions = functions(|blueprint| {
        blueprint.environment.insert("EXIT_AT_START".to_owned(), "3".to_owned());
    });
    assert_eq!(failure(&functions, json!({})).await, "Runtime.ExitError");
    assert!(functions.processes("Tested").is_empty());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_function_over_its_memory_is_killed() {
    let functions = functions(|_| {});
    let error = invoke(&functions, json!({ "do": "allocate", "mib": 200 })).await.unwrap_err();
    assert!(error.to_string().ends_with("signal: killed"), "{error}");
}

#[tokio::test]
async fn payloads_have_a_limit_in_both_directions() {
    let functions = functions(|_| {});
    let large = "x".repeat(super::PAYLOAD_LIMIT - 100);
    let answer = invoke(&functions, json!({ "large": large })).await.unwrap();
    assert_eq!(answer["large"].as_str().unwrap().len(), large.len());
    let larger = json!({ "large": "x".repeat(super::PAYLOAD_LIMIT) });
    assert!(matches!(invoke(&functions, larger).await, Err(InvokeError::TooLarge(_))));
    let inflated = json!({ "do": "answer", "times": 7 * 1_048_576, "answer": "x" });
    assert_eq!(failure(&functions, inflated).await, "Function.ResponseSizeTooLarge");
}

#[tokio::test]
async fn reserved_concurrency_is_kept() {
    let functions = functions(|blueprint| blueprint.reserved = Some(1));
    let busy = tokio::spawn({
        let functions = functions.clone();
        async move { invoke(&functions, json!({ "do": "sleep", "milliseconds": 500 })).await }
    });
    eventually(|| !functions.processes("Tested").is_empty()).await;
    assert!(matches!(invoke(&functions, json!({})).await, Err(InvokeError::Throttled(_))));
    let waited = functions
        .invoke("Tested", json!({ "do": "sleep" }).to_string().into(), WhenBusy::Wait)
        .await
        .unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&waited).unwrap(), busy.await.unwrap().unwrap());
}

#[tokio::test]
async fn events_at_the_same_time_get_processes_of_their_own() {
    let functions = functions(|_| {});
    let nap = || invoke(&functions, json!({ "do": "sleep", "milliseconds": 300 }));
    let (one, two) = tokio::join!(nap(), nap());
    assert_ne!(one.unwrap(), two.unwrap());
}

#[tokio::test]
async fn nothing_is_left_after_a_stop() {
    let functions = functions(|_| {});
    let idle = invoke(&functions, json!({ "do": "sleep" })).await.unwrap().as_u64().unwrap() as u32;
    let busy = tokio::spawn({
        let functions = functions.clone();
        async move {
            let nap = || invoke(&functions, json!({ "do": "hang" }));
            tokio::join!(nap(), nap())
        }
    });
    eventually(|| functions.processes("Tested").len() == 2).await;
    let all = functions.processes("Tested");
    assert!(all.contains(&idle));
    tokio::time::timeout(Duration::from_secs(2), functions.stop()).await.unwrap();
    assert!(!all.into_iter().any(is_running));
    let (one, two) = busy.await.unwrap();
    assert!(matches!((one, two), (Err(InvokeError::Stopping), Err(InvokeError::Stopping))));
    assert!(matches!(invoke(&functions, json!({})).await, Err(InvokeError::Stopping)));
}

#[tokio::test]
async fn a_process_that_ends_after_its_answer_costs_nothing() {
    // With one process at a time, the next event waits for the place of the one that ends.
    for reserved in [None, Some(1)] {
        let functions = functions(|blueprint| blueprint.reserved = reserved);
        let mut seen = Vec::new();
        for _ in 0..10 {
            seen.push(invoke(&functions, json!({ "do": "answer_and_exit" })).await.unwrap());
        }
        seen.dedup();
        assert_eq!(seen.len(), 10, "each is answered by a process of its own: {seen:?}");
        let next = invoke(&functions, json!({ "do": "sleep" })).await.unwrap();
        assert_eq!(json!(functions.processes("Tested")), json!([next]));
    }
}

#[tokio::test]
async fn an_event_is_not_given_to_a_process_that_does_not_ask_for_it() {
    let functions = functions(|blueprint| blueprint.reserved = Some(1));
    let folder = tempfile::tempdir().unwrap();
    let leave = folder.path().join("leave");
    let order = json!({ "do": "answer_and_exit", "once": leave });
    let lingering = invoke(&functions, order).await.unwrap();
    let next = tokio::spawn({
        let functions = functions.clone();
        async move { functions.invoke("Tested", r#"{"do":"sleep"}"#.into(), WhenBusy::Wait).await }
    });
    // Lets the event go as far as it goes while the process is there.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(is_running(lingering.as_u64().unwrap() as u32));
    std::fs::write(leave, "").unwrap();
    let next: Value = serde_json::from_slice(&next.await.unwrap().unwrap()).unwrap();
    assert_ne!(next, lingering);
}

#[tokio::test]
async fn a_process_that_neither_asks_nor_ends_is_replaced() {
    let functions = functions(|blueprint| blueprint.timeout = Duration::from_millis(300));
    let order = json!({ "do": "answer_and_exit", "once": "/there is no such file" });
    let stuck = invoke(&functions, order).await.unwrap();
    assert_ne!(invoke(&functions, json!({ "do": "sleep" })).await.unwrap(), stuck);
    assert!(!is_running(stuck.as_u64().unwrap() as u32));
}

#[tokio::test]
async fn a_page_gets_no_event_and_ends_no_process() {
    let functions = functions(|_| {});
    let seen = invoke(&functions, json!({ "do": "environment" })).await.unwrap();
    let address = seen["variables"]["AWS_LAMBDA_RUNTIME_API"].as_str().unwrap();
    let runtime = format!("http://{address}/2018-06-01/runtime");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let port = address.rsplit_once(':').unwrap().1;
    for (name, value) in [
        ("origin", "https://evil.example".to_owned()),
        ("sec-fetch-site", "cross-site".to_owned()),
        ("user-agent", "Mozilla/5.0".to_owned()),
        ("host", format!("evil.example:{port}")),
    ] {
        for request in
            [http.get(format!("{runtime}/invocation/next")), http.post(format!("{runtime}/init/error"))]
        {
            let answer = request.header(name, &value).send().await.unwrap();
            assert_eq!(answer.status(), 403, "{name}: {value}");
            assert!(answer.headers().get("access-control-allow-origin").is_none());
        }
    }
    let next = invoke(&functions, json!({ "do": "sleep" })).await.unwrap();
    assert_eq!(next, seen["process"], "the process goes on");
}
