//! `Content-Disposition` for downloads (RFC 6266, RFC 8187): always an attachment, under its own
//! name in any script, with a plain fallback for old clients.

use airlock_objects::file_name::FileName;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but RFC 8187's `attr-char`.
const NOT_ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The header value that makes a browser save a file under `name`.
///
/// The fallback replaces what clients read differently: non-ASCII, `"`, `\` and `%` (RFC 6266,
/// appendix D).
pub fn attachment(name: &FileName) -> String {
    let plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%');
    let fallback: String = name.as_str().chars().map(|c| if plain(c) { c } else { '_' }).collect();
    if fallback == name.as_str() {
        format!("attachment; filename=\"{fallback}\"")
    } else {
        let encoded = utf8_percent_encode(name.as_str(), NOT_ATTR_CHAR);
        format!("attachment; filename=\"{fallback}\"; filename*=UTF-8''{encoded}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    fn of(name: &str) -> String {
        attachment(&name.parse().expect("a file name"))
    }

    #[test]
    fn c11_always_an_attachment_under_its_own_name() {
        assert_eq!(of("a b.txt"), r#"attachment; filename="a b.txt""#);
        assert_eq!(
            of("naïve “résumé”.pdf"),
            "attachment; filename=\"na_ve _r_sum__.pdf\"; \
             filename*=UTF-8''na%C3%AFve%20%E2%80%9Cr%C3%A9sum%C3%A9%E2%80%9D.pdf"
        );
        assert_eq!(of("a\";x=\"b"), "attachment; filename=\"a_;x=_b\"; filename*=UTF-8''a%22%3Bx%3D%22b");
        assert_eq!(of("100%.txt"), "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt");
    }

    proptest! {
        #[test]
        fn any_name_makes_one_header_of_visible_ascii(text in any::<String>()) {
            if let Ok(name) = text.parse::<FileName>() {
                let header = attachment(&name);
                prop_assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                prop_assert_eq!(header.matches('"').count(), 2);
                if let Some((_, encoded)) = header.split_once("UTF-8''") {
                    prop_assert_eq!(percent_decode_str(encoded).decode_utf8()?, text);
                }
            }
        }
    }
}
