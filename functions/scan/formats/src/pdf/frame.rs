//! Where a PDF begins and where it ends. Viewers repair its tables, so these are not checked.

use crate::{
    embedded,
    flaw::{CheckError, Flaw, malformed},
    input::Input,
    opaque,
};
use memchr::memmem;
use std::io::{Read, Seek};

pub(crate) const MEDIA_TYPE: &str = "application/pdf";

const HEADER: &[u8] = b"%PDF-";
const END: &[u8] = b"%%EOF";

/// Readers look for the header in the first kilobyte (ISO 32000-1, annex H, implementation note 13).
const WITHIN: usize = 1024;
/// The place of the table stands within so many bytes before the end of the end marker.
const TABLE_WITHIN: usize = 256;
/// Where text that is a PDF as well has its end marker.
const END_WITHIN: u64 = 1 << 14;

/// Whether a file is a PDF to everybody: it begins as one, behind nothing but a mark of text, blanks and line ends.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(WITHIN)];
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    start.trim_ascii_start().starts_with(HEADER)
}

/// Whether some viewer opens a file. Text about PDF is none, nor is an archive that holds one at its start.
pub(crate) fn is_pdf(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(WITHIN)];
    begins(bytes)
        || (memmem::find(start, HEADER).is_some()
            && std::str::from_utf8(bytes).is_err()
            && opaque::format(bytes).is_none()
            && embedded::archive(&bytes[..bytes.len().min(embedded::WITHIN)]).is_none())
}

/// From the header to the end marker, one file. Updates may follow one another (section 7.5.6), other files may not.
pub(super) fn check(bytes: &[u8]) -> Result<(), CheckError> {
    let mut end = None;
    for found in memmem::find_iter(bytes, END).map(|at| at + END.len()) {
        let behind = bytes[found..].trim_ascii_start();
        if behind.starts_with(HEADER) {
            return Err(Flaw::Trailing((bytes.len() - found) as u64).into());
        }
        end = Some(found);
    }
    let end = end.ok_or_else(|| malformed("a PDF ends with %%EOF"))?;
    let behind = &bytes[end..];
    if !is_padding(behind) {
        return Err(Flaw::Trailing(behind.len() as u64).into());
    }
    let before = &bytes[end.saturating_sub(TABLE_WITHIN)..end];
    match memmem::rfind(before, b"startxref") {
        Some(at) if before[at + 9..].trim_ascii_start().first().is_some_and(u8::is_ascii_digit) => Ok(()),
        _ => Err(malformed("it is cut off: nothing says where its table is")),
    }
}

/// Blanks. Old Macintosh and DOS programs also leave an end-of-file character.
fn is_padding(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ' | 0x1a))
}

/// Readers open a file as PDF if a header is near its beginning. Of another type, it must not be.
pub(crate) fn refuse_inside<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    match memmem::find(&input.peek_at(0, WITHIN)?, HEADER) {
        Some(_) => Err(Flaw::Polyglot(MEDIA_TYPE.into()).into()),
        None => Ok(()),
    }
}

/// Text may speak of PDF, but it must not be one: with a header near its beginning, a table and an
/// end marker.
pub(crate) fn refuse_in_text<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    const PIECE: usize = 1 << 20;
    if refuse_inside(input).is_ok() {
        return Ok(());
    }
    let from = input.len().saturating_sub(END_WITHIN);
    let tail = input.peek_at(from, PIECE)?;
    let is_whole = [&b"startxref"[..], END].iter().all(|mark| memmem::find(&tail, mark).is_some());
    if is_whole { Err(Flaw::Polyglot(MEDIA_TYPE.into()).into()) } else { Ok(()) }
}
