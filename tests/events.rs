//! Every event of events/ replayed through the Runtime API of a fresh stack.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};
use support::World;

/// The events, by file name without its ending.
fn events() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect()
}

/// An answer without what differs from run to run.
fn shown(answer: &Value) -> Value {
    let body: Option<Value> = answer["body"].as_str().and_then(|body| serde_json::from_str(body).ok());
    match body {
        Some(body) if body.get("upload_id").is_some() => {
            let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
            json!({ "statusCode": answer["statusCode"], "fields": fields })
        }
        Some(body) => json!({ "statusCode": answer["statusCode"], "body": body }),
        None => {
            let mut answer = answer.clone();
            if let Some(rules) = answer.get_mut("rules") {
                *rules = json!("the hash of the rule set");
            }
            answer
        }
    }
}

#[tokio::test]
async fn every_event_is_answered_as_documented() {
    let world = World::start().await;
    let functions: Vec<String> =
        world.stack.template().functions.iter().map(|function| function.binary.clone()).collect();
    let mut answers = BTreeMap::new();
    let mut covered = std::collections::BTreeSet::new();
    for (name, event) in events() {
        let function = functions.iter().find(|function| name.starts_with(function.as_str())).unwrap();
        covered.insert(function.clone());
        answers.insert(name, shown(&world.stack.invoke(function, event).await.unwrap()));
    }
    let missing: Vec<&String> = functions.iter().filter(|function| !covered.contains(*function)).collect();
    assert!(missing.is_empty(), "no event for {missing:?}");
    insta::assert_json_snapshot!(answers);
    world.end().await;
}
