//! Polyglots: files that open as the type that they seem to be, and as another type in another program, or in the same
//! one.

use crate::{
    ZIP_WITHIN, ZipMember, embedded,
    flaw::{CheckError, Flaw},
    input::Input,
    is_tar_header, pdf, zip_traces,
};
use memchr::memmem;
use std::io::{Read, Seek};

/// What is read at a time.
const PIECE: usize = 1 << 20;

/// Refuses a file, which is not an archive, that also opens as another type.
pub(crate) fn refuse<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    refuse_zip(input)?;
    let start = input.peek_at(0, embedded::WITHIN)?;
    if is_tar_header(&start) {
        return Err(Flaw::Polyglot("application/x-tar".into()).into());
    }
    if let Some((media_type, _)) = embedded::archive(&start) {
        return Err(Flaw::Polyglot(media_type.into()).into());
    }
    refuse_phar(input)?;
    refuse_script(input, &start)
}

/// Refuses a file that also ends as a ZIP, whatever the records there say: ZIP programs start at the end of a file.
fn refuse_zip<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    let tail = input.peek_at(input.len().saturating_sub(ZIP_WITHIN as u64), ZIP_WITHIN)?;
    // Rarely anything is found, so the whole file is rarely looked through.
    if zip_traces(&tail, || true).is_empty() {
        return Ok(());
    }
    let has_member = has_zip_member(input)?;
    if zip_traces(&tail, || has_member).is_empty() {
        return Ok(());
    }
    Err(Flaw::Polyglot("application/zip".into()).into())
}

fn has_zip_member<R: Read + Seek>(input: &mut Input<R>) -> Result<bool, CheckError> {
    const PIECE: usize = 1 << 20;
    let (mut from, mut member) = (0, ZipMember::default());
    loop {
        let piece = input.peek_at(from, PIECE)?;
        member.look(&piece);
        if member.is_there() || piece.len() < PIECE {
            return Ok(member.is_there());
        }
        from += (PIECE - ZipMember::OVERLAP) as u64;
    }
}

/// Refuses a picture, sound or video that is also a PDF.
pub(crate) fn refuse_with_pdf<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    pdf::refuse_inside(input)?;
    refuse(input)
}

/// If a file is both malformed and a polyglot, report the polyglot.
pub(crate) fn weigh(
    checked: Result<(), CheckError>,
    second: Result<(), CheckError>,
) -> Result<(), CheckError> {
    match (checked, second) {
        (Err(CheckError::Io(error)), _) => Err(error.into()),
        (checked, Ok(())) => checked,
        (_, Err(second)) => Err(second),
    }
}

/// PHP opens any file as an archive that has this code in it and this signature at its end
/// (<https://www.php.net/manual/en/phar.fileformat.signature.php>).
fn refuse_phar<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    let end = input.peek_at(input.len().saturating_sub(4), 4)?;
    if end == *b"GBMB" { Err(Flaw::Polyglot("application/x-phar".into()).into()) } else { Ok(()) }
}

/// A script engine takes the signature for a name and the bytes behind it for a comment or an
/// assignment (<https://portswigger.net/research/bypassing-csp-using-polyglot-jpegs>).
fn refuse_script<R: Read + Seek>(input: &mut Input<R>, start: &[u8]) -> Result<(), CheckError> {
    let script = || CheckError::Flaw(Flaw::Polyglot("text/javascript".into()));
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let behind = match start {
        [0xff, 0xd8, 0xff, _, rest @ ..] => rest,
        [b'G', b'I', b'F', b'8', _, b'a', rest @ ..] => {
            // Width and height in letters are those of a picture that no one makes.
            if rest.first_chunk::<4>().is_some_and(|size| size.iter().all(&is_text)) {
                return Err(script());
            }
            rest
        }
        [b'R', b'I', b'F', b'F', rest @ ..] => rest,
        _ => return Ok(()),
    };
    if !behind.starts_with(b"/*") {
        return Ok(());
    }
    // By chance these are the bytes of a size; a comment also has an end, with script behind it.
    let finder = memmem::Finder::new(b"*/");
    let mut from = 0;
    while from < input.len() {
        let piece = input.peek_at(from, PIECE)?;
        let is_script =
            |end: usize| piece[end + 2..].iter().take(8).filter(|byte| is_text(byte)).count() == 8;
        if finder.find_iter(&piece).any(is_script) {
            return Err(script());
        }
        if piece.len() < PIECE {
            break;
        }
        from += (PIECE - 64) as u64;
    }
    Ok(())
}
