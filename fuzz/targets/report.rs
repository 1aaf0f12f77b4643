//! Reads any bytes as the jail's report: no panic, only a clean finding lets an object through, and
//! a finding that is taken reads the same when it is written again.
#![no_main]

use airlock_content::{media_types::DEFAULT, verdict::Outcome};
use airlock_inspect::Finding;
use libfuzzer_sys::fuzz_target;

fn is_rule(name: &str) -> bool {
    name == "eicar_test_file"
}

fuzz_target!(|input: &[u8]| {
    let Some((declared, report)) = input.split_first() else { return };
    let declared = DEFAULT[usize::from(*declared) % DEFAULT.len()].name;
    let Some(finding) = Finding::from_report(report, declared, is_rule) else { return };
    let is_clean = finding.outcome == Outcome::Clean;
    assert!(!is_clean || finding.detected_type.as_deref() == Some(declared));
    assert_eq!(is_clean, finding.reason.is_none());
    assert_eq!(finding.outcome == Outcome::Malicious, !finding.matches.is_empty());
    assert!(finding.matches.iter().all(|found| is_rule(&found.rule)));
    assert_eq!(Finding::from_report(&finding.to_report(), declared, is_rule), Some(finding));
});
