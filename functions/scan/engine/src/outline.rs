//! Where the rules of a text are: enough of YARA's lexical grammar to find a rule's line, to cut the rule out, to
//! refuse what would make an engine fail later, and to find what a condition asks first.

use std::ops::Range;

/// What the text of a rule says, without an engine.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outline<'t> {
    /// The rule's name.
    pub(crate) name: &'t str,
    /// The line of its name, from 1.
    pub(crate) line: usize,
    /// Where its text is, `private` and `global` included.
    pub(crate) range: Range<usize>,
    /// Whether it is a `global` rule.
    pub(crate) is_global: bool,
    /// The line of a text in its `meta` that is not UTF-8 once its escapes are read.
    pub(crate) not_utf8: Option<usize>,
    /// The line where it asks for the variable `entrypoint`.
    pub(crate) entry_point: Option<usize>,
    /// Whether it names a set of rules, as `any of (a*)` does.
    pub(crate) names_a_set: bool,
    /// Every word in it, names of other rules among them.
    pub(crate) words: Vec<&'t str>,
    /// What must be true before its strings matter: the clauses of the condition before the first that has
    /// strings or costs much, if all clauses must be true and one of these asks for more than a size.
    pub(crate) first_asks: Option<&'t str>,
}

/// The rules of a text, in order. Text that is not valid YARA gives the rules that can be recognised.
pub(crate) fn outline(text: &str) -> Vec<Outline<'_>> {
    let tokens = tokens(text);
    let line = |at: usize| text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    let mut found: Vec<Outline<'_>> = Vec::new();
    // How deep in braces, where the modifiers of the next rule begin, and whether in a `meta` section.
    let (mut depth, mut start, mut is_global, mut in_meta) = (0_usize, None, false, false);
    for (index, (token, range)) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1).map(|(token, _)| *token);
        match token {
            Token::Word(word @ ("global" | "private")) if depth == 0 => {
                start.get_or_insert(range.start);
                is_global |= *word == "global";
            }
            Token::Word("rule") if depth == 0 => {
                if let Some(Token::Word(name)) = next {
                    let begin = start.take().unwrap_or(range.start);
                    found.push(Outline {
                        name,
                        line: line(range.start),
                        range: begin..text.len(),
                        is_global: std::mem::take(&mut is_global),
                        not_utf8: None,
                        entry_point: None,
                        names_a_set: false,
                        words: Vec::new(),
                        first_asks: None,
                    });
                }
            }
            Token::Word(word) => {
                if depth == 1 && next == Some(Token::Symbol(b':')) {
                    in_meta = *word == "meta";
                }
                if let (1.., Some(rule)) = (depth, found.last_mut()) {
                    rule.words.push(word);
                    let before = index.checked_sub(1).and_then(|index| tokens.get(index));
                    let is_name = matches!(before, Some((Token::Symbol(b'$' | b'#' | b'@' | b'!'), _)));
                    if *word == "entrypoint" && !is_name {
                        rule.entry_point.get_or_insert(line(range.start));
                    }
                    let after = tokens.get(index + 2).map(|(token, _)| *token);
                    rule.names_a_set |= !is_name
                        && next == Some(Token::Symbol(b'*'))
                        && matches!(after, Some(Token::Symbol(b',' | b')')));
                    if *word == "condition" && next == Some(Token::Symbol(b':')) {
                        rule.first_asks = tokens.get(index + 1..).and_then(|rest| first_asks(text, rest));
                    }
                }
            }
            Token::Text(literal) => {
                if let (true, Some(rule)) = (in_meta, found.last_mut())
                    && std::str::from_utf8(&unescaped(literal)).is_err()
                {
                    rule.not_utf8.get_or_insert(line(range.start));
                }
            }
            Token::Symbol(b'{') => depth += 1,
            Token::Symbol(b'}') => {
                depth = depth.saturating_sub(1);
                if let (0, Some(rule)) = (depth, found.last_mut()) {
                    rule.range.end = range.end;
                    in_meta = false;
                }
            }
            Token::Symbol(_) => {}
        }
    }
    found
}

/// The first clauses of a condition. Its tokens are the colon before it and all that follow.
fn first_asks<'t>(text: &'t str, tokens: &[(Token<'t>, Range<usize>)]) -> Option<&'t str> {
    let ((_, colon), tokens) = tokens.split_first()?;
    // How deep in parentheses, whether a clause has strings or costs too much to be asked of each file,
    // whether one asks for more than a size, which most files have, and where the last of these ends.
    let (mut depth, mut has_strings, mut is_over) = (0_usize, false, false);
    let (mut is_telling, mut end) = (false, None);
    for (index, (token, range)) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1).map(|(token, _)| *token);
        match *token {
            Token::Symbol(b'(') => depth += 1,
            Token::Symbol(b')') => depth = depth.saturating_sub(1),
            Token::Symbol(b'}') => break,
            // One side of an `or` is enough.
            Token::Word("or") if depth == 0 => return None,
            Token::Word("and") if depth == 0 && !is_over => end = is_telling.then_some(range.start),
            Token::Symbol(b'$' | b'#' | b'@') | Token::Word("of" | "them") => has_strings = true,
            // The length of a match, not `!=`.
            Token::Symbol(b'!') if matches!(next, Some(Token::Word(_))) => has_strings = true,
            Token::Word("for") => is_over = true,
            Token::Word("and" | "or" | "not" | "defined" | "filesize" | "size") => {}
            Token::Word(word) if next == Some(Token::Symbol(b'(')) => {
                let reads_a_number = word.starts_with("uint") || word.starts_with("int");
                is_over |= !reads_a_number;
                is_telling |= reads_a_number && !is_over;
            }
            Token::Word(word) => {
                is_telling |= !is_over && !word.starts_with(|first: char| first.is_ascii_digit())
            }
            Token::Text(_) | Token::Symbol(_) => {}
        }
        is_over |= has_strings;
    }
    if has_strings { text.get(colon.end..end?).map(str::trim) } else { None }
}

/// The `import` lines of a text.
pub(crate) fn imports(text: &str) -> Vec<&str> {
    let tokens = tokens(text);
    let pairs = tokens.iter().zip(tokens.iter().skip(1));
    pairs
        .filter_map(|((first, begin), (second, end))| match (first, second) {
            (Token::Word("import"), Token::Text(_)) => text.get(begin.start..end.end),
            _ => None,
        })
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'t> {
    Word(&'t str),
    /// The text between two quotation marks, with its escapes.
    Text(&'t str),
    Symbol(u8),
}

/// Tokens and where they are. Comments and regular expressions are left out: a slash starts one or
/// the other, as division is a backslash in YARA.
pub(crate) fn tokens(text: &str) -> Vec<(Token<'_>, Range<usize>)> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let length =
            |from: usize, is: fn(&u8) -> bool| bytes.iter().skip(from).take_while(|byte| is(byte)).count();
        let end = match (byte, bytes.get(at + 1)) {
            (b'/', Some(b'/')) => until(text, at, "\n"),
            (b'/', Some(b'*')) => until(text, at + 2, "*/"),
            (b'"', _) => closing(bytes, at + 1, byte),
            // Includes the flags. A word can follow them directly.
            (b'/', _) => {
                let end = closing(bytes, at + 1, byte);
                end + length(end, |byte| matches!(byte, b'i' | b's'))
            }
            (b'0', Some(b'x')) => at + 2 + length(at + 2, u8::is_ascii_hexdigit),
            (b'0', Some(b'o')) => at + 2 + length(at + 2, u8::is_ascii_digit),
            // A number ends before a word: `3or` is two tokens.
            (b'0'..=b'9', _) => {
                let end = at + length(at, u8::is_ascii_digit);
                end + if matches!(bytes.get(end..end + 2), Some(b"KB" | b"MB")) { 2 } else { 0 }
            }
            _ if is_word(byte) => at + length(at, |byte| is_word(*byte)),
            _ => at + 1,
        };
        // A byte within a multi-byte character is no token.
        let token = match byte {
            b'/' | b' ' | b'\t' | b'\r' | b'\n' | 0x80.. => None,
            b'"' => text.get(at + 1..end.saturating_sub(1)).map(Token::Text),
            _ if is_word(byte) => text.get(at..end).map(Token::Word),
            _ => Some(Token::Symbol(byte)),
        };
        tokens.extend(token.map(|token| (token, at..end)));
        at = end;
    }
    tokens
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The end of the next `mark` at or after `at`, or the end of the text.
fn until(text: &str, at: usize, mark: &str) -> usize {
    text.get(at..).and_then(|rest| rest.find(mark)).map_or(text.len(), |found| at + found + mark.len())
}

/// The position behind the next `mark` that has no backslash before it.
pub(crate) fn closing(bytes: &[u8], mut at: usize, mark: u8) -> usize {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' => return at + 1,
            _ if byte == mark => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The bytes of a literal, with its escapes resolved.
pub(crate) fn unescaped(literal: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(literal.len());
    let mut rest = literal.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(1..3).and_then(|hex| std::str::from_utf8(hex).ok());
        match (byte, after.first(), hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'\\', Some(b'x'), Some(value)) => {
                bytes.push(value);
                rest = after.get(3..).unwrap_or_default();
            }
            (b'\\', Some(&escaped), _) => {
                bytes.push(escaped);
                rest = after.get(1..).unwrap_or_default();
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = r#"import "pe" // rule no {
/* rule neither { } */
private rule a : tag { meta: x = "}" y = "caf\xc3\xa9" strings: $a = { 4C [2-4] 7D } $b = /}[{]\/{2}/ condition: $a or $b }
global rule b
{
    meta:
        x = "\xe9"
    condition: a and filesize \ 2 > 1 and "\xe9" == "é}"
}
rule c { condition: b }"#;

    #[test]
    fn rules_are_found_whatever_they_hold() {
        let rules = outline(TEXT);
        let seen: Vec<_> =
            rules.iter().map(|rule| (rule.name, rule.line, rule.is_global, rule.not_utf8)).collect();
        assert_eq!(seen, [("a", 3, false, None), ("b", 4, true, Some(7)), ("c", 10, false, None)]);
        let texts: Vec<_> = rules.iter().map(|rule| &TEXT[rule.range.clone()]).collect();
        assert!(texts[0].starts_with("private rule a :") && texts[0].ends_with("$a or $b }"), "{texts:?}");
        assert!(texts[1].starts_with("global rule b") && texts[1].ends_with("\n}"), "{texts:?}");
        assert_eq!(texts[2], "rule c { condition: b }");
        assert!(rules[1].words.contains(&"a"));
        let sets =
            outline("rule a { condition: any of (b*) } rule b { condition: any of ($b*) and (size *2) > 3 }");
        assert_eq!(sets.iter().map(|rule| rule.names_a_set).collect::<Vec<_>>(), [true, false]);
        assert_eq!(imports(TEXT), ["import \"pe\""]);
    }

    #[track_caller]
    fn assert_first_asks(condition: &str, expected: Option<&str>) {
        let rule = format!("rule a {{ strings: $a = {{ 4C }} $b = /}} and/ condition: {condition} }}");
        assert_eq!(outline(&rule)[0].first_asks, expected, "{condition}");
    }

    #[test]
    fn clauses_before_the_first_string_are_what_a_rule_asks_first() {
        for (condition, expected) in [
            ("uint16(0) == 0x5A4D and $a", "uint16(0) == 0x5A4D"),
            (
                "filesize > 9 and (uint8(1) == 2 or uint8(1) != 3) and any of them",
                "filesize > 9 and (uint8(1) == 2 or uint8(1) != 3)",
            ),
            ("(uint8(0) >> 1) == 1 and (uint8(1) == 2 and $a) and filesize > 3", "(uint8(0) >> 1) == 1"),
            ("uint8(0) == 3 and for any i in (0..9) : (uint8(i) == 7) and #a > 1", "uint8(0) == 3"),
            ("uint8(0) == 3 and math.entropy(0, filesize) > 7 and $a", "uint8(0) == 3"),
            ("pe.is_pe and filename matches /q/is and $a", "pe.is_pe and filename matches /q/is"),
            ("/a/ and uint8(0) == 3 and $a", "/a/ and uint8(0) == 3"),
            ("not filename contains \"$a\" and @b < 9", "not filename contains \"$a\""),
            ("filename matches /a and $b/ and !b[1] < 9", "filename matches /a and $b/"),
        ] {
            assert_first_asks(condition, Some(expected));
        }
        for condition in [
            "$a",
            "filesize > 3 and filesize < 9",
            "filesize < 3MB and size > 9 and $a",
            "for any i in (0..filesize) : (uint8(i) == 3) and uint8(0) == 3 and $a",
            "uint8(1) == 2 and uint8(0) == 3or $a",
            "uint8(1) == 2 and uint8(0) == 0x3or $a",
            "uint8(1) == 2 and filesize > 3KBor $a",
            "uint8(1) == 2 and filename matches /q/isor $a",
            "uint8(1) == 2 and filename matches /q/or $a",
            "1of them and uint8(0) == 3",
            "any of them and filesize > 3",
            "$a and uint16(0) == 0x5A4D",
            "filesize > 3 or $a",
            "filesize > 3 and $a or $b",
            "(filesize > 3 and $a) or (filesize > 4 and $b)",
            "(filesize > 3 and $a) and $b",
            "not $a and filesize > 3",
            "for any i in (1..#a) : (uint8(@a[i]) == 1) and $b",
            "!a == 3 and $b",
            "all of ($a, $b) and filesize > 3",
            "for all of ($a, $b) : ($ at 0) and filesize > 3",
        ] {
            assert_first_asks(condition, None);
        }
    }

    proptest! {
        #[test]
        fn any_text_has_an_outline(text in "(rule|global|meta:|[{}\"/\\\\*\n:é]|[a-z0-9 ]){0,80}") {
            for rule in outline(&text) {
                prop_assert!(text.get(rule.range.clone()).is_some());
            }
            imports(&text);
        }
    }
}
