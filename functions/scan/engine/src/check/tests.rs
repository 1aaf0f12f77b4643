//! The search finds what made rules slow before: shapes of strings, each with the input that is hard on it.

use super::{
    search::{Head, Input, Watch, Worst, Yardstick, worst},
    specimen::Dice,
    speed::MOST,
    strings::patterns,
};
use crate::{Engine, EngineKind, RuleFile};

fn rule(strings: &str, condition: &str) -> String {
    let meta = r#"meta: severity = "low" description = "d" reference = "r""#;
    format!("rule a {{ {meta} strings: {strings} condition: {condition} }}")
}

fn engine(text: &str) -> Engine {
    Engine::compile_whole(EngineKind::Yara, &[RuleFile::new("a.yar", text)]).expect("a rule")
}

fn found(strings: &str, condition: &str) -> Worst {
    let text = rule(strings, condition);
    let yardstick = Yardstick::new(EngineKind::Yara).expect("a rule");
    worst(&engine(&text), &patterns(&text), &[], &[], MOST, &yardstick).expect("a search")
}

/// How many times longer `input` takes than as many bytes of nothing, in the same run.
fn times_nothing(strings: &str, input: &Input) -> f64 {
    const LENGTH: usize = 64 << 10;
    let engine = engine(&rule(strings, "any of them"));
    let mut watch = Watch::new(&engine);
    let nothing = Input::new(&Head::default(), b"nothing ");
    let hard = watch.per_mib(input, LENGTH, 3).expect("a scan");
    hard.as_secs_f64() / watch.per_mib(&nothing, LENGTH, 3).expect("a scan").as_secs_f64().max(1e-9)
}

#[test]
fn each_slow_shape_is_found_slow() {
    for strings in [
        r"$a = /\.Sockets\.TCPClient\b[^\x00]{0,900}(\biex\b|Invoke-Expression)[^\x00]{0,600}\.Write\(/ nocase",
        r#"$a = /<Relationship\s[^>]{0,300}Target\s*=\s*["'](https?:|ftp:)[^>]{0,500}\/(oleObject|frame)["']/ nocase"#,
        r#"$a = /(^|[,;"'])[ ]*[=+@-][ ]*(HYPERLINK|IMAGE)[ ]*\([^\r\n]{0,200}https?:\/\/[^\r\n]{0,200}(&|CONCAT)/ nocase"#,
        r"$a = /socket\.socket\([^\r\n]{0,80}\)[^\x00]{0,120}\.connect\(\([^\x00]{0,200}os\.dup2\([^\x00]{0,160}\/bin\//",
        r"$a = { E7 16 E3 BD [20-190] 3C 73 63 72 }",
        r"$a = /PK\x01\x02.{42}[^\x00]{1,120}\.(pdf|docx?|txt)[ _]{0,80}\.(exe|scr|js)/s nocase",
        r"$a = /certutil\s[^\r\n]{0,80}-urlcache\s[^\r\n]{0,120}:\/\/[^\r\n]{1,200}[&|]/ wide",
    ] {
        let worst = found(strings, "$a");
        assert!(worst.time_per_mib > MOST, "{strings}: {worst:?}");
        // A string that is only looked for takes two or three times as long as nothing.
        assert!(times_nothing(strings, &worst.input) > 10.0, "{strings}: {}", worst.input);
    }
}

#[test]
fn a_condition_that_looks_at_each_match_anew_grows() {
    let strings = r#"$a = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STAN" $b = "DARD-ANTIVIRUS""#;
    let worst = found(strings, "for any i in (1..#a) : ($b at @a[i] + !a[i])");
    assert!(worst.grows, "{worst:?}");
}

#[test]
fn plain_strings_and_loops_that_end_where_a_string_begins_are_fast_and_do_not_grow() {
    for strings in [
        r#"$a = "X5O!P%@AP[4\\PZX54(P^)7CC)7}""#,
        r#"$a = "powershell -enc" nocase ascii wide"#,
        r"$a = /\.Sockets\.TCPClient.{0,900}?Invoke-Expression/s",
    ] {
        let worst = found(strings, "$a");
        assert!(!worst.grows && times_nothing(strings, &worst.input) < 100.0, "{strings}: {worst:?}");
    }
}

#[test]
fn strings_are_read_as_they_are_written() {
    let text = rule(
        r#"$a = "a\x42\"/" wide ascii $ = /c\/[d]{,2}(e|f)/is // $no = "x"
           $b = { 4? [2-4] ?1 ( 42 | 43 44 ) ~45 } $c = "hi" base64"#,
        r#"$a and $b == "$no = y""#,
    );
    let found = patterns(&text);
    let shown: Vec<_> = found.iter().map(|pattern| (pattern.parts.len(), pattern.wide)).collect();
    assert_eq!(shown, [(1, true), (1, false), (3, false), (5, false), (1, false)]);
    let mut dice = Dice::new();
    let written =
        |at: usize, dice: &mut Dice| super::specimen::written(&found[at].parts, found[at].wide, dice);
    assert_eq!(written(0, &mut dice), b"a\0B\0\"\0/\0");
    assert_eq!(written(1, &mut dice), b"aB\"/");
    assert!(written(2, &mut dice).starts_with(b"c/"));
    assert_eq!(written(4, &mut dice), b"aGk");
}

#[test]
fn what_cannot_be_read_is_taken_literally() {
    for odd in ["$a = /(/", "$a = {", "$a =", "$", "$a = \"", "$a = /[/ wide"] {
        patterns(&format!("rule a {{ strings: {odd} condition: $a }}"));
    }
    assert!(patterns("rule a { condition: true }").is_empty());
}
