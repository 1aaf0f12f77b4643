//! PDF: begins with its header, ends with its marker, and the cross-reference table is where the
//! end says. Updates may follow one another (ISO 32000-2, section 7.5.6), other files may not.

mod encrypted;

pub(crate) use encrypted::is_encrypted;

use crate::{
    flaw::{CheckError, Flaw, malformed},
    input::Input,
};
use memchr::memmem;
use std::io::{Read, Seek};

pub(crate) const MEDIA_TYPE: &str = "application/pdf";

const HEADER: &[u8] = b"%PDF-";
const END: &[u8] = b"%%EOF";

/// Readers look for the header in the first kilobyte (ISO 32000-1, annex H, implementation note 13).
const HEADER_WITHIN: usize = 1024;
/// The place of the table stands within so many bytes before the end of the end marker.
const TABLE_WITHIN: u64 = 256;
/// Where text that is a PDF as well has its end marker.
const END_WITHIN: u64 = 1 << 14;

/// What is read at a time, and how much of it is seen again with the next piece.
const PIECE: usize = 1 << 20;
const OVERLAP: usize = 256;

/// From the header to the end marker, one file.
pub(crate) fn check<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    let end = last_end(input)?.ok_or_else(|| malformed("a PDF ends with %%EOF"))?;
    let left = input.len() - end;
    input.go_to(end)?;
    let mut is_blank = true;
    input.each(left, |piece| is_blank &= piece.iter().all(|byte| is_space(*byte)))?;
    if !is_blank {
        return Err(Flaw::Trailing(left).into());
    }
    let before =
        input.peek_at(end.saturating_sub(TABLE_WITHIN), usize::try_from(TABLE_WITHIN).unwrap_or(0))?;
    let before = &before[..before.len().min(usize::try_from(end).unwrap_or(usize::MAX))];
    let place =
        table_place(before).ok_or_else(|| malformed("it is cut off: nothing says where its table is"))?;
    if is_table(&input.peek_at(place, 64)?) {
        Ok(())
    } else {
        Err(malformed("its table is not where it says"))
    }
}

fn is_space(byte: u8) -> bool {
    // ISO 32000-2, table 1. Old Macintosh and DOS programs also leave an end-of-file character.
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ' | 0x1a)
}

/// The number between the last `startxref` and the end (section 7.5.5).
fn table_place(before_end: &[u8]) -> Option<u64> {
    const START: &[u8] = b"startxref";
    let at = memmem::rfind(before_end, START)? + START.len();
    let digits = before_end[at..].split(|byte| *byte == b'%').next()?;
    std::str::from_utf8(digits).ok()?.trim_matches(|found| matches!(found, '\0'..=' ')).parse().ok()
}

/// Whether a cross-reference table begins here, or the object that holds one as a stream.
fn is_table(bytes: &[u8]) -> bool {
    let start = bytes.iter().position(|byte| !is_space(*byte)).unwrap_or(bytes.len());
    let bytes = &bytes[start..];
    let number = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let spaces = |bytes: &[u8]| bytes.iter().take_while(|byte| is_space(**byte)).count();
    if bytes.starts_with(b"xref") {
        return true;
    }
    let mut rest = bytes;
    for count in [number, spaces, number, spaces] {
        let length = count(rest);
        if length == 0 {
            return false;
        }
        rest = &rest[length..];
    }
    rest.starts_with(b"obj")
}

/// The end of the last end marker. An update continues its file, so there can be several; but a
/// header behind an end marker begins another file.
fn last_end<R: Read + Seek>(input: &mut Input<R>) -> Result<Option<u64>, CheckError> {
    let finder = memmem::Finder::new(END);
    let (mut from, mut last) = (0, None);
    loop {
        let piece = input.peek_at(from, PIECE)?;
        for end in finder.find_iter(&piece).map(|found| found + END.len()) {
            let behind = &piece[end..];
            let spaces = behind.iter().take(OVERLAP / 2).take_while(|byte| is_space(**byte)).count();
            let place = from + end as u64;
            if behind[spaces..].starts_with(HEADER) {
                return Err(Flaw::Trailing(input.len() - place).into());
            }
            last = Some(place);
        }
        if piece.len() < PIECE {
            return Ok(last);
        }
        from += (PIECE - OVERLAP) as u64;
    }
}

/// Readers open a file as PDF if a header is near its beginning. Of another type, it must not be.
pub(crate) fn refuse_inside<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    match memmem::find(&input.peek_at(0, HEADER_WITHIN)?, HEADER) {
        Some(_) => Err(Flaw::Polyglot(MEDIA_TYPE.into()).into()),
        None => Ok(()),
    }
}

/// Text may speak of PDF, but it must not be one: with a header near its beginning, a table and an
/// end marker.
pub(crate) fn refuse_in_text<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    if refuse_inside(input).is_ok() {
        return Ok(());
    }
    let from = input.len().saturating_sub(END_WITHIN);
    let tail = input.peek_at(from, PIECE)?;
    let is_whole = [&b"startxref"[..], END].iter().all(|mark| memmem::find(&tail, mark).is_some());
    if is_whole { Err(Flaw::Polyglot(MEDIA_TYPE.into()).into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_told_from_anything_else() {
        for table in ["xref\n0 1", "\r\n xref", "12 0 obj\n<<", "7  0\tobj"] {
            assert!(is_table(table.as_bytes()), "{table:?}");
        }
        for other in ["", "12 obj", "obj", "x", "12 0 R", "  "] {
            assert!(!is_table(other.as_bytes()), "{other:?}");
        }
        assert_eq!(table_place(b"startxref\n0\n%%EOF startxref \r\n 417\n%%EOF"), Some(417));
        assert_eq!(table_place(b"startxref\n"), None);
        assert_eq!(table_place(b"startxref\n-1\n"), None);
    }
}
