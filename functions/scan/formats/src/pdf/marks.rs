//! The words around an object: its numbers before `obj`, and `stream` behind its dictionary.

use super::{crypt::Id, syntax::is_space};

/// How far before the word `obj` its numbers are looked for, if there is a comment between them.
const NUMBERS_WITHIN: usize = 256;

/// The numbers and generations that may stand before the word `obj`: what looks like a comment may be one, or the
/// end of a string.
pub(super) fn ids_before(before: &[u8]) -> impl Iterator<Item = Id> {
    let is_it = before.last().is_some_and(|last| last.is_ascii_digit() || is_space(*last));
    let near = if is_it { &before[before.len().saturating_sub(NUMBERS_WITHIN)..] } else { &[] };
    let found = numbers_at_the_end(near);
    let mut without_comments = None;
    if near.contains(&b'%') {
        let mut is_comment = false;
        let plain = near.iter().map(|byte| {
            is_comment = (is_comment || *byte == b'%') && !matches!(byte, b'\n' | b'\r');
            if is_comment { b' ' } else { *byte }
        });
        without_comments = numbers_at_the_end(&plain.collect::<Vec<u8>>());
    }
    found.into_iter().chain(without_comments.filter(|other| Some(*other) != found))
}

fn numbers_at_the_end(bytes: &[u8]) -> Option<Id> {
    let cut =
        |bytes: &[u8], is_it: fn(u8) -> bool| bytes.iter().rev().take_while(|byte| is_it(**byte)).count();
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let rest = &bytes[..bytes.len() - cut(bytes, is_space)];
    let (rest, generation) = rest.split_at(rest.len() - cut(rest, is_digit));
    let spaces = cut(rest, is_space);
    let rest = &rest[..rest.len() - spaces];
    let (_, number) = rest.split_at(rest.len() - cut(rest, is_digit));
    let value = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u32>().ok();
    if spaces == 0 { None } else { value(number).zip(value(generation)) }
}

/// Where the data of a stream begin whose dictionary ends here (section 7.3.8.1).
pub(super) fn data_start(bytes: &[u8], at: usize) -> Option<usize> {
    let behind = bytes.get(at..)?.strip_prefix(b"stream")?;
    let blanks = behind.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let skipped = match &behind[blanks..] {
        [b'\r', b'\n', ..] => blanks + 2,
        [b'\r' | b'\n', ..] => blanks + 1,
        _ => 0,
    };
    Some(at + 6 + skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_begins_behind_two_numbers() {
        for before in ["12 3 ", "12 3", "x 12\0\n3\r", "12%c\n3 % 4 5\n", "endobj12 3 "] {
            assert!(ids_before(before.as_bytes()).any(|id| id == (12, 3)), "{before:?}");
        }
        for before in ["", "end", "3 ", "123 x ", "12 3.", "99999999999 0 "] {
            assert_eq!(ids_before(before.as_bytes()).next(), None, "{before:?}");
        }
    }
}
