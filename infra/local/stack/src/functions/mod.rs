//! The functions of the template: who they are, and their invocation.

mod environment;
pub(crate) mod error;
mod memory;
mod pool;
mod processes;
mod reaper;
mod runtime_api;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use runtime_api::PAYLOAD_LIMIT;

use airlock_local_access::Access;
use axum::body::Bytes;
use error::InvokeError;
use pool::Pool;
use processes::SharedReaper;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

/// What a function is; the same for each of its processes.
#[derive(Clone)]
pub(crate) struct Blueprint {
    /// Its name in the template.
    pub(crate) logical_id: String,
    /// Its binary's name, by which the executable is called.
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) executable: PathBuf,
    /// Where its processes get their keys.
    pub(crate) access: Arc<Access>,
    /// All that its processes find in their environment, but for what each has of its own.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) timeout: Duration,
    /// MiB.
    pub(crate) memory: u64,
    /// How many events it may work on at a time, when the template says so.
    pub(crate) reserved: Option<usize>,
}

/// What to do when all execution environments are busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenBusy {
    /// Refuse, as a synchronous invocation is refused.
    Refuse,
    /// Wait, as events do in Lambda's own queue.
    Wait,
}

/// All functions of the stack.
pub(crate) struct Functions {
    pools: Vec<Arc<Pool>>,
}

impl Functions {
    pub(crate) fn new(blueprints: Vec<Blueprint>) -> Self {
        let reaper = SharedReaper::default();
        let pools = blueprints.into_iter().map(|blueprint| Pool::new(blueprint, reaper.clone())).collect();
        Self { pools }
    }

    /// The function with this logical id, binary name or ARN.
    pub(crate) fn find(&self, function: &str) -> Result<&Arc<Pool>, InvokeError> {
        self.pools
            .iter()
            .find(|pool| {
                let blueprint = pool.blueprint();
                [&blueprint.logical_id, &blueprint.name, &blueprint.arn].contains(&&function.to_owned())
            })
            .ok_or_else(|| InvokeError::UnknownFunction(function.to_owned()))
    }

    /// Invokes a function and waits for its answer. The function works on even if this future is
    /// dropped, as on Lambda when the invoker hangs up.
    pub(crate) async fn invoke(
        &self,
        function: &str,
        event: Bytes,
        when_busy: WhenBusy,
    ) -> Result<Bytes, InvokeError> {
        let pool = self.find(function)?.clone();
        let invocation = tokio::spawn(async move { pool.invoke(event, when_busy).await });
        invocation.await.unwrap_or(Err(InvokeError::Stopping))
    }

    /// The ids of a function's processes.
    pub(crate) fn processes(&self, function: &str) -> Vec<u32> {
        self.find(function).map(|pool| pool.processes()).unwrap_or_default()
    }

    /// Kills every process and refuses further invocations.
    pub(crate) fn kill(&self) {
        for pool in &self.pools {
            pool.kill();
        }
    }

    /// Kills every process and waits until they are gone.
    pub(crate) async fn stop(&self) {
        self.kill();
        for pool in &self.pools {
            pool.stop().await;
        }
    }
}
