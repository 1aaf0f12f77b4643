//! The check of a folder of rules: it sees each thing that can be wrong with a rule or its samples.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use airlock_engine::{CheckReport, EngineKind, Problem, RuleFile, RulesError, check, samples_of};
use std::{fs, path::Path};

const META: &str = r#"meta: severity = "low" description = "d" reference = "r""#;

fn sample(folder: &Path, path: &str, content: &str) {
    let path = folder.join("samples").join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A folder of rules with these strings and conditions, and samples for `a`: "abcd" matches, "wxyz" is clean.
fn folder(rules: &[(&str, &str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = |(name, string, condition): &(&str, &str, &str)| {
        format!("rule {name} {{ {META} strings: $a = {string} condition: {condition} }}\n")
    };
    fs::write(folder.path().join("rules.yar"), rules.iter().map(text).collect::<String>()).unwrap();
    sample(folder.path(), "a/match/one.txt.b64", "YWJj\nZA==\n");
    sample(folder.path(), "a/clean/two.txt.b64", "d3h5eg==");
    folder
}

fn problems(folder: &Path) -> Vec<String> {
    let report: CheckReport = check(EngineKind::Yara, folder, &samples_of(folder), &mut |_| {}).unwrap();
    report.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn rules_that_do_what_their_samples_say_have_no_problems() {
    let folder = folder(&[("a", "\"abcd\"", "$a and declared_type == \"text/plain\"")]);
    assert_eq!(problems(folder.path()), Vec::<String>::new());
    let report = check(EngineKind::Yara, folder.path(), &folder.path().join("samples"), &mut |_| {}).unwrap();
    assert_eq!((report.rules[0].matching, report.rules[0].clean), (1, 1));
    assert!(!report.rules[0].worst.time_per_mib.is_zero());
    assert_eq!(report.hash.len(), 64);
}

#[test]
fn samples_are_inside_the_folder_or_beside_it() {
    let folder = folder(&[("a", "\"abcd\"", "$a")]);
    let rules = folder.path().join("rules");
    fs::create_dir(&rules).unwrap();
    fs::rename(folder.path().join("rules.yar"), rules.join("rules.yar")).unwrap();
    assert_eq!(problems(&rules), Vec::<String>::new());
}

#[test]
fn samples_that_are_missing_match_wrongly_or_are_none_are_told() {
    let folder = folder(&[("a", "\"wxyz\"", "$a"), ("b", "\"b\"", "$a")]);
    sample(folder.path(), "c/match/x.txt.b64", "YWJjZA==");
    sample(folder.path(), "a/clean/raw.txt", "abc");
    sample(folder.path(), "a/clean/broken.txt.b64", "?");
    let found =
        check(EngineKind::Yara, folder.path(), &samples_of(folder.path()), &mut |_| {}).unwrap().problems;
    let count = |is: fn(&Problem) -> bool| found.iter().filter(|problem| is(problem)).count();
    assert_eq!(count(|problem| matches!(problem, Problem::Missed { rule, .. } if rule == "a")), 1);
    assert_eq!(count(|problem| matches!(problem, Problem::FalseAlarm { rule, .. } if rule == "a")), 1);
    assert_eq!(count(|problem| matches!(problem, Problem::NoSamples { rule, .. } if rule == "b")), 2);
    assert_eq!(count(|problem| matches!(problem, Problem::NoRule(folder) if folder.ends_with("c"))), 1);
    assert_eq!(count(|problem| matches!(problem, Problem::Unreadable { .. })), 2);
    assert_eq!(found.len(), 7, "{found:?}");
}

#[test]
fn slow_rules_are_told_even_those_that_lean_on_others() {
    // It looks at every other byte, one by one, twice.
    let counted =
        "#a >= 0 and for all i in (1..2) : (for all j in (0..filesize \\ 2) : (uint8(j) < 256 + i))";
    let leaning = "a and b and $a";
    let folder = folder(&[("a", "\"abcd\"", "$a"), ("b", "\"abcd\"", counted), ("c", "\"abcd\"", leaning)]);
    let found = problems(folder.path());
    let slow: Vec<_> = found.iter().filter(|problem| problem.contains("is slow")).collect();
    assert_eq!(slow.len(), 2, "{found:?}");
    assert!(
        slow[0].contains("rules.yar:2: b is slow") && slow[1].contains("rules.yar:3: c is slow"),
        "{slow:?}"
    );
}

#[test]
fn rules_that_cannot_be_compiled_are_an_error_with_file_and_line() {
    let folder = folder(&[("a", "\"abcd\"", "$b")]);
    let error = check(EngineKind::Yara, folder.path(), folder.path(), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("rules.yar:1: yara says: undefined string \"$b\""), "{error}");
    fs::write(folder.path().join("rules.yar"), b"rule a { meta: x = \"\xe9\" condition: true }").unwrap();
    let error = RuleFile::read(folder.path()).unwrap_err();
    assert!(matches!(error, RulesError::Unreadable { .. }), "{error}");
    fs::remove_file(folder.path().join("rules.yar")).unwrap();
    assert!(matches!(RuleFile::read(folder.path()), Err(RulesError::NoRules(_))));
    assert!(matches!(RuleFile::read(&folder.path().join("none")), Err(RulesError::Unreadable { .. })));
}
