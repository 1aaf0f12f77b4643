//! Runs of the local stack's `rescan-objects`. A deployment runs it on its schedule.

use super::{ClientError, ask_once, local::Local};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// How long one run may take: the most that Lambda allows.
const RUN_TIMEOUT: Duration = Duration::from_secs(900);

/// How far the rescan is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// The rule set that objects are held against.
    pub(crate) rules: String,
    /// Whether every object has been held against it.
    pub(crate) finished: bool,
    /// How many were.
    pub(crate) scanned: u64,
    /// How many of these were recalled.
    pub(crate) recalled: u64,
    /// How many could not be scanned.
    pub(crate) failed: u64,
}

/// Has the rescan go on for one run.
///
/// # Errors
/// [`ClientError`] when the stack does not answer, or the run failed.
pub(crate) async fn run(local: &Local) -> Result<Progress, ClientError> {
    let request = local.post(&["_local", "functions", "rescan-objects", "invocations"])?;
    ask_once(request.json(&json!({})).timeout(RUN_TIMEOUT), &local.api).await
}
