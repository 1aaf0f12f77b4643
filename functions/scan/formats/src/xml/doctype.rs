//! The document type declaration: entities, and attributes that elements have without showing them (XML 1.0,
//! sections 2.8, 3.3 and 4.2). What is outside of the document is never fetched.

use std::{cell::Cell, collections::HashMap, rc::Rc};

/// How deep entities may lie in each other, and how many bytes all of them may become. Books in several files have
/// some kilobytes of them.
pub(super) const DEEPEST: u32 = 16;
const MOST: usize = 8 << 20;

/// What it declares.
#[derive(Default)]
pub(crate) struct Doctype {
    pub(super) public: Option<String>,
    pub(super) system: Option<String>,
    pub(super) entities: Vec<Entity>,
    general: HashMap<String, Rc<str>>,
    parameters: HashMap<String, Rc<str>>,
    defaults: HashMap<String, Vec<(String, String)>>,
    unfolded: Cell<usize>,
}

/// One entity.
pub(super) struct Entity {
    pub(super) name: String,
    pub(super) is_parameter: bool,
    /// Where it is, if not here.
    pub(super) external: Option<String>,
}

impl Doctype {
    /// Reads what stands between `<!DOCTYPE` and its end.
    pub(super) fn parse(text: &str) -> Self {
        let mut found = Self::default();
        let mut rest = Cursor(text);
        rest.name();
        (found.public, found.system) = rest.external();
        rest.space();
        if let Some(subset) = rest.0.strip_prefix('[') {
            found.declarations(subset, 0);
        }
        found
    }

    /// Whether entities became more than any document has.
    pub(super) fn is_exhausted(&self) -> bool {
        self.unfolded.get() > MOST
    }

    /// Whether text can hold anything but the five entities that need no declaration.
    pub(super) fn has_entities(&self) -> bool {
        !self.general.is_empty()
    }

    /// What the entity stands for. Charged, as it is going to be read.
    pub(super) fn replacement(&self, name: &str) -> Option<Rc<str>> {
        let found = self.general.get(name)?;
        self.charge(found.len() + 1);
        Some(Rc::clone(found))
    }

    /// What ends endless unfolding.
    pub(super) fn exhaust(&self) {
        self.unfolded.set(usize::MAX);
    }

    fn charge(&self, bytes: usize) {
        self.unfolded.set(self.unfolded.get().saturating_add(bytes));
    }

    /// The attributes that elements of this name have, as written.
    pub(super) fn defaults(&self, element: &str) -> &[(String, String)] {
        if self.defaults.is_empty() {
            return &[];
        }
        self.defaults.get(element).map_or(&[], Vec::as_slice)
    }

    /// The value of an attribute: with references resolved, and white space as spaces.
    pub(super) fn value(&self, raw: &str) -> String {
        let mut value = String::with_capacity(raw.len());
        self.unfold(raw, 0, &mut value);
        value
    }

    fn unfold(&self, raw: &str, level: u32, into: &mut String) {
        if level > DEEPEST {
            return self.exhaust();
        }
        references(raw, |piece| match piece {
            Piece::Text(text) => {
                into.extend(text.chars().map(|found| if found.is_ascii_whitespace() { ' ' } else { found }));
            }
            Piece::Character(found) => into.push(found),
            Piece::Entity(_) if self.is_exhausted() => {}
            Piece::Entity(name) => match self.replacement(name) {
                Some(replacement) => self.unfold(&replacement, level + 1, into),
                None => into.extend(["&", name, ";"]),
            },
        });
    }

    fn declarations(&mut self, subset: &str, level: u32) {
        if level > DEEPEST {
            return self.exhaust();
        }
        let mut rest = Cursor(subset);
        while !self.is_exhausted() {
            rest.space();
            if rest.take("<!--") {
                rest.until("-->");
            } else if rest.take("<?") {
                rest.until("?>");
            } else if rest.take("<!ENTITY") {
                self.entity(rest.declaration());
            } else if rest.take("<!ATTLIST") {
                self.attributes(rest.declaration());
            } else if rest.take("<!") {
                rest.declaration();
            } else if rest.take("%") {
                let name = rest.name();
                rest.take(";");
                if let Some(replacement) = self.parameters.get(name).cloned() {
                    self.charge(replacement.len() + 1);
                    self.declarations(&replacement, level + 1);
                }
            } else if rest.0.is_empty() || rest.take("]") {
                return;
            } else {
                // No declaration: passed over, as what follows may be one to some program.
                let mut others = rest.0.chars();
                others.next();
                rest.0 = others.as_str();
            }
        }
    }

    fn entity(&mut self, declaration: &str) {
        let mut rest = Cursor(declaration);
        rest.space();
        let is_parameter = rest.take("%");
        rest.space();
        let name = rest.name().to_owned();
        rest.space();
        let (public, system) = rest.external();
        let external =
            if public.is_some() || system.is_some() { Some(system.unwrap_or_default()) } else { None };
        if external.is_none() {
            let Some(value) = rest.quoted() else { return };
            let value: Rc<str> = self.literal(value).into();
            let known = if is_parameter { &mut self.parameters } else { &mut self.general };
            // The first declaration counts.
            known.entry(name.clone()).or_insert(value);
        }
        self.entities.push(Entity { name, is_parameter, external });
    }

    /// The text of an entity: with its characters and parameters resolved, but not with its entities (section 4.5).
    fn literal(&self, raw: &str) -> String {
        let mut value = String::with_capacity(raw.len());
        references(raw, |piece| match piece {
            Piece::Text(text) => {
                let mut parts = text.split('%');
                value.push_str(parts.next().unwrap_or_default());
                for part in parts {
                    let known = part.split_once(';').and_then(|(name, behind)| {
                        self.parameters.get(name).map(|replacement| (Rc::clone(replacement), behind))
                    });
                    match known {
                        Some((replacement, behind)) if !self.is_exhausted() => {
                            self.charge(replacement.len() + 1);
                            value.extend([&replacement, behind]);
                        }
                        _ => value.extend(["%", part]),
                    }
                }
            }
            Piece::Character(found) => value.push(found),
            Piece::Entity(name) => value.extend(["&", name, ";"]),
        });
        value
    }

    /// Attributes of an element with their defaults. Types and keywords between are passed over.
    fn attributes(&mut self, declaration: &str) {
        let mut rest = Cursor(declaration);
        rest.space();
        let element = rest.name().to_owned();
        loop {
            rest.space();
            let name = rest.name().to_owned();
            rest.space();
            if rest.take("(") {
                rest.until(")");
            } else {
                let kind = rest.name();
                rest.space();
                if kind == "NOTATION" && rest.take("(") {
                    rest.until(")");
                }
            }
            rest.space();
            if rest.take("#") && rest.name() != "FIXED" {
                continue;
            }
            rest.space();
            let Some(value) = rest.quoted() else { return };
            let value = self.literal(value);
            self.defaults.entry(element.clone()).or_default().push((name, value));
        }
    }
}

enum Piece<'p> {
    Text(&'p str),
    Character(char),
    Entity(&'p str),
}

/// Cuts text at its references. What only looks like one is text.
fn references<'p>(raw: &'p str, mut each: impl FnMut(Piece<'p>)) {
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        each(Piece::Text(&rest[..at]));
        let behind = &rest[at + 1..];
        let length = behind.find(|found: char| !(found == '#' || is_name(found))).unwrap_or(behind.len());
        let name = &behind[..length];
        if name.is_empty() || !behind[length..].starts_with(';') {
            each(Piece::Text("&"));
            rest = behind;
            continue;
        }
        each(predefined(name).map_or(Piece::Entity(name), Piece::Character));
        rest = &behind[length + 1..];
    }
    each(Piece::Text(rest));
}

/// The character that `&name;` is in any document.
pub(super) fn predefined(name: &str) -> Option<char> {
    let number = |hex: &str| u32::from_str_radix(hex, 16).ok();
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => {
            let digits = name.strip_prefix('#')?;
            let value = digits.strip_prefix(['x', 'X']).map_or_else(|| digits.parse().ok(), number)?;
            char::from_u32(value)
        }
    }
}

fn is_name(found: char) -> bool {
    found.is_alphanumeric() || matches!(found, '_' | ':' | '-' | '.') || (found as u32) > 0x7f
}

struct Cursor<'c>(&'c str);

impl<'c> Cursor<'c> {
    fn space(&mut self) {
        self.0 = self.0.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        let behind = self.0.strip_prefix(token);
        self.0 = behind.unwrap_or(self.0);
        behind.is_some()
    }

    fn until(&mut self, end: &str) {
        self.0 = self.0.split_once(end).map_or("", |(_, behind)| behind);
    }

    fn name(&mut self) -> &'c str {
        self.space();
        let end = self.0.find(|found| !is_name(found)).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        self.0 = rest;
        name
    }

    fn quoted(&mut self) -> Option<&'c str> {
        self.space();
        let quote = self.0.chars().next().filter(|found| matches!(found, '"' | '\''))?;
        let (value, rest) = self.0[1..].split_once(quote)?;
        self.0 = rest;
        Some(value)
    }

    /// The public and the system name of something elsewhere, if that is what follows.
    fn external(&mut self) -> (Option<String>, Option<String>) {
        self.space();
        if self.take("SYSTEM") {
            (None, self.quoted().map(str::to_owned))
        } else if self.take("PUBLIC") {
            (self.quoted().map(str::to_owned), self.quoted().map(str::to_owned))
        } else {
            (None, None)
        }
    }

    /// Up to the `>` that is not in quotes.
    fn declaration(&mut self) -> &'c str {
        let (start, mut quote) = (self.0, None);
        for (at, found) in start.char_indices() {
            match (quote, found) {
                (None, '"' | '\'') => quote = Some(found),
                (None, '>') => {
                    self.0 = &start[at + 1..];
                    return &start[..at];
                }
                (Some(open), _) if open == found => quote = None,
                _ => {}
            }
        }
        self.0 = "";
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_what_a_parser_makes_of_them() {
        let found = Doctype::parse(
            "a SYSTEM 'a.dtd' [ <!-- <!ENTITY no 'x'> --> <?p <!ENTITY no 'x'> ?>
             <!ENTITY b \"x&#38;c;&#x3e;\"> <!ENTITY c 'y'> <!ENTITY b 'later'> <!ELEMENT a ANY>
             <!ENTITY % p '<!ENTITY &#x25; q SYSTEM \"file:///etc/passwd\"> <!ENTITY d PUBLIC \"p\" \"s\">'> %p;
             <!ATTLIST a b CDATA 'one' c (d|e) 'd' f CDATA #IMPLIED g CDATA #FIXED 'two&c;'> ]",
        );
        assert_eq!(found.system.as_deref(), Some("a.dtd"));
        assert_eq!(found.value("&b;&lt;&#65;&none;& &;\n"), "xy><A&none;& &; ");
        let external: Vec<_> = found
            .entities
            .iter()
            .filter_map(|entity| {
                Some((entity.name.as_str(), entity.is_parameter, entity.external.as_deref()?))
            })
            .collect();
        assert_eq!(external, [("q", true, "file:///etc/passwd"), ("d", false, "s")]);
        let defaults: Vec<_> =
            found.defaults("a").iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(defaults, [("b", "one"), ("c", "d"), ("g", "two&c;")]);
        assert!(!found.is_exhausted());
    }

    #[test]
    fn unfolding_ends() {
        let mut laughs = "l [ <!ENTITY l0 'lol'>".to_owned();
        for level in 1..12 {
            let inner = format!("&l{};", level - 1).repeat(10);
            laughs += &format!("<!ENTITY l{level} '{inner}'>");
        }
        for text in [
            format!("{laughs}]"),
            "a [ <!ENTITY l11 '&l11;'> ]".to_owned(),
            "a [ <!ENTITY % p '%p;'> <!ENTITY l11 'x'> <!ENTITY % q '&#37;q;'> %q; ]".to_owned(),
        ] {
            let found = Doctype::parse(&text);
            found.value("&l11;");
            assert!(found.is_exhausted(), "{text}");
        }
    }
}
