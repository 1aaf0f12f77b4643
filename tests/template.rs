//! The local stack follows template.yaml: what has another name there has another name here, with no
//! other edit; and what is not understood there stops it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

mod support;

use airlock_local_access::Principal;
use airlock_local_stack::{NotLocked, Options, Stack, StackError};
use airlock_telemetry::metric::Metric;
use support::{
    World, options,
    person::{Answer, id},
    template,
};

/// The template with something else in it.
fn edited(edits: &[(&str, &str)]) -> tempfile::NamedTempFile {
    let mut text = std::fs::read_to_string(template()).unwrap();
    for (from, to) in edits {
        assert!(text.contains(from), "{from:?} is not in the template");
        text = text.replace(from, to);
    }
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[tokio::test]
async fn a_renamed_route_is_where_it_is_now() {
    let file = edited(&[("Path: /objects }", "Path: /things }")]);
    let world = World::open(options(file.path().to_owned(), &[])).await;
    let ada = world.ada();
    assert_eq!(ada.get("/things").await.status, 200);
    // Not as `ada.get` asks: in the contract, this path has no such answer.
    let gone = world.http.get(format!("{}/objects", world.stack.ready().api)).bearer_auth(&ada.token);
    let gone = Answer::of(gone.send().await.unwrap()).await;
    assert_eq!((gone.status.as_u16(), gone.text.as_str()), (404, r#"{"message":"Not Found"}"#));
    world.end().await;
}

#[tokio::test]
async fn a_renamed_queue_table_and_bucket_carry_the_pipeline_as_before() {
    let file = edited(&[
        ("ScanQueue", "InspectionQueue"),
        ("Registry", "Ledger"),
        ("-quarantine-${AWS::AccountId}", "-holding-${AWS::AccountId}"),
        // The outputs are how the stack tells what is what.
        ("InspectionQueueUrl:", "ScanQueueUrl:"),
        ("LedgerTable:", "RegistryTable:"),
    ]);
    let world = World::open(options(file.path().to_owned(), &[])).await;
    let record = world.ada().upload("a.txt", "text/plain", b"a line of text\n").await;
    assert_eq!(record["state"], "published", "{record}");
    let touched: Vec<String> = world.stack.access().calls().into_iter().map(|call| call.resource).collect();
    for name in ["-InspectionQueue.fifo", "-Ledger"] {
        assert!(touched.iter().any(|resource| resource.ends_with(name)), "{name} in {touched:?}");
    }
    assert!(touched.iter().any(|resource| resource.contains("-holding-000000000000/")));
    world.end().await;
}

#[tokio::test]
async fn a_renamed_variable_is_missed_by_the_function_that_reads_it() {
    let file = edited(&[("MAX_UPLOAD_BYTES", "LARGEST_UPLOAD")]);
    let world = World::open(options(file.path().to_owned(), &[])).await;
    let body = serde_json::json!({ "file_name": "a.txt", "content_type": "text/plain", "size": 1 });
    let answer = world.ada().post("/uploads", body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (500, r#"{"message":"Internal Server Error"}"#)
    );
    world.end().await;
}

#[tokio::test]
async fn a_renamed_index_is_missed_by_the_query_that_uses_it() {
    let file = edited(&[("IndexName: by-tenant", "IndexName: of-tenant")]);
    let world = World::open(options(file.path().to_owned(), &[])).await;
    let answer = world.ada().get("/objects").await;
    assert_eq!(answer.refusal(), (500, "internal".to_owned()), "a fault of ours, and no outage");
    world.end().await;
}

#[tokio::test]
async fn a_folder_of_data_has_one_stack_at_a_time() {
    let data = tempfile::tempdir().unwrap();
    let options = || Options { data: Some(data.path().to_owned()), ..options(template(), &[]) };
    let world = World::open(options()).await;
    let second = Stack::start(options()).await.err().unwrap();
    assert!(matches!(second, StackError::NotLocked(NotLocked::InUse(_))), "{second}");
    assert!(second.to_string().contains(data.path().to_str().unwrap()), "{second}");
    world.end().await;
    World::open(options()).await.end().await;
}

#[tokio::test]
async fn an_unknown_property_stops_the_stack_and_is_named() {
    let file = edited(&[(
        "      BillingMode: PAY_PER_REQUEST",
        "      BillingMode: PAY_PER_REQUEST\n      Colour: red",
    )]);
    let error = Stack::start(options(file.path().to_owned(), &[])).await.err().unwrap().to_string();
    assert!(error.contains("Registry") && error.contains("Colour"), "{error}");
}

#[tokio::test]
async fn what_is_not_simulated_is_listed() {
    let world = World::start().await;
    let listed = world.stack.not_simulated();
    assert!(listed.contains(&"DeadLetterAlarm (AWS::CloudWatch::Alarm)".to_owned()), "{listed:?}");
    world.end().await;
}

#[tokio::test]
async fn t05_each_function_is_a_process_of_its_own_with_a_key_of_its_own() {
    let world = World::start().await;
    let ada = world.ada();
    let record = ada.upload("a.txt", "text/plain", b"a line of text\n").await;
    ada.download(&id(&record)).await;
    let functions = ["CreateUpload", "FinalizeUpload", "GetUpload", "ScanUpload", "CreateDownloadUrl"];
    let mut pids = std::collections::BTreeSet::new();
    for function in functions {
        let processes = world.stack.processes(function);
        assert!(!processes.is_empty(), "{function}");
        for pid in processes {
            assert!(pids.insert(pid), "{function} shares process {pid}");
            let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap();
            let declared = &world.stack.template().functions;
            let declared = declared.iter().find(|other| other.logical_id == function).unwrap();
            assert_eq!(read("cmdline").split('\0').next(), Some(declared.binary.as_str()));
            let given: Vec<String> = read("environ")
                .split('\0')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, _)| name.to_owned())
                .filter(|name| {
                    !name.starts_with("AWS_") && !["_HANDLER", "PATH", "LANG", "TZ"].contains(&name.as_str())
                })
                .collect();
            let wanted: Vec<String> = declared.environment.keys().cloned().collect();
            let mut given = given;
            given.sort();
            assert_eq!(given, wanted, "{function} has its own variables and no others");
        }
    }
    let calls = world.stack.access().calls();
    for function in functions {
        let principal = Principal::Function(function.to_owned());
        assert!(calls.iter().any(|call| call.principal == principal), "{function} signs with its own key");
    }
    world.end().await;
}

#[test]
fn c14_each_alarming_metric_has_an_alarm_and_no_alarm_stands_on_a_metric_that_is_not_counted() {
    let text = std::fs::read_to_string(template()).unwrap();
    let ours = text.split("Namespace: Airlock\n").skip(1);
    let mut alarms: Vec<&str> =
        ours.map(|rest| rest.lines().next().unwrap().trim().strip_prefix("MetricName: ").unwrap()).collect();
    alarms.sort_unstable();
    let mut alarming: Vec<String> =
        Metric::ALL.into_iter().filter(|metric| metric.is_alarming()).map(Metric::name).collect();
    alarming.sort_unstable();
    assert_eq!(alarms, alarming);
}
