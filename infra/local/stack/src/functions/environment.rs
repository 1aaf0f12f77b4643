//! One execution environment: a process of a function, kept warm between invocations.

use super::{
    Blueprint,
    error::{FunctionError, InvokeError},
    memory,
    processes::{Process, Processes},
    runtime_api::{Invocation, RuntimeApi},
};
use crate::private;
use airlock_local_access::Principal;
use axum::body::Bytes;
use std::{
    os::unix::process::ExitStatusExt,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, Command},
};

/// How long a process may take until it asks for its first event.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// The longest line of a log, in bytes, as in CloudWatch.
const LINE_LIMIT: u64 = 256 * 1024;

pub(super) struct Environment {
    process: Process,
    child: Child,
    api: RuntimeApi,
    _folder: TempDir,
}

/// How an invocation ended.
pub(super) enum Invoked {
    /// The process answered, and may ask for another event.
    Answered(Result<Bytes, FunctionError>),
    /// The process is gone, and with it the event.
    Ended(FunctionError),
    /// The process is gone, and never had the event.
    Untouched(FunctionError),
}

impl Environment {
    /// Starts the process and waits until it is ready for its first event (a cold start).
    pub(super) async fn start(
        blueprint: &Blueprint,
        processes: &Arc<Processes>,
    ) -> Result<Self, InvokeError> {
        let api = RuntimeApi::start().await?;
        // As on Lambda, where each environment has credentials of its own.
        let key = blueprint.access.issue(Principal::Function(blueprint.logical_id.clone()));
        let folder = private::temporary("airlock-function-")?;
        let mut child = Command::new(&blueprint.executable)
            .arg0(&blueprint.name)
            .env_clear()
            .envs(&blueprint.environment)
            .env("AWS_ACCESS_KEY_ID", &key.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", key.secret_access_key.expose())
            .env("AWS_LAMBDA_RUNTIME_API", api.address().to_string())
            .env("AWS_LAMBDA_LOG_STREAM_NAME", format!("[$LATEST]{}", uuid::Uuid::new_v4().simple()))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let process = processes.started(child.id().unwrap_or_default())?;
        if let Some(output) = child.stdout.take() {
            tokio::spawn(pass_on(output, blueprint.name.clone()));
        }
        if let Some(output) = child.stderr.take() {
            tokio::spawn(pass_on(output, blueprint.name.clone()));
        }
        let mut environment = Self { process, child, api, _folder: folder };
        let ready = tokio::select! {
            biased;
            ready = environment.api.asked() => ready,
            status = environment.child.wait() => Err(FunctionError::exited("init", &describe(status.ok()))),
            () = tokio::time::sleep(INIT_LIMIT) => Err(FunctionError::timed_out("init", INIT_LIMIT)),
        };
        match ready {
            Ok(()) => Ok(environment),
            Err(error) => {
                environment.end().await;
                Err(error.into())
            }
        }
    }

    /// Waits until the process asks for another event. False when it does not: it has ended, or is ended
    /// as it took too long.
    pub(super) async fn asks_again(&mut self, blueprint: &Blueprint) -> bool {
        let asks = tokio::select! {
            biased;
            _ = self.child.wait() => false,
            asked = self.api.asked() => asked.is_ok(),
            () = tokio::time::sleep(blueprint.timeout) => false,
        };
        // The request of a process that died may still be there.
        let asks = asks && matches!(self.child.try_wait(), Ok(None));
        if !asks {
            self.end().await;
        }
        asks
    }

    /// Has the process work on one event.
    pub(super) async fn invoke(&mut self, blueprint: &Blueprint, event: Bytes) -> Invoked {
        let request_id = uuid::Uuid::new_v4().to_string();
        let deadline = SystemTime::now() + blueprint.timeout;
        let outcome = self.api.offer(Invocation {
            request_id: request_id.clone(),
            deadline: deadline.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64),
            function_arn: blueprint.arn.clone(),
            event,
        });
        let failure = tokio::select! {
            biased;
            Ok(outcome) = outcome => return Invoked::Answered(outcome),
            status = self.child.wait() => FunctionError::exited(&request_id, &describe(status.ok())),
            () = tokio::time::sleep(blueprint.timeout) => FunctionError::timed_out(&request_id, blueprint.timeout),
            used = memory::exceeded(self.process.id(), blueprint.memory) => {
                tracing::warn!(function = blueprint.name, used, limit = blueprint.memory, "out of memory (MiB)");
                FunctionError::exited(&request_id, "with error: signal: killed")
            }
        };
        let untouched = self.api.withdraw();
        self.end().await;
        if untouched { Invoked::Untouched(failure) } else { Invoked::Ended(failure) }
    }

    /// Kills the process group and waits until the process is gone.
    pub(super) async fn end(&mut self) {
        self.process.kill();
        if let Err(error) = self.child.wait().await {
            tracing::warn!(process = self.process.id(), %error, "cannot wait for a process");
        }
    }
}

fn describe(status: Option<ExitStatus>) -> String {
    match status {
        Some(status) if status.success() => "without providing a reason".to_owned(),
        Some(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("with error: exit status {code}"),
            (None, Some(9)) => "with error: signal: killed".to_owned(),
            (None, signal) => format!("with error: signal {}", signal.unwrap_or_default()),
        },
        None => "with error: unknown".to_owned(),
    }
}

/// Passes what a function prints on to the log of the stack, line by line.
async fn pass_on(output: impl AsyncRead + Unpin, function: String) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while let Ok(1..) = (&mut output).take(LINE_LIMIT).read_until(b'\n', &mut line).await {
        tracing::info!(target: "airlock::function", function, "{}", String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}
