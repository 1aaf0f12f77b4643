//! Metrics as log lines, in CloudWatch's embedded metric format: no call, no agent.

use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where our metrics stand in CloudWatch.
pub const NAMESPACE: &str = "Airlock";

/// Everything that is counted. The name in CloudWatch is the variant's; alarms of the template stand on these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// A copy was not what was scanned.
    CopiesThatDiffer,
    /// Something lies in quarantine under a key that is not ours.
    ForeignObject,
    /// A tenant has as much held as it may.
    HeldIsFull,
    /// What was not accepted could not be copied to where it is held.
    HoldErrors,
    /// An inspection crashed, hung or broke its limits.
    InspectionsEndedBadly,
    /// An inspection took all its time.
    InspectionsOutOfTime,
    /// How many layers of the jail hold, once for each environment.
    JailLayers,
    /// An owner deleted an object.
    ObjectDeleted,
    /// An object could not be scanned.
    ObjectsFailed,
    /// An object can be downloaded now.
    ObjectsPublished,
    /// A published object was taken back.
    ObjectsRecalled,
    /// An object was not accepted.
    ObjectsRejected,
    /// A published object could not be scanned again.
    RescanErrors,
    /// A scan failed; its message is delivered again.
    ScanErrors,
    /// An object failed as no scan of it came to an end.
    ScanGivenUp,
    /// A scan found its object settled by another.
    ScansSuperseded,
    /// A sweep could not settle an object.
    SweepErrors,
    /// An upload URL was used after its upload had ended.
    UploadReuseDetected,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 18] = [
        Self::CopiesThatDiffer,
        Self::ForeignObject,
        Self::HeldIsFull,
        Self::HoldErrors,
        Self::InspectionsEndedBadly,
        Self::InspectionsOutOfTime,
        Self::JailLayers,
        Self::ObjectDeleted,
        Self::ObjectsFailed,
        Self::ObjectsPublished,
        Self::ObjectsRecalled,
        Self::ObjectsRejected,
        Self::RescanErrors,
        Self::ScanErrors,
        Self::ScanGivenUp,
        Self::ScansSuperseded,
        Self::SweepErrors,
        Self::UploadReuseDetected,
    ];

    /// The name in CloudWatch.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// Whether it is no part of a good day, so that an alarm tells an operator.
    pub fn is_alarming(self) -> bool {
        match self {
            Self::CopiesThatDiffer
            | Self::ForeignObject
            | Self::HeldIsFull
            | Self::HoldErrors
            | Self::InspectionsEndedBadly
            | Self::ObjectsRecalled
            | Self::RescanErrors
            | Self::ScanErrors
            | Self::ScanGivenUp
            | Self::SweepErrors
            | Self::UploadReuseDetected => true,
            Self::InspectionsOutOfTime
            | Self::JailLayers
            | Self::ObjectDeleted
            | Self::ObjectsFailed
            | Self::ObjectsPublished
            | Self::ObjectsRejected
            | Self::ScansSuperseded => false,
        }
    }
}

/// Counts one occurrence.
pub fn count(metric: Metric, function: &str) {
    record(metric, 1, function);
}

/// Records a value; none at all is no value (embedded metric format specification: `_aws.CloudWatchMetrics`).
pub fn record(metric: Metric, value: usize, function: &str) {
    if value > 0 {
        println!("{}", line(metric, value, function, SystemTime::now()));
    }
}

fn line(metric: Metric, value: usize, function: &str, at: SystemTime) -> String {
    let millis = at.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64);
    let name = metric.name();
    json!({
        "_aws": {
            "Timestamp": millis,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["Function"], []],
                "Metrics": [{ "Name": name, "Unit": "Count" }],
            }],
        },
        "Function": function,
        (name): value,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c14_a_metric_is_one_line_that_cloudwatch_reads() {
        let text = line(Metric::UploadReuseDetected, 1, "watch-quarantine", UNIX_EPOCH);
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let metric = value["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"].as_str().expect("a name");
        assert_eq!(value[metric], 1);
        assert!(!text.contains('\n'));
    }
}
