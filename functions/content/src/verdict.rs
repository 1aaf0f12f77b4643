//! What the scan said of an object.

use serde::{Deserialize, Serialize};

/// The kind of verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// What it claims to be, and no rule matched.
    Clean,
    /// A rule matched.
    Malicious,
    /// Not what it was declared to be.
    Mismatch,
    /// Larger, deeper or more numerous inside than allowed.
    LimitsExceeded,
    /// Encrypted, broken, or the scan did not finish.
    Unscannable,
}

impl Outcome {
    /// Its name, as it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Malicious => "malicious",
            Self::Mismatch => "mismatch",
            Self::LimitsExceeded => "limits_exceeded",
            Self::Unscannable => "unscannable",
        }
    }
}

/// A rule that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleMatch {
    /// The rule's name.
    pub rule: String,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: String,
    /// What the rule looks for, for people.
    pub description: String,
    /// The path of the archive member that it matched, from the object down; `None` if that was the
    /// object itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
}

/// The verdict on one object, as the API answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The kind of verdict.
    pub outcome: Outcome,
    /// The media type found in the content; `None` if it was not recognised.
    pub detected_type: Option<String>,
    /// The rules that matched; empty unless `malicious`.
    pub matches: Vec<RuleMatch>,
    /// Why, in one sentence, unless `clean`.
    pub reason: Option<String>,
    /// SHA-256 of the rule set that was used; `None` where no scan took place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
}

impl Verdict {
    /// The verdict on an object whose content no rule looked at.
    pub fn without_scan(outcome: Outcome, reason: impl Into<String>) -> Self {
        let reason = Some(reason.into());
        Self { outcome, detected_type: None, matches: Vec::new(), reason, rules: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_named_as_it_is_written() {
        use Outcome::{Clean, LimitsExceeded, Malicious, Mismatch, Unscannable};
        for outcome in [Clean, Malicious, Mismatch, LimitsExceeded, Unscannable] {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.name());
        }
    }

    #[test]
    fn a_verdict_without_a_scan_names_no_rule_set() {
        let verdict = Verdict::without_scan(Outcome::Unscannable, "it is gone");
        let written = r#"{"outcome":"unscannable","detected_type":null,"matches":[],"reason":"it is gone"}"#;
        assert_eq!(serde_json::to_string(&verdict).unwrap(), written);
    }

    #[test]
    fn verdicts_from_before_members_were_looked_at_stay_readable() {
        let stored = r#"{"rule":"a","severity":"low","description":"b"}"#;
        let read: RuleMatch = serde_json::from_str(stored).unwrap();
        assert_eq!(read.member, None);
        assert_eq!(serde_json::to_string(&read).unwrap(), stored);
        let inside = RuleMatch { member: Some("a/b.txt".into()), ..read };
        let text = serde_json::to_string(&inside).unwrap();
        assert_eq!(serde_json::from_str::<RuleMatch>(&text).unwrap(), inside);
    }
}
