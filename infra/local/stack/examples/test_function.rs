//! The function that the tests of this crate run: it does what its event says.
//!
//! An event (or the JSON body of an HTTP request, or of a message) has a member `do`: `fail`,
//! `hang`, `exit`, `answer_and_exit`, `allocate`, `environment`, `sleep`, `answer`; without one the event itself is the answer.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, env, fs, io::Write, net::TcpStream, path::Path, thread, time::Duration};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if let Ok(code) = env::var("EXIT_AT_START") {
        std::process::exit(code.parse()?);
    }
    println!("started as {}", env::args().next().unwrap_or_default());
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(invocation: LambdaEvent<Value>) -> Result<Value, Error> {
    let event = invocation.payload;
    if let Some(records) = event["Records"].as_array()
        && records.iter().any(|record| record["eventSource"] == "aws:sqs")
    {
        return batch(records).await;
    }
    if event["version"] == "2.0" {
        let order: Value =
            event["body"].as_str().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
        return match order["do"].as_str() {
            Some(_) => obey(&order, &invocation.context).await,
            None => Ok(json!({
                "statusCode": 200,
                "headers": { "content-type": "application/json" },
                "body": event.to_string(),
            })),
        };
    }
    match event["do"].as_str() {
        Some(_) => obey(&event, &invocation.context).await,
        None => Ok(event),
    }
}

/// Each message is an order; those that fail are reported.
async fn batch(records: &[Value]) -> Result<Value, Error> {
    let mut failures = Vec::new();
    for record in records {
        let body: Value =
            serde_json::from_str(record["body"].as_str().unwrap_or_default()).unwrap_or_default();
        if body["do"] == "exit" {
            std::process::exit(1);
        }
        if body["do"] == "fail" {
            failures.push(json!({ "itemIdentifier": record["messageId"] }));
        }
        if let Some(path) = body["append_to"].as_str() {
            let seen = fs::read_to_string(path).unwrap_or_default();
            fs::write(path, format!("{seen}{record}\n"))?;
        }
    }
    Ok(json!({ "batchItemFailures": failures }))
}

async fn obey(order: &Value, context: &lambda_runtime::Context) -> Result<Value, Error> {
    match order["do"].as_str().unwrap_or_default() {
        "answer" => Ok(match (&order["times"], order["answer"].as_str()) {
            (Value::Number(times), Some(text)) => json!(text.repeat(times.as_u64().unwrap_or(1) as usize)),
            _ => order["answer"].clone(),
        }),
        "fail" => Err("as ordered, with the secret 12345".into()),
        "answer_and_exit" => answer_and_exit(order, &context.request_id),
        "exit" => std::process::exit(order["code"].as_i64().unwrap_or(1) as i32),
        "sleep" => {
            tokio::time::sleep(Duration::from_millis(order["milliseconds"].as_u64().unwrap_or(0))).await;
            Ok(json!(std::process::id()))
        }
        "hang" => loop {
            // Blocks the whole runtime, so that even a lost connection goes unnoticed.
            thread::park();
        },
        "allocate" => {
            let block = vec![1_u8; order["mib"].as_u64().unwrap_or(0) as usize * 1024 * 1024];
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(json!(block.len()))
        }
        "environment" => {
            let variables: BTreeMap<String, String> = env::vars().collect();
            let folder = env::current_dir()?;
            let files: Vec<String> = fs::read_dir(&folder)?
                .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
                .collect();
            Ok(json!({
                "variables": variables,
                "folder": folder,
                "files": files,
                "arguments": env::args().collect::<Vec<_>>(),
                "process": std::process::id(),
                "context": Map::from_iter([
                    ("request_id".to_owned(), json!(context.request_id)),
                    ("deadline".to_owned(), json!(context.deadline)),
                    ("arn".to_owned(), json!(context.invoked_function_arn)),
                    ("trace".to_owned(), json!(context.xray_trace_id)),
                ]),
            }))
        }
        other => Err(format!("an unknown order: {other}").into()),
    }
}

/// Posts its id as the answer itself, so that it can end between that and the question for the next
/// event; not before the file `once` is there, if one is named.
fn answer_and_exit(order: &Value, request_id: &str) -> Result<Value, Error> {
    let api = env::var("AWS_LAMBDA_RUNTIME_API")?;
    let answer = std::process::id().to_string();
    let mut connection = TcpStream::connect(&api)?;
    write!(
        connection,
        "POST /2018-06-01/runtime/invocation/{request_id}/response HTTP/1.1\r\nhost: {api}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    )?;
    // To its end: the answer is taken then.
    std::io::read_to_string(connection)?;
    while let Some(path) = order["once"].as_str()
        && !Path::new(path).exists()
    {
        thread::yield_now();
    }
    std::process::exit(0)
}
