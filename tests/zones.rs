//! The walls of the house: what each crate may know of, and how large the rooms are.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

use airlock_telemetry::metric::Metric;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// This machine's target: of other platforms' dependencies Cargo may never have fetched the manifests.
fn host() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = String::from_utf8(Command::new(rustc).arg("-vV").output().unwrap().stdout).unwrap();
    version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// Every package in reach of each of ours, as Cargo resolves it for what is shipped.
fn reach() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", &host()])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let names: BTreeMap<String, String> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    let is_shipped = |dependency: &&Value| {
        dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null())
    };
    let edges: BTreeMap<String, Vec<String>> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| {
            let dependencies = node["deps"].as_array().unwrap().iter().filter(is_shipped);
            (text(&node["id"]), dependencies.map(|dependency| text(&dependency["pkg"])).collect())
        })
        .collect();
    let from = |id: &String| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![id]);
        while let Some(id) = next.pop() {
            for dependency in &edges[id] {
                if seen.insert(names[dependency].clone()) {
                    next.push(dependency);
                }
            }
        }
        seen
    };
    names
        .iter()
        .filter(|(_, name)| name.starts_with("airlock"))
        .map(|(id, name)| (name.clone(), from(id)))
        .collect()
}

#[test]
fn t05_no_zone_can_name_what_belongs_to_another() {
    let reach = reach();
    for (package, forbidden) in [
        (
            "airlock-objects",
            &["airlock-quarantine", "airlock-published", "aws-sdk-s3", "aws-sdk-sqs", "lambda_http", "yara"]
                [..],
        ),
        ("airlock-quarantine", &["airlock-published", "lambda_http", "yara"]),
        ("airlock-published", &["airlock-quarantine", "aws-sdk-sqs", "lambda_http", "yara"]),
        ("airlock-http", &["airlock-quarantine", "airlock-published", "aws-sdk-s3", "aws-sdk-sqs", "yara"]),
        ("airlock-intake", &["airlock-published", "airlock-serve", "airlock-scan", "yara"]),
        ("airlock-serve", &["airlock-quarantine", "airlock-intake", "airlock-scan", "aws-sdk-sqs", "yara"]),
        ("airlock-scan", &["airlock-http", "airlock-intake", "airlock-serve", "lambda_http"]),
        // What touches strangers' bytes knows nothing that could be reached.
        ("airlock-content", &["airlock-objects", "aws-config", "aws-smithy-types", "tokio", "yara"]),
        ("airlock-engine", &["airlock-objects", "aws-config", "aws-smithy-types", "tokio", "hyper"]),
        ("airlock-inspect", &["airlock-objects", "aws-config", "aws-smithy-types", "tokio", "hyper"]),
        ("airlock-formats", &["airlock-objects", "aws-config", "aws-smithy-types", "tokio", "hyper", "yara"]),
        ("airlock-jail", &["airlock-objects", "aws-config", "aws-smithy-types", "tokio", "hyper", "yara"]),
    ] {
        let found: Vec<&&str> = forbidden.iter().filter(|name| reach[package].contains(**name)).collect();
        assert!(found.is_empty(), "{package} reaches {found:?}");
        let local =
            reach[package].iter().find(|name| name.starts_with("airlock-local") || **name == "dynoxide-rs");
        assert_eq!(local, None, "{package} reaches the local stack");
    }
    let yara: Vec<&String> =
        reach.iter().filter(|(_, all)| all.contains("yara")).map(|(name, _)| name).collect();
    let scan = ["airlock", "airlock-engine", "airlock-inspect", "airlock-scan"];
    assert_eq!(yara, scan, "only the scan links libyara");
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    assert!(!files.is_empty(), "{folder} holds no code");
    files
}

#[test]
fn t08_each_zone_takes_only_its_own_steps() {
    let steps = |folder: &str| -> BTreeSet<String> {
        sources(folder)
            .iter()
            .flat_map(|(_, text)| text.split("Transition::").skip(1).map(str::to_owned).collect::<Vec<_>>())
            .map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect())
            .collect()
    };
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(steps("functions/intake/src"), set(&["Expire", "Fail", "Finalize", "Refuse"]));
    assert_eq!(steps("functions/scan/src"), set(&["Fail", "Publish", "Recall", "Reject"]));
    assert_eq!(steps("functions/serve/src"), set(&["Delete"]));
}

#[test]
fn every_file_begins_by_saying_what_it_is_for_and_can_be_held_in_the_head() {
    for folder in ["functions", "infra", "src", "tests"] {
        for (path, text) in sources(folder) {
            assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
            let lines = text.lines().count();
            assert!(lines <= 400, "{} has {lines} lines", path.display());
        }
    }
}

#[test]
fn each_arrow_of_the_picture_is_one_file_and_architecture_md_names_it() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = text.split("<!-- arrows -->").nth(1).expect("ARCHITECTURE.md has the steps");
    let steps: Vec<&str> =
        section.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit())).collect();
    assert_eq!(steps.len(), 8, "eight arrows");
    for step in steps {
        let file = step.split('`').find(|part| part.ends_with(".rs")).unwrap();
        let text =
            std::fs::read_to_string(root().join(file)).unwrap_or_else(|_| panic!("{file} is not there"));
        assert!(text.lines().count() <= 300, "{file} is too long");
    }
}

#[test]
fn c14_every_metric_that_is_counted_is_in_the_list_of_metrics() {
    let listed: BTreeSet<String> = Metric::ALL.into_iter().map(Metric::name).collect();
    let mut counted = BTreeSet::new();
    for (_, text) in sources("functions") {
        for part in text.split("Metric::").skip(1) {
            let name: String = part.chars().take_while(char::is_ascii_alphanumeric).collect();
            if name.chars().any(char::is_lowercase) && name.starts_with(|c: char| c.is_uppercase()) {
                counted.insert(name);
            }
        }
    }
    assert_eq!(counted, listed);
}

#[test]
fn what_ships_says_nothing_twice() {
    const LINES: usize = 6;
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for folder in ["functions", "src", "infra"] {
        for (path, text) in sources(folder) {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            if ["/tests/", "/examples/", "/tests.rs"].iter().any(|part| name.contains(part)) {
                continue;
            }
            let shipped = text.split("#[cfg(test)]").next().unwrap();
            let lines: Vec<&str> = shipped.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            for (number, run) in lines.windows(LINES).enumerate() {
                places.entry(run.join("\n")).or_default().insert(format!("{name}, line {number} of code"));
            }
        }
    }
    let twice: Vec<_> = places.into_iter().filter(|(_, places)| places.len() > 1).collect();
    assert!(twice.is_empty(), "{LINES} lines in two places: {twice:#?}");
}

#[test]
fn only_the_registry_speaks_to_its_table() {
    for (folder, home) in [("functions", "functions/objects/"), ("src", ""), ("tests", "tests/support/")] {
        for (path, text) in sources(folder) {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            let speaks =
                text.contains(concat!("aws_sdk_", "dynamodb")) || text.contains(concat!("_expression", "("));
            assert!(!speaks || (!home.is_empty() && name.starts_with(home)), "{name}");
        }
    }
}
