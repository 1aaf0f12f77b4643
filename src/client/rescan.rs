//! Runs of the local stack's `rescan-objects`. A deployment runs it on its schedule.

use super::{ApiUrl, ClientError, ask_once, connect};
use serde::{Deserialize, Serialize};
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
/// [`ClientError`] when there is no local stack, or the run failed.
pub(crate) async fn run(api: &ApiUrl) -> Result<Progress, ClientError> {
    let url = api.join(&["_local", "functions", "rescan-objects", "invocations"]);
    ask_once(connect(api)?.post(url).body("{}").timeout(RUN_TIMEOUT), api).await
}
