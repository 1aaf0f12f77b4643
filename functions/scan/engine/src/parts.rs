//! Rules in two parts: those whose strings are looked for in every file, and those that say first, without
//! strings, which few files they are about. An engine searches for every string of every rule before it evaluates
//! any condition, and is slower the more strings there are. So the second part is scanned only if one of its rules
//! could match.

use crate::{
    RuleFile,
    outline::{Outline, imports, outline},
};
use std::collections::BTreeSet;

/// The rule of the first part that matches where the second is needed.
pub(crate) const LATER: &str = "_airlock_later";

/// Something for each part. There may be no rules for a second.
pub(crate) struct Parts<T> {
    pub(crate) first: T,
    pub(crate) later: Option<T>,
}

impl<T> Parts<T> {
    /// Compiles the second part first, so that an error is reported at the rule and not at the generated one.
    pub(crate) fn try_map<U, E>(self, mut change: impl FnMut(T) -> Result<U, E>) -> Result<Parts<U>, E> {
        let later = self.later.map(&mut change).transpose()?;
        Ok(Parts { first: change(self.first)?, later })
    }

    pub(crate) fn map<U>(self, mut change: impl FnMut(T) -> U) -> Parts<U> {
        Parts { first: change(self.first), later: self.later.map(change) }
    }

    pub(crate) fn as_ref(&self) -> Parts<&T> {
        Parts { first: &self.first, later: self.later.as_ref() }
    }
}

/// Splits files that [`crate::source::check`] has accepted. In each part the rules of the other are blank, so that
/// every rule keeps its line.
pub(crate) fn split(sources: &[RuleFile]) -> Parts<Vec<RuleFile>> {
    let outlines: Vec<Vec<Outline<'_>>> = sources.iter().map(|source| outline(&source.text)).collect();
    let names: BTreeSet<&str> = outlines.iter().flatten().map(|rule| rule.name).collect();
    // A rule that names others stays in the first part, and so do those.
    let mut tied = BTreeSet::new();
    for rule in outlines.iter().flatten() {
        let named = rule.words.iter().filter(|word| **word != rule.name && names.contains(*word));
        let named: Vec<&str> = named.copied().collect();
        if !named.is_empty() {
            tied.insert(rule.name);
            tied.extend(named);
        }
    }
    // A set of rules (`a*`) may name any rule.
    let is_whole = outlines.iter().flatten().any(|rule| rule.names_a_set);
    let is_later = |rule: &Outline<'_>| !is_whole && rule.first_asks.is_some() && !tied.contains(rule.name);
    let part = |later: bool| -> Vec<RuleFile> {
        let kept = sources.iter().zip(&outlines).map(|(source, rules)| RuleFile {
            text: without(&source.text, rules.iter().filter(|rule| is_later(rule) != later)),
            ..source.clone()
        });
        kept.collect()
    };
    let mut first = part(false);
    let asked: Vec<&str> =
        outlines.iter().flatten().filter(|rule| is_later(rule)).filter_map(|rule| rule.first_asks).collect();
    if asked.is_empty() {
        return Parts { first, later: None };
    }
    let imports: BTreeSet<&str> = sources.iter().flat_map(|source| imports(&source.text)).collect();
    let imports: Vec<&str> = imports.into_iter().collect();
    // Each clause ends with a line break: it may end in a comment.
    let condition = asked.join("\n) or (\n");
    let text = format!("{}\nrule {LATER} {{ condition: (\n{condition}\n) }}", imports.join("\n"));
    first.push(RuleFile::new("parts of the rules", &text));
    Parts { first, later: Some(part(true)) }
}

/// A text with some of its rules made blank.
fn without<'t>(text: &str, rules: impl Iterator<Item = &'t Outline<'t>>) -> String {
    let ranges: Vec<_> = rules.map(|rule| rule.range.clone()).collect();
    let blank = |(at, character): (usize, char)| {
        let is_out = character != '\n' && ranges.iter().any(|range| range.contains(&at));
        if is_out { ' ' } else { character }
    };
    text.char_indices().map(blank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_in_one_part_at_its_line() {
        let one = "import \"pe\"\nrule a { condition: true }\n\
                   rule b { strings: $s = \"}é\" condition: uint8(0) == 1 and $s }\n\
                   rule c { strings: $s = \"}é\" condition: uint8(0) == 2 // é\n and pe.is_pe and $s }";
        let two = "rule d { strings: $s = \"x\" condition: uint8(0) == 3 and b and $s }\n\
                   rule e { strings: $s = \"x\" condition: uint8(0) == 4 and $s }\n\
                   rule f { strings: $s = \"x\" condition: $s }";
        let parts = split(&[RuleFile::new("1.yar", one), RuleFile::new("2.yar", two)]);
        let rules = |sources: &[RuleFile]| -> Vec<(String, usize)> {
            let rules = sources.iter().flat_map(|source| outline(&source.text));
            rules.map(|rule| (rule.name.to_owned(), rule.line)).collect()
        };
        let expected = |rules: &[(&str, usize)]| -> Vec<(String, usize)> {
            rules.iter().map(|(name, line)| ((*name).to_owned(), *line)).collect()
        };
        assert_eq!(rules(&parts.first), expected(&[("a", 2), ("b", 3), ("d", 1), ("f", 3), (LATER, 2)]));
        let later = parts.later.expect("a second part");
        assert_eq!(rules(&later), expected(&[("c", 4), ("e", 2)]));
        assert!(later[0].text.starts_with("import \"pe\"\n"));
        assert_eq!(
            parts.first[2].text,
            "import \"pe\"\nrule _airlock_later { condition: (\n\
             uint8(0) == 2 // é\n and pe.is_pe\n) or (\nuint8(0) == 4\n) }"
        );
    }

    #[test]
    fn rules_that_all_need_their_strings_are_one_part() {
        for text in [
            "rule a { strings: $s = \"x\" condition: $s }",
            "rule ab { strings: $s = \"x\" condition: uint8(0) == 1 and $s } rule b { condition: any of (a*) }",
        ] {
            let source = RuleFile::new("1.yar", text);
            let parts = split(std::slice::from_ref(&source));
            assert_eq!(parts.first, [source]);
            assert!(parts.later.is_none());
        }
    }
}
