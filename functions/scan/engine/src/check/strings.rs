//! The strings of a rule, as what they are made of: enough to write what a rule looks for, or the
//! beginning of it. What can't be made out is taken literally; nothing here decides what a rule matches.

use crate::outline::{Token, closing, tokens, unescaped};
use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use regex_syntax::{
    ParserBuilder,
    hir::{Hir, HirKind},
};

/// A string that a rule looks for.
#[derive(Debug)]
pub(super) struct Pattern {
    /// Its parts in their order, for each way to write it: an alternation as a whole is one part.
    pub(super) parts: Vec<Hir>,
    /// Whether it is looked for in two bytes for each character.
    pub(super) wide: bool,
}

/// What a rule's text says that it looks for.
pub(super) fn patterns(rule: &str) -> Vec<Pattern> {
    let tokens = tokens(rule);
    let word = |at: usize, expected: &str| {
        matches!(tokens.get(at), Some((Token::Word(word), _)) if *word == expected)
            && matches!(tokens.get(at + 1), Some((Token::Symbol(b':'), _)))
    };
    let Some(start) = (0..tokens.len()).find(|at| word(*at, "strings")) else { return Vec::new() };
    let end = (start..tokens.len()).find(|at| word(*at, "condition")).unwrap_or(tokens.len());
    let is =
        |at: usize, symbol: u8| matches!(tokens.get(at), Some((Token::Symbol(found), _)) if *found == symbol);
    let equals: Vec<usize> = (start..end)
        .filter(|at| is(*at, b'=') && (is(at.wrapping_sub(1), b'$') || is(at.wrapping_sub(2), b'$')))
        .collect();
    let mut found = Vec::new();
    for (index, at) in equals.iter().enumerate() {
        let until = equals.get(index + 1).map_or(end, |next| next.saturating_sub(1));
        let body = tokens.get(at + 1..until).unwrap_or_default();
        let Some(from) = tokens.get(*at).map(|(_, range)| range.end) else { continue };
        let source = rule.get(from..).unwrap_or_default().trim_start();
        let has = |name: &str| body.iter().any(|(token, _)| *token == Token::Word(name));
        let mut texts = Vec::new();
        if source.starts_with('/') {
            texts.push(of_regex(source));
        } else if let Some((Token::Text(literal), _)) = body.first() {
            let bytes = unescaped(literal);
            if has("base64") || has("base64wide") {
                // What stands at one of the three places that it can.
                texts.push(escaped(BASE64_STANDARD_NO_PAD.encode(&bytes).as_bytes()));
            } else {
                texts.push(escaped(&bytes));
            }
        } else if source.starts_with('{') {
            texts.push(of_hex(source.split('}').next().unwrap_or_default()));
        }
        for text in texts {
            let parts = parts(&text);
            if has("wide") || has("base64wide") {
                found.push(Pattern { parts: parts.clone(), wide: true });
            }
            if !has("wide") || has("ascii") {
                found.push(Pattern { parts, wide: false });
            }
        }
    }
    found
}

fn escaped(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\x{byte:02X}")).collect()
}

/// What stands between the slashes, as this reads regular expressions.
fn of_regex(source: &str) -> String {
    let end = closing(source.as_bytes(), 1, b'/');
    let inner = source.get(1..end.saturating_sub(1)).unwrap_or_default();
    let flags = source.get(end..).unwrap_or_default();
    let is_dot_all = flags.chars().take_while(|flag| matches!(flag, 'i' | 's')).any(|flag| flag == 's');
    // YARA knows `{,n}`, and no beginnings and ends of words but `\b`.
    let inner = inner.replace("{,", "{0,").replace("\\<", "<").replace("\\>", ">");
    if is_dot_all { format!("(?s:{inner})") } else { inner }
}

/// A hex string as a regular expression.
fn of_hex(source: &str) -> String {
    let mut text = String::from("(?s:");
    let lines = source.lines().map(|line| line.split("//").next().unwrap_or_default());
    let mut characters = lines.flat_map(str::chars).filter(|c| !c.is_whitespace() && *c != '{');
    while let Some(first) = characters.next() {
        match first {
            '(' => text.push_str("(?:"),
            ')' | '|' => text.push(first),
            '[' => {
                let jump: String = characters.by_ref().take_while(|c| *c != ']').collect();
                let (least, most) = jump.split_once('-').unwrap_or((&jump, &jump));
                let least = if least.is_empty() { "0" } else { least };
                text.push_str(&format!(".{{{least},{most}}}"));
            }
            '~' => {
                let digits: String = characters.by_ref().take(2).collect();
                text.push_str(&format!("[^\\x{}]", digits.replace('?', "0")));
            }
            _ => match (first, characters.next().unwrap_or('?')) {
                ('?', '?') => text.push('.'),
                ('?', low) => text.push_str(&format!("[\\x0{low}\\x2{low}\\x4{low}\\x6{low}]")),
                (high, '?') => text.push_str(&format!("[\\x{high}0-\\x{high}F]")),
                (high, low) => text.push_str(&format!("\\x{high}{low}")),
            },
        }
    }
    text + ")"
}

fn parts(text: &str) -> Vec<Hir> {
    let parse = |text: &str| ParserBuilder::new().unicode(false).utf8(false).build().parse(text).ok();
    let whole = parse(text).or_else(|| parse(&escaped(text.as_bytes()))).unwrap_or_else(Hir::empty);
    let mut parts = Vec::new();
    flatten(&whole, &mut parts);
    parts
}

fn flatten(hir: &Hir, parts: &mut Vec<Hir>) {
    match hir.kind() {
        HirKind::Concat(inner) => inner.iter().for_each(|inner| flatten(inner, parts)),
        HirKind::Capture(capture) => flatten(&capture.sub, parts),
        HirKind::Empty | HirKind::Look(_) => {}
        _ => parts.push(hir.clone()),
    }
}
