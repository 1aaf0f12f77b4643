//! A tar header: which block is one, and what its fields say. Programs differ in both, so a block is one if it is one to
//! any of them, and a field is read only where all read the same.

use crate::refusal::Why;

pub(super) const BLOCK: usize = 512;

/// Where the prefix of the name is.
const PREFIX: std::ops::Range<usize> = 345..500;

/// Whether `block` starts with a header. The checksum decides: the signature is in the middle of the block, and the
/// oldest tar has none.
///
/// Every checksum that some program accepts is accepted: over unsigned or signed bytes, written in any way that GNU
/// tar, bsdtar or Python reads. A file that is a tar to one of them must be one here.
pub fn is_tar_header(block: &[u8]) -> bool {
    let Some(block) = block.first_chunk::<BLOCK>() else { return false };
    let sum = |signed: bool| -> i64 {
        let value = |byte: u8| if signed { i64::from(byte.cast_signed()) } else { i64::from(byte) };
        let blank = 8 * i64::from(b' ');
        block[..148].iter().chain(&block[156..]).map(|byte| value(*byte)).sum::<i64>() + blank
    };
    let field = &block[148..156];
    let stated = [stated_sum(field), python_number(field)];
    stated.into_iter().flatten().any(|stated| stated == sum(false) || stated == sum(true))
}

/// What Python reads in a field (`tarfile.nti`): up to the first NUL, whatever `int` takes for a number
/// to the base of 8, which has a sign, a prefix and single underscores; nothing is 0.
fn python_number(field: &[u8]) -> Option<i64> {
    let text = field.split(|byte| *byte == 0).next().and_then(|text| std::str::from_utf8(text).ok())?;
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '\x0b' | '\x1c'..='\x1f'));
    if text.is_empty() {
        return Some(0);
    }
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("-", digits)) => (-1, digits),
        Some(("+", digits)) => (1, digits),
        _ => (1, text),
    };
    let unmarked = digits.strip_prefix("0o").or_else(|| digits.strip_prefix("0O"));
    // Behind the prefix may be an underscore as well.
    let digits = unmarked.map_or(digits, |digits| digits.strip_prefix('_').unwrap_or(digits));
    digits
        .split('_')
        .try_fold(0, |number, group| {
            let is_number = !group.is_empty() && group.bytes().all(|byte| octal(byte).is_some());
            is_number
                .then(|| group.bytes().filter_map(octal).fold(number, |number, digit| number * 8 + digit))
        })
        .map(|number| sign * number)
}

/// The number in a checksum field: octal digits behind white space or NUL, with anything behind
/// them; two's complement behind a set bit; or, as some versions of GNU tar wrote it, base 64
/// behind a sign.
fn stated_sum(field: &[u8]) -> Option<i64> {
    match field {
        [0x80, rest @ ..] => Some(rest.iter().fold(0, |sum, byte| sum << 8 | i64::from(*byte))),
        [0xff, rest @ ..] => Some(rest.iter().fold(-1, |sum, byte| sum << 8 | i64::from(*byte))),
        _ => {
            let start = field.iter().position(|byte| !matches!(byte, 0 | b' ' | b'\t'..=b'\r'))?;
            let (digit, from): (fn(u8) -> Option<i64>, _) = match field[start] {
                b'+' => (base_64, start + 1),
                _ => (octal, start),
            };
            let digits = || field[from..].iter().map_while(|byte| digit(*byte));
            digits().next()?;
            Some(digits().fold(0, |sum, value| sum * if from == start { 8 } else { 64 } + value))
        }
    }
}

fn octal(byte: u8) -> Option<i64> {
    matches!(byte, b'0'..=b'7').then(|| i64::from(byte - b'0'))
}

fn base_64(byte: u8) -> Option<i64> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    DIGITS.iter().position(|digit| *digit == byte).and_then(|value| i64::try_from(value).ok())
}

/// Whether some programs read a path in front of the name that others, and [`tar::Header::path_bytes`], do
/// not: GNU tar, bsdtar, 7z and Python each have their own idea of which headers have one.
///
/// In the headers of GNU tar, times, an offset and a map of a sparse file stand there, in digits.
pub(super) fn has_hidden_prefix(block: &[u8]) -> bool {
    const IS_CONTINUED: usize = 482;
    let is_digit = |(at, byte): (usize, &u8)| {
        matches!(byte, 0 | b' ' | b'0'..=b'7') || (at + PREFIX.start == IS_CONTINUED && *byte == 1)
    };
    let prefix = &block[PREFIX];
    let is_read_by_all = match &block[257..265] {
        b"ustar\x0000" => true,
        b"ustar  \0" => prefix.iter().enumerate().all(is_digit),
        _ => false,
    };
    prefix[0] != 0 && !is_read_by_all
}

/// The size in a header, which all programs read alike or not at all: octal digits with blanks around them, or, if a bit
/// is set, a binary number.
pub(super) fn size(block: &[u8]) -> Result<usize, Why> {
    let field = &block[124..136];
    let number = match field {
        [0x80, 0, 0, 0, rest @ ..] => {
            Some(rest.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
        }
        _ => {
            let text = field.trim_ascii_start();
            let end = text.iter().position(|byte| octal(*byte).is_none()).unwrap_or(text.len());
            let is_blank = |byte: &u8| matches!(byte, b' ' | 0);
            let is_one = end > 0 && text[end..].iter().all(is_blank);
            // What was never filled in is nothing.
            let is_one = is_one || field.iter().all(is_blank);
            let digits = text[..end].iter().filter_map(|byte| octal(*byte));
            is_one.then(|| digits.fold(0, |number, digit| number << 3 | digit.cast_unsigned()))
        }
    };
    number.and_then(|number| usize::try_from(number).ok()).ok_or_else(|| Why::broken("a header has no size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with a name that has high bytes, and its two sums.
    fn block() -> ([u8; BLOCK], i64, i64) {
        let mut block = [0; BLOCK];
        block[..7].copy_from_slice("größe".as_bytes());
        block[124..136].copy_from_slice(b"00000000000\0");
        block[148..156].fill(b' ');
        let unsigned = block.iter().map(|byte| i64::from(*byte)).sum();
        let signed = block.iter().map(|byte| i64::from(byte.cast_signed())).sum();
        (block, unsigned, signed)
    }

    fn is_header_with(sum: &[u8]) -> bool {
        let (mut block, ..) = block();
        block[148..148 + sum.len()].copy_from_slice(sum);
        is_tar_header(&block)
    }

    #[test]
    fn a_sum_is_read_in_every_way_that_it_is_written() {
        let (_, unsigned, signed) = block();
        for sum in [unsigned, signed] {
            for text in [
                format!("{sum:06o}\0 "),
                format!("{sum:06o} \0"),
                format!("{sum:07o}\0"),
                format!("{sum:08o}"),
                format!("\0{sum:06o}\0"),
                format!("\0\0{sum:06o}"),
                format!("\t {sum:o}\0\0"),
                format!("{sum:o} x"),
            ] {
                assert!(is_header_with(text.as_bytes()), "{text:?}");
            }
            let binary = [&[0x80], &sum.to_be_bytes()[1..]].concat();
            assert!(is_header_with(&binary), "{binary:?}");
        }
        let digit = |shift: u32| {
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
                [(unsigned >> shift & 63) as usize]
        };
        assert!(is_header_with(&[b'+', digit(12), digit(6), digit(0), 0, 0, 0, 0]));
        for wrong in [&b"        "[..], b"\0\0\0\0\0\0\0\0", b"0000000\0", b"999999\0 ", b"+\0\0\0\0\0\0\0"] {
            assert!(!is_header_with(wrong), "{wrong:?}");
        }
        assert!(!is_tar_header(&[0; BLOCK]) && !is_tar_header(b"short"));
    }

    #[test]
    fn a_number_is_what_python_takes_for_one() {
        for (field, number) in [
            (&b"0o1234\0\0"[..], Some(0o1234)),
            (b"0O1234\0x", Some(0o1234)),
            (b"0o_1234\0", Some(0o1234)),
            (b"1_234\0\0\0", Some(0o1234)),
            (b"+1234\0\0\0", Some(0o1234)),
            (b"-1234\0\0\0", Some(-0o1234)),
            (b"  -1234\0", Some(-0o1234)),
            (b"\x1c1234\x1f\0\0", Some(0o1234)),
            (b"\x0b1234 \0\0", Some(0o1234)),
            (b"\x001234\0\0\0", Some(0)),
            (b"        ", Some(0)),
            (b"1__234\0\0", None),
            (b"_1234\0\0\0", None),
            (b"1234_\0\0\0", None),
            (b"12 34\0\0\0", None),
            (b"+-1234\0\0", None),
            (b"0o\0\0\0\0\0\0", None),
            (b"1289\0\0\0\0", None),
            (b"\xff1234\0\0\0", None),
        ] {
            assert_eq!(python_number(field), number, "{:?}", String::from_utf8_lossy(field));
        }
        let (_, unsigned, _) = block();
        assert!(is_header_with(format!("0o{unsigned:o}").as_bytes()));
        assert!(is_header_with(format!("+{unsigned:o}\0").as_bytes()));
    }

    #[test]
    fn a_path_that_only_some_programs_read_is_told_from_times() {
        let with = |magic: &[u8], prefix: &[u8]| {
            let (mut block, ..) = block();
            block[257..257 + magic.len()].copy_from_slice(magic);
            block[345..345 + prefix.len()].copy_from_slice(prefix);
            has_hidden_prefix(&block)
        };
        let gnu = b"ustar  \0";
        for magic in [&b""[..], gnu, b"ustar\x0011", b"ustar\0\0\0", b"ustar\0 0", b"ustar", b"USTAR\x0000"] {
            for prefix in [&b"../../up"[..], b"evil.hta", b"/", b".", b"14000000000\0../x"] {
                assert!(with(magic, prefix), "{magic:?} {prefix:?}");
            }
            assert!(!with(magic, b"") && !with(magic, b"\0behind its end"));
        }
        assert!(!with(b"ustar\x0000", b"folder/of/it"));
        let times = b"14000000000\x0014000000000 ";
        let sparse = [&times[..], &[0; 113], &b"\x0100000100000\0"[..]].concat();
        assert!(!with(gnu, times) && !with(gnu, &sparse));
        assert!(with(b"", times) && with(gnu, b"14000000008\0") && with(gnu, b"\x01"));
    }
}
