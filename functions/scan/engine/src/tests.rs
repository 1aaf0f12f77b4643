//! Tests of the engine itself: what it refuses, when it stops, what its hash stands for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use super::*;
use std::{fs, path::Path};

const NOTHING: Declared<'_> = Declared { content_type: "", file_name: "", size: 0 };

fn rule(name: &str, condition: &str) -> String {
    format!(
        r#"rule {name} {{ meta: severity = "low" description = "d" reference = "r" condition: {condition} }}"#
    )
}

fn refusal(source: &str) -> String {
    match Engine::compile(&[("a.yar", source)]) {
        Err(error) => error.to_string(),
        Ok(_) => String::new(),
    }
}

#[test]
fn rules_that_would_bring_the_process_down_are_refused() {
    let fine = rule("a", "true");
    assert_eq!(refusal(&fine), "");
    assert!(refusal(&fine.replace("\"d\"", r#""caf\xe9""#)).contains("not UTF-8"));
    assert!(refusal(&format!("{fine} //\0")).contains("NUL"));
    assert!(refusal(&fine.replace("\"low\"", "\"urgent\"")).contains("severity \"urgent\""));
    assert!(refusal(&fine.replace("reference = \"r\"", "")).contains("no reference"));
    assert!(refusal(&fine.replace("true", "tru")).contains("undefined identifier"));
    assert!(!refusal("include \"/etc/hostname\"").is_empty());
}

#[test]
fn t10_a_scan_that_takes_too_long_is_an_error() {
    let slow = rule(
        "slow",
        "for all i in (0..filesize-1): (for all j in (0..filesize-1): (uint8(i) + uint8(j) < 1000))",
    );
    let engine = Engine::compile(&[("slow.yar", &slow)]).unwrap();
    let found = engine.scan(&[0; 1 << 20], &NOTHING, Duration::from_millis(1));
    assert!(matches!(found, Err(EngineError::TimedOut(1))), "{found:?}");
    assert!(engine.scan(b"abc", &NOTHING, Duration::from_millis(1)).is_ok());
}

#[test]
fn threads_can_share_an_engine() {
    let engine = Engine::load().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let shell = engine.scan(b"#!/bin/sh\n", &NOTHING, Duration::from_secs(20)).unwrap();
                    assert_eq!(
                        shell.iter().map(|found| found.rule.as_str()).collect::<Vec<_>>(),
                        ["shell_script"]
                    );
                    assert!(engine.scan(b"nothing", &NOTHING, Duration::from_secs(20)).unwrap().is_empty());
                }
            });
        }
    });
}

#[test]
fn rules_see_what_was_declared() {
    let sees = r#"filename == "A.Tar.GZ\xef\xbf\xbd" and extension == "gz\xef\xbf\xbd" and declared_type == "text/plain" and size == 7"#;
    let engine = Engine::compile(&[("a.yar", &rule("sees", sees))]).unwrap();
    let declared = Declared { content_type: "TEXT/plain; charset=utf-8", file_name: "A.Tar.GZ\0", size: 7 };
    assert_eq!(engine.scan(b"", &declared, Duration::from_secs(9)).unwrap().len(), 1);
    assert_eq!(engine.scan(b"", &NOTHING, Duration::from_secs(9)).unwrap().len(), 0);
}

#[test]
fn the_hash_stands_for_names_and_texts_in_any_order() {
    let (a, b) = (rule("a", "true"), rule("b", "true"));
    let hash = |sources: &[(&str, &str)]| Engine::compile(sources).unwrap().rules_hash().to_owned();
    let both = hash(&[("a.yar", &a), ("b.yar", &b)]);
    assert_eq!(both.len(), 64);
    assert_eq!(both, hash(&[("b.yar", &b), ("a.yar", &a)]));
    assert_ne!(both, hash(&[("a.yar", &a)]));
    assert_ne!(both, hash(&[("a.yar", &a), ("c.yar", &b)]));
    assert_ne!(both, hash(&[("a.yar", &a), ("b.yar", &rule("b", "false"))]));
}

/// Every file in `folder`, decoded if it is a sample.
fn contents(folder: &Path, into: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            contents(&path, into);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        into.push(if path.extension().is_some_and(|extension| extension == "b64") {
            let text: Vec<u8> = bytes.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
            base64::Engine::decode(&base64::prelude::BASE64_STANDARD, text).unwrap()
        } else {
            bytes
        });
    }
}

#[test]
fn fast_mode_and_mapped_files_change_no_verdict() {
    let engine = Engine::load().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    contents(&root.join("../inspect/samples"), &mut all);
    contents(&root.join("../../../tests/files"), &mut all);
    let mut matched = 0;
    for bytes in &all {
        for content_type in ["image/png", "text/csv", "application/xml"] {
            let declared = Declared { content_type, ..NOTHING };
            let fast = engine.scan(bytes, &declared, Duration::from_secs(20)).unwrap();
            let (mut scanner, seconds) =
                engine.scanner(&declared, Duration::from_secs(20), ScanFlags::empty()).unwrap();
            let thorough = copied(scanner.scan_mem(bytes).map_err(yara::Error::from), seconds).unwrap();
            assert_eq!(fast, thorough);
            matched += fast.len();
        }
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        let mapped = engine.scan_file(&file, &NOTHING, Duration::from_secs(20)).unwrap();
        assert_eq!(mapped, engine.scan(bytes, &NOTHING, Duration::from_secs(20)).unwrap());
    }
    assert!(matched > 50, "{matched}");
}
