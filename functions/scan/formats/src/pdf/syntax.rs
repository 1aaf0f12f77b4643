//! Objects as PDF spells them (ISO 32000-2, section 7.3): read leniently, as viewers do, with bounds on depth and number.
//! Names come without escapes and strings as their bytes, so no spelling makes a difference.

use std::borrow::Cow;

/// How deep arrays and dictionaries may lie in each other. Viewers give up at 64 to 512.
const MOST_DEPTH: u32 = 256;

/// How many values one object may hold: they are in memory together.
const MOST_VALUES: u32 = 1 << 20;

/// What an object is. Numbers that nobody asks for are not kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object<'a> {
    /// Also a word that is no object.
    Null,
    Bool(bool),
    Number(i64),
    /// Without its slash and its escapes.
    Name(Cow<'a, [u8]>),
    /// Its bytes as they stand in the file, which may be encrypted.
    Text(Cow<'a, [u8]>),
    Array(Vec<Object<'a>>),
    Dict(Dict<'a>),
    /// The number of another object. Viewers do not agree on what its generation must be.
    Ref(u32),
}

/// A dictionary in the order of the file. A key can be there twice, and viewers differ in which one counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Dict<'a>(pub(super) Vec<(Cow<'a, [u8]>, Object<'a>)>);

/// The reader gave up: more depth or values than anything honest has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooComplex;

impl<'a> Dict<'a> {
    /// All values of a key.
    pub(super) fn all<'s>(&'s self, key: &'s str) -> impl Iterator<Item = &'s Object<'a>> {
        self.0.iter().filter(move |(name, _)| name.as_ref() == key.as_bytes()).map(|(_, value)| value)
    }

    /// The value of a key that the last of two has.
    pub(super) fn get(&self, key: &str) -> Option<&Object<'a>> {
        self.0.iter().rfind(|(name, _)| name.as_ref() == key.as_bytes()).map(|(_, value)| value)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.all(key).next().is_some()
    }
}

/// Reads objects from `bytes`, from `at` on.
pub(super) struct Parser<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    values: u32,
}

pub(super) fn is_space(byte: u8) -> bool {
    // Table 1.
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !is_delimiter(byte)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

impl<'a> Parser<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at: at.min(bytes.len()), values: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_while(&mut self, is_it: impl Fn(u8) -> bool) {
        self.at += self.rest().iter().take_while(|byte| is_it(**byte)).count();
    }

    /// White space and comments, which count as such.
    pub(super) fn skip_space(&mut self) {
        loop {
            self.skip_while(is_space);
            if self.peek() != Some(b'%') {
                return;
            }
            self.skip_while(|byte| byte != b'\n' && byte != b'\r');
        }
    }

    /// The word that stands here, without moving.
    pub(super) fn word(&self) -> &'a [u8] {
        let rest = self.rest();
        &rest[..rest.iter().take_while(|byte| is_regular(**byte)).count()]
    }

    /// The object that stands here. `None` at the end of whatever is around it.
    pub(super) fn object(&mut self) -> Result<Option<Object<'a>>, TooComplex> {
        self.object_in(0)
    }

    fn object_in(&mut self, depth: u32) -> Result<Option<Object<'a>>, TooComplex> {
        self.skip_space();
        self.values += 1;
        if depth > MOST_DEPTH || self.values > MOST_VALUES {
            return Err(TooComplex);
        }
        let Some(first) = self.peek() else { return Ok(None) };
        let object = match first {
            b'/' => Object::Name(self.name()),
            b'(' => Object::Text(self.literal()),
            b'<' if self.rest().get(1) == Some(&b'<') => {
                self.at += 2;
                self.dict(depth)?
            }
            b'<' => Object::Text(Cow::Owned(self.hex())),
            b'[' => {
                self.at += 1;
                self.array(depth)?
            }
            b'>' | b']' => return Ok(None),
            b')' | b'{' | b'}' => {
                self.at += 1;
                Object::Null
            }
            b'0'..=b'9' | b'+' | b'-' | b'.' => self.number_or_ref(),
            _ => match self.word() {
                b"endobj" | b"obj" | b"stream" | b"endstream" | b"xref" | b"trailer" | b"startxref" => {
                    return Ok(None);
                }
                word => {
                    self.at += word.len().max(1);
                    match word {
                        b"true" => Object::Bool(true),
                        b"false" => Object::Bool(false),
                        _ => Object::Null,
                    }
                }
            },
        };
        Ok(Some(object))
    }

    fn array(&mut self, depth: u32) -> Result<Object<'a>, TooComplex> {
        let mut items = Vec::new();
        loop {
            match self.object_in(depth + 1)? {
                Some(item) => {
                    // Long arrays of numbers are outlines and widths.
                    if matches!(item, Object::Number(_)) {
                        self.values -= 1;
                    } else {
                        items.push(item);
                    }
                }
                None if self.peek() == Some(b']') => {
                    self.at += 1;
                    return Ok(Object::Array(items));
                }
                // Some viewers skip a bracket of the other kind, and others end here: what follows is in both.
                None if self.peek() == Some(b'>') => self.at += 1,
                None => return Ok(Object::Array(items)),
            }
        }
    }

    fn dict(&mut self, depth: u32) -> Result<Object<'a>, TooComplex> {
        let mut entries = Vec::new();
        let mut key = None;
        loop {
            let found = self.object_in(depth + 1)?;
            match (found, key.take()) {
                (Some(value), Some(name)) => entries.push((name, value)),
                (Some(Object::Name(name)), None) => key = Some(name),
                // Something that is no key is skipped.
                (Some(_), None) => {}
                (None, _) if self.rest().starts_with(b">>") => {
                    self.at += 2;
                    return Ok(Object::Dict(Dict(entries)));
                }
                (None, name) if matches!(self.peek(), Some(b'>' | b']')) => {
                    self.at += 1;
                    key = name;
                }
                (None, _) => return Ok(Object::Dict(Dict(entries))),
            }
        }
    }

    fn name(&mut self) -> Cow<'a, [u8]> {
        self.at += 1;
        let raw = self.word();
        self.at += raw.len();
        if !raw.contains(&b'#') {
            return Cow::Borrowed(raw);
        }
        let mut name = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let [first, behind @ ..] = rest {
            let escaped = match behind {
                [high, low, ..] if *first == b'#' => digit(*high).zip(digit(*low)),
                _ => None,
            };
            name.push(escaped.map_or(*first, |(high, low)| high << 4 | low));
            rest = &behind[if escaped.is_some() { 2 } else { 0 }..];
        }
        Cow::Owned(name)
    }

    fn literal(&mut self) -> Cow<'a, [u8]> {
        self.at += 1;
        let raw = self.rest();
        let mut depth = 1_u64;
        let (mut length, mut is_plain) = (0, true);
        while let Some(byte) = raw.get(length) {
            match byte {
                b'\\' => {
                    is_plain = false;
                    length += 1;
                }
                b'\r' => is_plain = false,
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            length += 1;
        }
        let length = length.min(raw.len());
        self.at += (length + 1).min(raw.len());
        if is_plain { Cow::Borrowed(&raw[..length]) } else { Cow::Owned(unescaped(&raw[..length])) }
    }

    fn hex(&mut self) -> Vec<u8> {
        self.at += 1;
        let raw = self.rest();
        let length = raw.iter().position(|byte| *byte == b'>').unwrap_or(raw.len());
        self.at += (length + 1).min(raw.len());
        let digits: Vec<u8> = raw[..length].iter().filter_map(|byte| digit(*byte)).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect()
    }

    fn number_or_ref(&mut self) -> Object<'a> {
        let word = self.word();
        self.at += word.len();
        let Some(number) = whole(word) else { return Object::Number(leading(word)) };
        let before = self.at;
        if let Ok(target) = u32::try_from(number)
            && word[0].is_ascii_digit()
        {
            self.skip_space();
            let generation = self.word();
            if !generation.is_empty() && generation.iter().all(u8::is_ascii_digit) {
                self.at += generation.len();
                self.skip_space();
                if self.word() == b"R" {
                    self.at += 1;
                    return Object::Ref(target);
                }
            }
        }
        self.at = before;
        Object::Number(number)
    }
}

fn whole(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The whole part of a number with a fraction, or of what begins as one.
fn leading(word: &[u8]) -> i64 {
    let length = word.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count() + 1;
    let digits = word[..length.min(word.len())].iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0_i64, |sum, byte| sum.saturating_mul(10).saturating_add(i64::from(byte - b'0')))
}

/// A string in parentheses without its escapes (section 7.3.4.2).
fn unescaped(raw: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (first, behind) {
            (b'\\', [b'\r', b'\n', behind @ ..] | [b'\r' | b'\n', behind @ ..]) => rest = behind,
            (b'\\', [b'0'..=b'7', ..]) => {
                let length = behind.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let value = behind[..length].iter().fold(0_u16, |sum, byte| sum * 8 + u16::from(byte - b'0'));
                text.push(value.to_le_bytes()[0]);
                rest = &behind[length..];
            }
            (b'\\', [escaped, behind @ ..]) => {
                text.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'f' => 0x0c,
                    other => *other,
                });
                rest = behind;
            }
            (b'\\', []) => {}
            (b'\r', _) => {
                text.push(b'\n');
                rest = behind.strip_prefix(b"\n").unwrap_or(behind);
            }
            (byte, _) => text.push(*byte),
        }
    }
    text
}

/// A text string (section 7.9.2.2): UTF-16 and UTF-8 begin with a mark; PDFDocEncoding is Latin-1 in what matters here.
pub(super) fn text(bytes: &[u8]) -> String {
    let wide = |unit: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let (pairs, _) = bytes.as_chunks::<2>();
        String::from_utf16_lossy(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<u16>>())
    };
    match bytes {
        [0xfe, 0xff, rest @ ..] => wide(u16::from_be_bytes, rest),
        [0xff, 0xfe, rest @ ..] => wide(u16::from_le_bytes, rest),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        bytes => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Object<'_> {
        Parser::new(text, 0).object().unwrap().unwrap()
    }

    #[test]
    fn one_thing_is_the_same_in_all_its_spellings() {
        let name = |text: &[u8]| Object::Name(Cow::Owned(text.to_vec()));
        for spelling in ["/JS", "/#4aS", "/#4A#53", "%c\r\n\0/J#53", "\x0c/JS/x"] {
            assert_eq!(read(spelling.as_bytes()), name(b"JS"), "{spelling:?}");
        }
        assert_eq!(read(b"/A#/b#4"), name(b"A#"));
        for spelling in
            [&b"(a(b)\n)"[..], b"(\\141(b)\\n)", b"(a\\\n\\(b\\51\r\n)", b"<61 2862 29 0A>", b"<612862290a"]
        {
            assert_eq!(read(spelling), Object::Text(Cow::Owned(b"a(b)\n".to_vec())), "{spelling:?}");
        }
        assert_eq!(read(b"12 0 R"), Object::Ref(12));
        assert_eq!(read(b"12%\n00%R\n\0R]"), Object::Ref(12));
        assert_eq!(read(b"12 0 Rx"), Object::Number(12));
        assert_eq!(read(b"-3.9"), Object::Number(3));
        let dict = read(b"<</A[1 2 0 R(x)]/B<</C/D>>/B null>>");
        let Object::Dict(dict) = dict else { panic!("{dict:?}") };
        assert_eq!(dict.all("B").count(), 2);
        assert_eq!(dict.get("B"), Some(&Object::Null));
        let Some(Object::Array(items)) = dict.get("A") else { panic!("{dict:?}") };
        assert_eq!(items[0], Object::Ref(2));
        assert_eq!(text(b"\xfe\xff\0a\0b"), text(b"\xef\xbb\xbfab"));
        assert_eq!(text(b"\xff\xfea\0"), "a");
    }

    #[test]
    fn what_never_ends_has_an_end() {
        for broken in ["<</A", "<</A/B", "[[[", "(((", "<<>", "[>", "<</A]>>", "<<1 2", "((\\"] {
            assert!(Parser::new(broken.as_bytes(), 0).object().is_ok(), "{broken}");
        }
        assert_eq!(Parser::new(&b"[".repeat(1000), 0).object(), Err(TooComplex));
        assert_eq!(
            Parser::new(&b"/a ".repeat(2_000_000), 0).object().unwrap(),
            Some(Object::Name(b"a"[..].into()))
        );
        assert_eq!(Parser::new(&[b"[", &b"/a ".repeat(2_000_000)[..]].concat(), 0).object(), Err(TooComplex));
    }
}
