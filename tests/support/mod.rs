//! A whole stack of its own for each test, on free ports, gone when the test ends; and people who
//! use it over HTTP as clients do.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses the part it needs")]

pub mod openapi;
pub mod person;
pub mod rows;
pub mod services;

use airlock_local_stack::{Options, Stack, TokenRequest};
use person::Person;
use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long anything may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The variable with the URL of Amazon's DynamoDB Local, to run the same tests on it.
pub const DYNAMODB_ENGINE: &str = "AIRLOCK_TEST_DYNAMODB";

/// A running stack.
pub struct World {
    pub stack: Stack,
    pub http: reqwest::Client,
}

/// The template that this repository deploys.
pub fn template() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("template.yaml")
}

/// A file of `tests/files`.
pub fn sample(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name)).unwrap()
}

/// The EICAR test file, which every scanner knows; in two halves, so that no scanner finds it here.
pub fn eicar() -> Vec<u8> {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}", r"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat().into_bytes()
}

/// Options for a stack from `template`, with some of its parameters set otherwise.
pub fn options(template: PathBuf, parameters: &[(&str, &str)]) -> Options {
    let parameters: BTreeMap<String, String> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Options {
        template,
        api_port: 0,
        data: None,
        executable: PathBuf::from(env!("CARGO_BIN_EXE_airlock")),
        parameters,
        log_level: "info".to_owned(),
        dynamodb_engine: std::env::var(DYNAMODB_ENGINE).ok(),
    }
}

impl World {
    /// A stack as the template has it.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A stack with other values for some parameters of the template.
    pub async fn with(parameters: &[(&str, &str)]) -> Self {
        Self::open(options(template(), parameters)).await
    }

    /// A stack with these options.
    pub async fn open(options: Options) -> Self {
        let stack = Stack::start(options).await.unwrap();
        Self { stack, http: reqwest::Client::new() }
    }

    /// The ready file of this stack, in `folder`, as `airlock local` writes it.
    pub fn ready_file(&self, folder: &Path) -> PathBuf {
        let file = folder.join("ready.json");
        std::fs::write(&file, serde_json::to_vec(self.stack.ready()).unwrap()).unwrap();
        file
    }

    /// Ada of the tenant acme.
    pub fn ada(&self) -> Person<'_> {
        self.person("acme", "ada")
    }

    /// Anyone.
    pub fn person(&self, tenant: &str, user: &str) -> Person<'_> {
        let token = self.stack.token(&TokenRequest {
            tenant: tenant.to_owned(),
            user: user.to_owned(),
            ..TokenRequest::default()
        });
        Person { world: self, token: token.unwrap() }
    }

    /// Kills every process of a function.
    pub fn kill(&self, function: &str) {
        let pids = self.stack.processes(function);
        assert!(!pids.is_empty(), "{function} does not run");
        for pid in pids {
            let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
    }

    /// Stops the stack, so that a test fails when that does not work.
    pub async fn end(self) {
        self.stack.stop().await;
    }
}

/// Asks again and again until the answer is there.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    // The services run in this thread too: a question that takes longer than a tick must not keep them from answering.
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let asking = async {
        loop {
            tick.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("never happened: {what}"))
}
