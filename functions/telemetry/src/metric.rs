//! Metrics as log lines, in CloudWatch's embedded metric format: no call, no agent.

use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where our metrics stand in CloudWatch.
pub const NAMESPACE: &str = "Airlock";

/// Counts one occurrence of `name` (embedded metric format specification: `_aws.CloudWatchMetrics`).
pub fn count(name: &str, function: &str) {
    println!("{}", line(name, function, SystemTime::now()));
}

fn line(name: &str, function: &str, at: SystemTime) -> String {
    let millis = at.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64);
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
        name: 1,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c14_a_metric_is_one_line_that_cloudwatch_reads() {
        let text = line("UploadReuseDetected", "watch-quarantine", UNIX_EPOCH);
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let metric = value["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"].as_str().expect("a name");
        assert_eq!(value[metric], 1);
        assert!(!text.contains('\n'));
    }
}
