//! Reading `Content-Disposition` (RFC 6266, with the extended values of RFC 8187), and making a
//! file name out of what it says that is safe to create.

use airlock_objects::file_name::{FileName, MAX_BYTES, NotAFileName};
use percent_encoding::percent_decode_str;

/// What a response says of how to save it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContentDisposition {
    /// Whether it is to be saved, not shown.
    pub(crate) attachment: bool,
    /// The name that it suggests, as sent: it may hold anything. See [`safe_name`].
    pub(crate) file_name: Option<String>,
}

/// Reads a header value; `None` if it does not follow the grammar of RFC 6266, section 4.1.
///
/// `filename*` wins over `filename` (section 4.3), unless it is in a charset other than UTF-8 and
/// ISO-8859-1. A parameter that stands twice makes the header invalid.
pub(crate) fn parse(value: &str) -> Option<ContentDisposition> {
    let mut rest = Rest(value);
    rest.skip_space();
    // Section 4.2: an unknown type is handled as an attachment.
    let attachment = !rest.token()?.eq_ignore_ascii_case("inline");
    let mut names: Vec<String> = Vec::new();
    let (mut plain, mut extended) = (None, None);
    loop {
        rest.skip_space();
        if rest.0.is_empty() {
            return Some(ContentDisposition { attachment, file_name: extended.or(plain) });
        }
        rest.skip(';')?;
        rest.skip_space();
        let name = rest.token()?.to_ascii_lowercase();
        rest.skip_space();
        rest.skip('=')?;
        rest.skip_space();
        let value = rest.value()?;
        match name.as_str() {
            "filename" => plain = Some(value),
            "filename*" => extended = extended_value(&value),
            _ => {}
        }
        if names.contains(&name) {
            return None;
        }
        names.push(name);
    }
}

/// What is left to read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip_space(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn skip(&mut self, c: char) -> Option<()> {
        self.0 = self.0.strip_prefix(c)?;
        Some(())
    }

    /// RFC 9110, section 5.6.2.
    fn token(&mut self) -> Option<&'a str> {
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let end = self.0.find(|c| !is_token(c)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        (!token.is_empty()).then_some(token)
    }

    /// A token, or a quoted string (RFC 9110, section 5.6.4).
    fn value(&mut self) -> Option<String> {
        let Some(quoted) = self.0.strip_prefix('"') else { return self.token().map(str::to_owned) };
        let mut text = String::new();
        let mut chars = quoted.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => text.push(chars.next()?),
                c => text.push(c),
            }
        }
        self.0 = chars.as_str();
        Some(text)
    }
}

/// `charset'language'percent-encoded` (RFC 8187, section 3.2).
fn extended_value(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    let bytes: Vec<u8> = percent_decode_str(encoded).collect();
    if charset.eq_ignore_ascii_case("utf-8") {
        String::from_utf8(bytes).ok()
    } else if charset.eq_ignore_ascii_case("iso-8859-1") {
        Some(bytes.into_iter().map(char::from).collect())
    } else {
        None
    }
}

/// A name that can be created in a folder without surprise, as near to `suggested` as that allows:
/// a [`FileName`], so neither a path nor anything that deceives the eye or controls a terminal, and
/// not hidden (RFC 6266, section 4.3).
pub(crate) fn safe_name(suggested: &str) -> String {
    let last = suggested.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_invisible = |c: char| c.to_string().parse::<FileName>() == Err(NotAFileName::Invisible);
    let clean: String = last.chars().filter(|c| !c.is_control() && !is_invisible(*c)).collect();
    let shown = match clean.trim().strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => clean.trim().to_owned(),
    };
    let cut = |name: &str| name[..name.floor_char_boundary(MAX_BYTES)].trim_end().to_owned();
    let name = cut(&shown);
    match name.parse::<FileName>() {
        _ if name.is_empty() => "download".to_owned(),
        Err(NotAFileName::Device) => cut(&format!("_{shown}")),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_published::attachment;
    use proptest::prelude::*;

    fn name(value: &str) -> Option<String> {
        parse(value)?.file_name
    }

    #[test]
    fn reads_what_the_rfcs_give_as_examples() {
        // RFC 6266, section 5.
        let plain = parse("Attachment; filename=example.html");
        assert_eq!(
            plain,
            Some(ContentDisposition { attachment: true, file_name: Some("example.html".into()) })
        );
        let inline = parse("INLINE; FILENAME= \"an example.html\"");
        assert_eq!(
            inline,
            Some(ContentDisposition { attachment: false, file_name: Some("an example.html".into()) })
        );
        assert_eq!(name("attachment; filename*= UTF-8''%e2%82%ac%20rates").as_deref(), Some("€ rates"));
        let both = "attachment; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates";
        assert_eq!(name(both).as_deref(), Some("€ rates"));
        // RFC 8187, section 3.2.3.
        assert_eq!(name("attachment; filename*=iso-8859-1'en'%A3%20rates").as_deref(), Some("£ rates"));
        assert_eq!(name(r#"attachment; filename="a \"b\" \\c""#).as_deref(), Some(r#"a "b" \c"#));
        assert_eq!(parse("attachment").map(|found| found.file_name), Some(None));
        assert_eq!(parse("form-data ; x=y").map(|found| found.attachment), Some(true));
    }

    #[test]
    fn what_breaks_the_grammar_is_nothing() {
        for value in [
            "",
            ";",
            "attachment;",
            "attachment; filename",
            "attachment; filename=",
            "attachment filename=a",
            "attachment; filename=a b",
            "attachment; filename=\"a",
            "attachment; filename=\"a\\",
            "attachment; filename=a; filename=b",
            "\"attachment\"; filename=a",
            "attachment; filename=a, b",
        ] {
            assert_eq!(parse(value), None, "{value}");
        }
    }

    #[test]
    fn an_extended_value_that_cannot_be_read_leaves_the_plain_one() {
        for extended in ["utf-8''%ff", "koi8-r''a", "a", "''a"] {
            let value = format!("attachment; filename=plain; filename*={extended}");
            assert_eq!(name(&value).as_deref(), Some("plain"), "{value}");
        }
    }

    #[test]
    fn a_name_is_never_a_path_and_never_hidden() {
        for (suggested, safe) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Windows\\system.ini", "system.ini"),
            (".bashrc", "_bashrc"),
            ("..", "_."),
            ("a/", "download"),
            ("", "download"),
            (" \u{1b}[2J\nx.txt ", "[2Jx.txt"),
            ("gpj.\u{202e}exe", "gpj.exe"),
            ("NUL.txt", "_NUL.txt"),
            ("naïve “résumé”.pdf", "naïve “résumé”.pdf"),
        ] {
            assert_eq!(safe_name(suggested), safe, "{suggested:?}");
        }
        assert_eq!(safe_name(&"é".repeat(200)), "é".repeat(127));
    }

    proptest! {
        #[test]
        fn any_suggestion_becomes_a_safe_name(suggested in any::<String>()) {
            let safe = safe_name(&suggested);
            prop_assert!(safe.parse::<FileName>().is_ok(), "{safe:?}");
            prop_assert!(!safe.starts_with('.'));
        }

        #[test]
        fn a_safe_name_stays_as_it_is(name in "[a-zA-Z0-9é“ ]{1,90}(\\.[a-z]{3})?") {
            prop_assume!(name.trim() == name);
            prop_assert_eq!(safe_name(&name), name);
        }

        #[test]
        fn no_header_breaks_it(value in "(attachment|inline)?[;=\"\\\\ '%a-z*é]{0,60}") {
            if let Some(found) = parse(&value) {
                prop_assert!(found.file_name.is_none_or(|name| name.len() <= 2 * value.len()));
            }
        }

        #[test]
        fn what_a_download_url_says_is_read_back(name in any::<String>()) {
            if let Ok(name) = name.parse::<FileName>() {
                let found = parse(&attachment(&name));
                let file_name = Some(name.to_string());
                prop_assert_eq!(found, Some(ContentDisposition { attachment: true, file_name }));
            }
        }
    }
}
