//! Tests of the engines themselves: what they refuse, when they stop, what their hash stands for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use super::*;
use crate::variables::Variables;
use std::{fs, path::Path};

const NOTHING: Declared<'_> = variables::EXAMPLE;
const LONG: Duration = Duration::from_secs(20);

fn rule(name: &str, condition: &str) -> String {
    format!(
        r#"rule {name} {{ meta: severity = "low" description = "d" reference = "r" condition: {condition} }}"#
    )
}

fn compile(kind: EngineKind, text: &str) -> Engine {
    Engine::compile(kind, &[RuleFile::new("a.yar", text)]).unwrap()
}

fn refusal(kind: EngineKind, text: &str) -> String {
    Engine::compile(kind, &[RuleFile::new("a.yar", text)])
        .err()
        .map_or_else(String::new, |error| error.to_string())
}

fn shipped() -> Vec<RuleFile> {
    RuleFile::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../inspect/rules")).unwrap()
}

fn names(found: Vec<RuleMatch>) -> Vec<String> {
    found.into_iter().map(|found| found.rule).collect()
}

#[test]
fn rules_that_would_bring_the_process_down_or_keep_others_silent_are_refused_with_their_place() {
    for kind in EngineKind::AVAILABLE {
        let fine = rule("a", "true");
        let refusal = |text: &str| refusal(*kind, text);
        assert_eq!(refusal(&fine), "");
        let bad = refusal(&format!("\n\n{}", fine.replace("\"d\"", r#""caf\xe9""#)));
        assert!(bad.starts_with("a.yar:3: metadata of rule `a` is not UTF-8: write"), "{bad}");
        assert!(refusal(&format!("{fine}\n//\0")).starts_with("a.yar:2: there is a NUL"));
        let bad = refusal(&format!("\n{}", fine.replace("\"low\"", "\"urgent\"")));
        assert!(bad.starts_with("a.yar:2: rule `a` has severity \"urgent\": it must be low"), "{bad}");
        let class = "reference = \"r\" member_class";
        assert_eq!(refusal(&fine.replace("reference = \"r\"", &format!("{class} = \"scripts\""))), "");
        let bad = refusal(&fine.replace("reference = \"r\"", &format!("{class} = \"tools\"")));
        assert!(bad.contains("rule `a` has member_class \"tools\": it must be one of programs, "), "{bad}");
        let bad = refusal(&fine.replace("reference = \"r\"", ""));
        assert_eq!(bad, "a.yar:1: rule `a` has no reference: add `reference = \"…\"` to its meta");
        let bad = refusal(&fine.replace("\"d\"", "\"\""));
        assert!(bad.contains("has no description"), "{bad}");
        let bad = refusal(&format!("\n\n{}", fine.replace("true", "tru")));
        assert!(bad.starts_with(&format!("a.yar:3: {kind} says: ")), "{bad}");
        assert!(
            refusal(&format!("{fine}\n{fine}")).contains("a.yar:2: there is a rule `a` in a.yar already")
        );
        assert!(refusal(&format!("global {fine}")).contains("a.yar:1: rule `a` is global"));
        let bad = refusal(&format!("\n{}", rule("a", "entrypoint == 3")));
        assert!(bad.starts_with("a.yar:2: rule `a` asks for `entrypoint`: import \"pe\""), "{bad}");
        let bad = refusal(&rule("_airlock_later", "true"));
        assert_eq!(bad, "a.yar:1: the name `_airlock_later` is taken: rename the rule");
        let bad = refusal("\ninclude \"/etc/hostname\"");
        assert!(bad.starts_with("a.yar:2: "), "{bad}");
        assert!(refusal(&format!("import \"hash\"\n{fine}")).starts_with("a.yar:1: "));
    }
}

#[test]
fn every_module_is_there_in_every_engine() {
    for kind in EngineKind::AVAILABLE {
        for module in ["pe", "elf", "math", "dotnet", "dex", "macho", "time", "console", "string"] {
            assert_eq!(refusal(*kind, &format!("import \"{module}\"\n{}", rule("a", "true"))), "");
        }
    }
}

#[test]
fn t10_a_scan_that_takes_too_long_is_an_error() {
    let slow = rule(
        "slow",
        "for all i in (0..filesize-1): (for all j in (0..filesize-1): (uint8(i) + uint8(j) < 1000))",
    );
    for kind in EngineKind::AVAILABLE {
        let engine = compile(*kind, &slow);
        let found = engine.scan(&[0; 1 << 20], &NOTHING, Duration::from_millis(1));
        assert!(matches!(found, Err(EngineError::TimedOut(_))), "{kind} {found:?}");
        assert!(engine.scan(b"abc", &NOTHING, LONG).is_ok());
    }
}

#[test]
fn t10_a_string_that_cannot_be_counted_is_an_error_unless_something_matches_anyway() {
    let meta = r#"meta: severity = "low" description = "d" reference = "r""#;
    let never = format!(r#"rule never {{ {meta} strings: $a = "ab" condition: #a == 1100000 }}"#);
    let always = rule("always", "true");
    let flood = b"ab".repeat(1_100_000);
    for kind in EngineKind::AVAILABLE {
        let found = compile(*kind, &never).scan(&flood, &NOTHING, LONG);
        assert!(matches!(&found, Err(EngineError::TooManyMatches(name)) if name == "$a"), "{kind} {found:?}");
        let found = compile(*kind, &format!("{never}\n{always}")).scan(&flood, &NOTHING, LONG).unwrap();
        assert_eq!(names(found), ["always"]);
        assert_eq!(compile(*kind, &never).scan(b"ab ab", &NOTHING, LONG).unwrap(), []);
    }
}

#[test]
fn rules_that_wait_match_like_all_others() {
    let meta = r#"meta: severity = "low" description = "d" reference = "r""#;
    let rules = [
        ("begins", "uint16be(0) == 0x4142 and $s"),
        ("no_program", "not pe.is_pe and filesize > 9 and $s"),
        ("declared", "(declared_type == \"text/csv\" or uint8(900) == 1) and #s > 1"),
        ("behind_the_end", "uint8(1000) == 1 and $s"),
        ("always", "$s and filesize > 3"),
        ("names_another", "uint8(0) == 0x41 and always and $s"),
    ];
    let text = |(name, condition)| {
        format!("rule {name} {{ {meta} strings: $s = \"needle\" condition: {condition} }}\n")
    };
    let text: String = std::iter::once("import \"pe\"\n".to_owned()).chain(rules.map(text)).collect();
    for kind in EngineKind::AVAILABLE {
        let sources = [RuleFile::new("a.yar", &text)];
        let engine = Engine::load(&Engine::compile(*kind, &sources).unwrap().save().unwrap()).unwrap();
        assert!(engine.parts.later.is_some());
        assert_eq!(engine.rules().len(), rules.len());
        let whole = Engine::compile_whole(*kind, &sources).unwrap();
        let mut scanner = engine.scanner();
        let mut seen = Vec::new();
        for bytes in ["AB needle", "needle", "AB", "", "needle needle", "a needle in a hay"] {
            for content_type in ["text/plain", "text/csv"] {
                let declared = Declared { content_type, ..NOTHING };
                let found = names(scanner.scan(bytes.as_bytes(), &declared, LONG).unwrap());
                let expected = names(whole.scan(bytes.as_bytes(), &declared, LONG).unwrap());
                assert_eq!(found, expected, "{kind} {bytes:?}");
                seen.extend(found);
            }
        }
        for (name, _) in rules {
            assert_eq!(seen.iter().any(|seen| seen == name), name != "behind_the_end", "{kind} {name}");
        }
        let flood = "AB".to_owned() + &"needle".repeat(1_000_100);
        let waiting =
            "rule waiting { META strings: $s = \"needle\" condition: uint8(0) == 65 and #s == 1000050 }";
        let found = compile(*kind, &waiting.replace("META", meta)).scan(flood.as_bytes(), &NOTHING, LONG);
        assert!(matches!(&found, Err(EngineError::TooManyMatches(name)) if name == "$s"), "{kind} {found:?}");
    }
}

#[test]
fn threads_can_share_an_engine() {
    for kind in EngineKind::AVAILABLE {
        let engine = Engine::compile(*kind, &shipped()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let shell = engine.scan(b"#!/bin/sh\n", &NOTHING, LONG).unwrap();
                        assert_eq!(names(shell), ["shell_script"]);
                        assert_eq!(engine.scan(b"nothing", &NOTHING, LONG).unwrap(), []);
                    }
                });
            }
        });
    }
}

#[test]
fn rules_see_what_was_declared_even_when_they_were_loaded() {
    let sees = r#"filename == "A.Tar.GZ\xef\xbf\xbd" and extension == "gz\xef\xbf\xbd" and declared_type == "text/plain" and size == 7"#;
    for kind in EngineKind::AVAILABLE {
        let loaded = Engine::load(&compile(*kind, &rule("sees", sees)).save().unwrap()).unwrap();
        for engine in [compile(*kind, &rule("sees", sees)), loaded] {
            let declared =
                Declared { content_type: "TEXT/plain; charset=utf-8", file_name: "A.Tar.GZ\0", size: 7 };
            assert_eq!(engine.scan(b"", &declared, LONG).unwrap().len(), 1);
            assert_eq!(engine.scan(b"", &NOTHING, LONG).unwrap().len(), 0);
        }
    }
}

#[test]
fn the_hash_stands_for_engine_names_and_texts_in_any_order() {
    let (a, b) = (rule("a", "true"), rule("b", "true"));
    let hash = |sources: &[(&str, &str)]| {
        let sources: Vec<_> = sources.iter().map(|(name, text)| RuleFile::new(name, text)).collect();
        Engine::compile(EngineKind::Yara, &sources).unwrap().rules_hash().to_owned()
    };
    let both = hash(&[("a.yar", &a), ("b.yar", &b)]);
    assert_eq!(both.len(), 64);
    assert_eq!(both, hash(&[("b.yar", &b), ("a.yar", &a)]));
    assert_ne!(both, hash(&[("a.yar", &a)]));
    assert_ne!(both, hash(&[("a.yar", &a), ("c.yar", &b)]));
    assert_ne!(both, hash(&[("a.yar", &a), ("b.yar", &rule("b", "false"))]));
    assert_ne!(source::hash(EngineKind::Yara, &shipped()), source::hash(EngineKind::YaraX, &shipped()));
}

#[test]
fn the_versions_are_those_that_cargo_links() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    assert!(manifest.contains(&format!("bundled-{}", EngineKind::Yara.version().replace('.', "_"))));
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap();
    assert!(lock.contains(&format!("name = \"yara-x\"\nversion = \"{}\"\n", EngineKind::YaraX.version())));
}

#[test]
fn damaged_rules_are_not_loaded() {
    let bytes = compile(EngineKind::Yara, &rule("a", "true")).save().unwrap();
    assert!(Engine::load(&bytes).is_ok());
    for at in (0..bytes.len()).step_by(97) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(matches!(Engine::load(&damaged), Err(EngineError::Artefact(_))), "{at}");
        assert!(matches!(Engine::load(&bytes[..at]), Err(EngineError::Artefact(_))), "{at}");
    }
}

#[test]
fn an_engine_that_was_not_built_is_refused_and_a_name_that_is_none_too() {
    if !EngineKind::AVAILABLE.contains(&EngineKind::YaraX) {
        assert!(refusal(EngineKind::YaraX, &rule("a", "true")).contains("yara-x is not in this build"));
    }
    assert_eq!("yara-x".parse(), Ok(EngineKind::YaraX));
    assert!("clamav".parse::<EngineKind>().unwrap_err().to_string().contains("no rule engine \"clamav\""));
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
fn fast_mode_loaded_rules_used_scanners_and_the_other_engine_change_no_verdict() {
    let engines: Vec<_> =
        EngineKind::AVAILABLE.iter().map(|kind| Engine::compile(*kind, &shipped()).unwrap()).collect();
    let loaded =
        Engine::load(&Engine::compile(EngineKind::Yara, &shipped()).unwrap().save().unwrap()).unwrap();
    let whole = libyara::compile(&shipped()).unwrap();
    let mut thorough = libyara::scanner(&whole).unwrap();
    let mut scanners: Vec<_> = engines.iter().map(|engine| engine.scanner()).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    contents(&root.join("../inspect/samples"), &mut all);
    contents(&root.join("../../../tests/files"), &mut all);
    let mut matched = 0;
    for bytes in &all {
        for content_type in ["image/png", "text/csv", "application/xml"] {
            let declared = Declared { content_type, ..NOTHING };
            let variables = Variables::from(&declared);
            let slow =
                libyara::scan(&mut thorough, bytes, &variables, LONG, yara::ScanFlags::empty()).unwrap();
            let expected = slow.matches(loaded.rules()).unwrap();
            assert_eq!(loaded.scan(bytes, &declared, LONG).unwrap(), expected);
            for (engine, scanner) in engines.iter().zip(&mut scanners) {
                assert_eq!(engine.scan(bytes, &declared, LONG).unwrap(), expected);
                assert_eq!(scanner.scan(bytes, &declared, LONG).unwrap(), expected);
            }
            matched += expected.len();
        }
    }
    assert!(matched > 50, "{matched}");
}
