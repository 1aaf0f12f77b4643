//! Whatever content says of itself, at any length, the finding about it comes through as a report.

use super::inspected;
use super::members::{eicar, zip};
use airlock_content::verdict::Outcome;
use airlock_inspect::Finding;
use airlock_jail::MAX_REPORT;

#[track_caller]
fn assert_comes_through(content_type: &str, bytes: &[u8], outcome: Outcome) {
    let found = inspected(content_type, "file", bytes);
    assert_eq!(found.outcome, outcome);
    let report = found.to_report();
    assert!(report.len() <= MAX_REPORT, "{} bytes", report.len());
    assert_eq!(Finding::from_report(&report, content_type, |_| true), Some(found));
}

#[test]
fn t10_names_of_any_length_are_no_way_out_of_a_finding() {
    let long = "x".repeat(10_000);
    assert_comes_through("application/xml", format!("<a><{long}></a>").as_bytes(), Outcome::Mismatch);

    let letters = "\u{1f5ff}".repeat(199);
    let names = ["a", "b", "c", "d", "e", "f"].map(|letter| format!("{letter}{letters}"));
    let members: Vec<_> = names.iter().map(|name| (name.as_str(), eicar())).collect();
    let members: Vec<_> = members.iter().map(|(name, content)| (*name, content.as_slice())).collect();
    assert_comes_through("application/zip", &zip(&members), Outcome::Malicious);
}

#[test]
fn t10_types_of_any_length_are_no_way_out_of_a_finding() {
    let long = format!("application/vnd.oasis.opendocument.{}", "x".repeat(100_000));
    let document = zip(&[("mimetype", long.as_bytes()), ("content.xml", b"<a/>")]);
    assert_comes_through("application/zip", &document, Outcome::Mismatch);

    let list = format!(
        r#"<Types><Override PartName="/a" ContentType="application/vnd.ms-{}.main+xml"/></Types>"#,
        "x".repeat(100_000)
    );
    let document = zip(&[("[Content_Types].xml", list.as_bytes())]);
    assert_comes_through("application/zip", &document, Outcome::Mismatch);
}
