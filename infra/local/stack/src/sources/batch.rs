//! One batch of an SQS event source mapping: the event, and what its answer means.

use serde::Deserialize;
use serde_json::Value;
use std::collections::HashSet;

/// Which messages of a batch may be deleted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All but these ids.
    DoneExcept(HashSet<String>),
    /// None: the answer cannot be understood.
    Failed,
}

/// Reads the answer of a function that reports failures by message (`ReportBatchItemFailures`).
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting>
pub(super) fn verdict(answer: &[u8], sent: &HashSet<&str>) -> Verdict {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Report {
        #[serde(default)]
        batch_item_failures: Option<Vec<Failure>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Failure {
        item_identifier: String,
    }
    let failures = match serde_json::from_slice::<Value>(answer) {
        // An empty answer reports no failure.
        Ok(Value::Null) => Vec::new(),
        Ok(value) => match serde_json::from_value::<Report>(value) {
            Ok(report) => report.batch_item_failures.unwrap_or_default(),
            Err(_) => return Verdict::Failed,
        },
        Err(_) => return Verdict::Failed,
    };
    let failed: HashSet<String> = failures.into_iter().map(|failure| failure.item_identifier).collect();
    if failed.iter().all(|id| sent.contains(id.as_str())) {
        Verdict::DoneExcept(failed)
    } else {
        Verdict::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(answer: &str) -> Verdict {
        verdict(answer.as_bytes(), &HashSet::from(["a", "b"]))
    }

    #[test]
    fn no_failure_means_that_all_is_done() {
        for answer in ["null", "{}", r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#] {
            assert_eq!(of(answer), Verdict::DoneExcept(HashSet::new()), "{answer}");
        }
    }

    #[test]
    fn the_others_are_done() {
        let expected = Verdict::DoneExcept(HashSet::from(["b".to_owned()]));
        assert_eq!(of(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#), expected);
    }

    #[test]
    fn what_makes_no_sense_fails_the_batch() {
        for answer in [
            "",
            "not json",
            r#""done""#,
            r#"{"batchItemFailures":"b"}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"messageId":"b"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"unknown"}]}"#,
        ] {
            assert_eq!(of(answer), Verdict::Failed, "{answer}");
        }
    }
}
