//! tar: ustar, pax and GNU archives (POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format"). The
//! headers are read by the `tar` crate; which of them are acceptable is decided here.

pub(crate) mod frame;

use crate::{
    refusal::{Special, Stop, Why},
    walk::Walk,
};
use std::borrow::Cow;
use tar::{EntryType, Header, PaxExtensions};

const BLOCK: usize = 512;

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

fn header(block: &[u8]) -> Option<&Header> {
    is_tar_header(block).then(|| Header::from_byte_slice(block))
}

/// Whether some programs read a path in front of the name that others, and [`Header::path_bytes`], do
/// not: GNU tar, bsdtar, 7z and Python each have their own idea of which headers have one.
///
/// In the headers of GNU tar, times, an offset and a map of a sparse file stand there, in digits.
fn has_hidden_prefix(block: &[u8]) -> bool {
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

/// What the headers in front of a member's own header say about it.
#[derive(Default)]
struct Extensions<'b> {
    path: Option<&'b [u8]>,
    link: bool,
    size: Option<&'b [u8]>,
    is_sparse: bool,
}

impl<'b> Extensions<'b> {
    /// Takes note of pax records; of each there may be one.
    fn pax(&mut self, records: &'b [u8]) -> Result<(), Why> {
        for record in PaxExtensions::new(records) {
            let record = record.map_err(Why::broken)?;
            let value = record.value_bytes();
            let is_new = match record.key_bytes() {
                b"path" => self.path.replace(value).is_none(),
                b"size" => self.size.replace(value).is_none(),
                b"linkpath" => !std::mem::replace(&mut self.link, true),
                key if key.starts_with(b"GNU.sparse.") => {
                    self.is_sparse = true;
                    true
                }
                _ => true,
            };
            if !is_new {
                return Err(Why::Disagreement("a pax header has one record twice"));
            }
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.path.is_none() && self.size.is_none() && !self.link && !self.is_sparse
    }
}

pub(crate) fn walk(walk: &mut Walk<'_>, bytes: &[u8]) -> Result<(), Stop> {
    let mut rest = bytes;
    let mut extensions = Extensions::default();
    loop {
        walk.budget().on_time()?;
        let Some((block, behind)) = rest.split_at_checked(BLOCK) else {
            return Err(Why::broken("it is cut off").into());
        };
        if block.iter().all(|byte| *byte == 0) {
            return end(behind, &extensions).map_err(Stop::from);
        }
        let header = header(block).ok_or_else(|| Why::broken("the checksum of a tar header is wrong"))?;
        let size = header.entry_size().map_err(Why::broken)?;
        let size = usize::try_from(size).ok().filter(|size| *size <= behind.len());
        let size = size.ok_or_else(|| Why::broken("a member is larger than the archive"))?;
        let (content, behind) = behind.split_at(size);
        let padding = size.next_multiple_of(BLOCK) - size;
        rest = behind.get(padding..).ok_or_else(|| Why::broken("it is cut off"))?;

        match header.entry_type() {
            EntryType::XHeader => extensions.pax(content)?,
            EntryType::XGlobalHeader => {
                let mut global = Extensions::default();
                global.pax(content)?;
                if !global.is_empty() {
                    return Err(Why::Disagreement("a global header renames or resizes members").into());
                }
            }
            EntryType::GNULongName => {
                let name = content.split(|byte| *byte == 0).next().unwrap_or_default();
                if extensions.path.replace(name).is_some() {
                    return Err(Why::Disagreement("a member has two long names").into());
                }
            }
            EntryType::GNULongLink => extensions.link = true,
            kind => {
                let extensions = std::mem::take(&mut extensions);
                if has_hidden_prefix(block) {
                    return Err(Why::Disagreement("a header has a path that only some programs read").into());
                }
                let name = extensions.path.map_or_else(|| header.path_bytes(), Cow::Borrowed);
                member(walk, kind, &name, &extensions, content)?;
            }
        }
    }
}

/// Only zeros may follow a block of zeros: some programs go on reading.
fn end(behind: &[u8], extensions: &Extensions<'_>) -> Result<(), Why> {
    if !extensions.is_empty() {
        return Err(Why::broken("the last header is of no member"));
    }
    if behind.iter().any(|byte| *byte != 0) {
        return Err(Why::Hidden("something follows its end"));
    }
    Ok(())
}

fn member(
    walk: &mut Walk<'_>,
    kind: EntryType,
    name: &[u8],
    extensions: &Extensions<'_>,
    content: &[u8],
) -> Result<(), Stop> {
    // Before POSIX, a folder was a file whose name ends in a slash.
    let is_folder = kind == EntryType::Directory || (kind == EntryType::Regular && name.ends_with(b"/"));
    let checked = walk.enter(name, is_folder).and_then(|()| match kind {
        EntryType::Regular | EntryType::Continuous | EntryType::Directory => Ok(()),
        EntryType::Symlink => Err(Why::NotAFile(Special::SymbolicLink)),
        EntryType::Link => Err(Why::NotAFile(Special::HardLink)),
        EntryType::Char | EntryType::Block | EntryType::Fifo => Err(Why::NotAFile(Special::Device)),
        EntryType::GNUSparse => Err(sparse()),
        other => Err(Why::Unsupported(format!("tar entries of type {:#04x}", other.as_byte()))),
    });
    let stated: Option<u64> = extensions
        .size
        .map(|size| std::str::from_utf8(size).ok().and_then(|size| size.parse().ok()).unwrap_or(u64::MAX));
    let checked = checked.and_then(|()| match stated {
        _ if extensions.is_sparse => Err(sparse()),
        Some(stated) if stated != content.len() as u64 => {
            Err(Why::Disagreement("a pax header and a tar header differ in size"))
        }
        _ if extensions.link => Err(Why::Disagreement("a file has the target of a link")),
        // Programs differ in whether such bytes are skipped.
        _ if is_folder && !content.is_empty() => Err(Why::Disagreement("a folder has content")),
        _ => Ok(()),
    });
    match checked {
        Err(why) => walk.refuse(name, why),
        Ok(()) if is_folder => Ok(()),
        Ok(()) => walk.stored(name, content),
    }
}

fn sparse() -> Why {
    Why::Unsupported("sparse files".to_owned())
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
