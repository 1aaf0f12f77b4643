//! A finding on its way out of the jail. Whatever sits in there may have been taken over by what it
//! looked at, so a report is read as one reads anything hostile.

use crate::Finding;
use airlock_content::{media_types, verdict::Outcome};

/// The most bytes that a reason may have. Longer ones say nothing that a person reads.
const MAX_REASON: usize = 4096;

/// As much of a reason as a report may have: it quotes content, which can have names of any length.
pub(crate) fn shortened(mut reason: String) -> String {
    reason.truncate(reason.floor_char_boundary(MAX_REASON));
    reason
}

impl Finding {
    /// The finding as bytes for [`Finding::from_report`].
    pub fn to_report(&self) -> Vec<u8> {
        // Nothing in a finding can fail to be written; an empty report is none.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a report about an object that was declared to be `content_type`, if it can be true: it
    /// is coherent, and names no rule that `is_rule` does not know. That a report of a child that was
    /// taken over is true nobody can say; it is about no other object.
    pub fn from_report(report: &[u8], content_type: &str, is_rule: impl Fn(&str) -> bool) -> Option<Self> {
        let finding: Self = serde_json::from_slice(report).ok()?;
        let declared = media_types::lookup(content_type).map(|known| known.name);
        let has_reason = finding.reason.as_ref().is_some_and(|reason| reason.len() <= MAX_REASON);
        let coherent = match finding.outcome {
            Outcome::Clean => {
                finding.matches.is_empty()
                    && finding.reason.is_none()
                    && declared.is_some()
                    && finding.detected_type.as_deref() == declared
            }
            Outcome::Malicious => !finding.matches.is_empty() && has_reason,
            Outcome::Mismatch | Outcome::LimitsExceeded | Outcome::Unscannable => {
                finding.matches.is_empty() && has_reason
            }
        };
        let is_timed = !finding.out_of_time || finding.outcome == Outcome::LimitsExceeded;
        (coherent && is_timed && finding.matches.iter().all(|found| is_rule(&found.rule))).then_some(finding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_content::verdict::RuleMatch;

    fn finding(outcome: Outcome) -> Finding {
        let reason = (outcome != Outcome::Clean).then(|| "because".to_owned());
        let found = RuleMatch {
            rule: "known".to_owned(),
            severity: "high".to_owned(),
            description: "a rule".to_owned(),
            member: None,
        };
        let matches = if outcome == Outcome::Malicious { vec![found] } else { Vec::new() };
        Finding { outcome, detected_type: Some("image/png".to_owned()), matches, reason, out_of_time: false }
    }

    fn read(finding: &Finding) -> Option<Finding> {
        Finding::from_report(&finding.to_report(), "image/png", |rule| rule == "known")
    }

    #[test]
    fn every_finding_comes_through() {
        for outcome in [
            Outcome::Clean,
            Outcome::Malicious,
            Outcome::Mismatch,
            Outcome::LimitsExceeded,
            Outcome::Unscannable,
        ] {
            assert_eq!(read(&finding(outcome)), Some(finding(outcome)));
        }
        let late = Finding { out_of_time: true, ..finding(Outcome::LimitsExceeded) };
        assert_eq!(read(&late), Some(late));
    }

    #[test]
    fn t10_a_report_that_cannot_be_true_is_none() {
        let clean = finding(Outcome::Clean);
        for lie in [
            Finding { detected_type: Some("image/gif".to_owned()), ..clean.clone() },
            Finding { detected_type: None, ..clean.clone() },
            Finding { reason: Some("and yet".to_owned()), ..clean.clone() },
            Finding { matches: finding(Outcome::Malicious).matches, ..clean.clone() },
            Finding { outcome: Outcome::Malicious, ..clean.clone() },
            Finding { outcome: Outcome::Mismatch, ..clean.clone() },
            Finding { out_of_time: true, ..clean.clone() },
            Finding { out_of_time: true, ..finding(Outcome::Malicious) },
            Finding { out_of_time: true, ..finding(Outcome::Mismatch) },
            Finding { out_of_time: true, ..finding(Outcome::Unscannable) },
            Finding { reason: Some("x".repeat(MAX_REASON + 1)), ..finding(Outcome::Mismatch) },
        ] {
            assert_eq!(read(&lie), None, "{lie:?}");
        }
        let mut unknown = finding(Outcome::Malicious);
        unknown.matches[0].rule = "unheard of".to_owned();
        assert_eq!(read(&unknown), None);
        for garbage in [&b""[..], b"{}", b"null", b"\xff", br#"{"outcome":"clean","x":1}"#] {
            assert_eq!(Finding::from_report(garbage, "image/png", |_| true), None);
        }
        assert_eq!(Finding::from_report(&clean.to_report(), "image/svg+xml", |_| true), None);
    }
}
