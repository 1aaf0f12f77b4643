//! Facts: what content says of itself, one line for each thing that a rule or a policy may care about, in a normal form
//! that does not depend on how the content spells it.
//!
//! ```text
//! pdf.script on="OpenAction" code="app.alert(1)"
//! ooxml.relationship type="attachedTemplate" mode="External" target="https://…"
//! ```
//!
//! The kind comes first, then fields in a fixed order. Values stand in double quotes, with `\"`, `\\`, and control
//! characters as `\u{…}`, so no value can look like another fact.

use std::fmt::Write as _;

/// The facts of one part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(String);

impl Facts {
    /// Adds one, and returns its length in bytes.
    pub(crate) fn push(&mut self, kind: &'static str, fields: &[(&'static str, &str)]) -> usize {
        let before = self.0.len();
        self.0.push_str(kind);
        for (key, value) in fields {
            self.0.push(' ');
            self.0.push_str(key);
            self.0.push_str("=\"");
            for character in value.chars() {
                match character {
                    '"' | '\\' => self.0.extend(['\\', character]),
                    // A `String` takes everything.
                    _ if character.is_control() => drop(write!(self.0, "{}", character.escape_unicode())),
                    _ => self.0.push(character),
                }
            }
            self.0.push('"');
        }
        self.0.push('\n');
        self.0.len() - before
    }

    /// All of them, a line each.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The kind and the whole line of each.
    pub fn each(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.lines().map(|line| (line.split(' ').next().unwrap_or(line), line))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_can_look_like_another_fact() {
        let mut facts = Facts::default();
        facts.push("pdf.title", &[("text", "a\"\npdf.script on=\"\\\u{85}")]);
        facts.push("pdf.page", &[]);
        assert_eq!(facts.text(), "pdf.title text=\"a\\\"\\u{a}pdf.script on=\\\"\\\\\\u{85}\"\npdf.page\n");
        let kinds: Vec<&str> = facts.each().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, ["pdf.title", "pdf.page"]);
        assert!(!facts.is_empty());
    }
}
