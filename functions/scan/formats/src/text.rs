//! Text: whether it is text to its last byte, and what kind of text.

use crate::{
    flaw::{CheckError, Flaw, flaw_of, malformed},
    identify::Content,
    input::Input,
    pdf, xml,
};
use airlock_content::members::ENCODED_SCRIPT;
use serde::{Deserialize, de::IgnoredAny};
use std::{
    borrow::Cow,
    io::{self, BufRead, Read, Seek, SeekFrom},
};

pub(crate) const PLAIN: &str = "text/plain";

/// Types of text that nothing in the content tells apart: the declaration decides.
const PLAIN_BY_ANY_NAME: [&str; 3] = [PLAIN, "text/csv", "text/markdown"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

/// The encoding by the byte order mark, and the mark's length (RFC 3629, section 6; RFC 2781,
/// section 3.2). Without a mark it must be UTF-8.
fn encoding(head: &[u8]) -> (Encoding, usize) {
    match head {
        [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
        [0xff, 0xfe, ..] => (Encoding::Utf16Le, 2),
        [0xfe, 0xff, ..] => (Encoding::Utf16Be, 2),
        _ => (Encoding::Utf8, 0),
    }
}

/// The beginning as text, without its byte order mark. `None` if it is no text.
pub(crate) fn decode_beginning(head: &[u8], whole: bool) -> Option<String> {
    let (encoding, mark) = encoding(head);
    let (text, rest) = decode(encoding, &head[mark..]).ok()?;
    // The last character may be cut in two by the end of the head, but not by that of the file.
    (rest == 0 || !whole).then_some(text)
}

/// Decodes as far as characters are complete; also answers how many bytes are left over.
///
/// # Errors
///
/// The offset of the first byte that isn't text.
fn decode(encoding: Encoding, bytes: &[u8]) -> Result<(String, usize), usize> {
    let (text, used) = match encoding {
        Encoding::Utf8 => match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), bytes.len()),
            Err(error) if error.error_len().is_none() => {
                let used = error.valid_up_to();
                (String::from_utf8_lossy(&bytes[..used]).into_owned(), used)
            }
            Err(error) => return Err(error.valid_up_to()),
        },
        Encoding::Utf16Le | Encoding::Utf16Be => {
            let unit = if encoding == Encoding::Utf16Le { u16::from_le_bytes } else { u16::from_be_bytes };
            let (pairs, _) = bytes.as_chunks::<2>();
            let mut units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
            // Keep both halves of a surrogate pair together.
            units.pop_if(|last| (0xd800..0xdc00).contains(last));
            let used = units.len() * 2;
            (String::from_utf16(&units).map_err(|_| 0_usize)?, used)
        }
    };
    match text.char_indices().find(|(_, character)| is_control(*character)) {
        Some((at, _)) => Err(at),
        None => Ok((text, bytes.len() - used)),
    }
}

/// Text has no control characters except those for layout. Escape is not one of them: it controls terminals.
fn is_control(character: char) -> bool {
    character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\x0c' | '\u{85}')
}

/// The kind of text that starts like this, by the beginnings that make browsers, shells and Office run or render it.
pub(crate) fn kind(beginning: &str) -> &'static str {
    // Some interpreters skip blank lines and comments.
    let mut start = beginning.trim_start();
    while let Some((_, rest)) = start.strip_prefix("<!--").and_then(|comment| comment.split_once("-->")) {
        start = rest.trim_start();
    }
    let lower: String = start.chars().take(256).collect::<String>().to_ascii_lowercase();
    let starts_tag = |tag: &str| {
        lower.strip_prefix(tag).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(|next: char| next.is_whitespace() || "/>:[".contains(next))
        })
    };
    const HTML: [&str; 9] =
        ["<!doctype html", "<html", "<head", "<body", "<script", "<iframe", "<style", "<title", "<object"];
    if lower.starts_with("%pdf-") {
        pdf::MEDIA_TYPE
    } else if lower.starts_with("<?xml") {
        "application/xml"
    } else if starts_tag("<svg") || starts_tag("<!doctype svg") {
        "image/svg+xml"
    } else if HTML.into_iter().any(starts_tag) {
        "text/html"
    } else if lower.starts_with("<?php") || lower.starts_with("<?=") {
        "application/x-httpd-php"
    } else if lower.starts_with("<%") {
        "application/x-server-page"
    } else if lower.starts_with("#!") {
        "text/x-shellscript"
    } else if lower.starts_with("@echo off") {
        "application/x-bat"
    } else if lower.starts_with("{\\rt") {
        "application/rtf"
    } else if lower.starts_with("%!ps") {
        "application/postscript"
    } else if lower.starts_with("#@~^") {
        ENCODED_SCRIPT
    } else if lower.starts_with("[internetshortcut]") {
        "application/x-mswinurl"
    } else {
        PLAIN
    }
}

/// The media type of a text, given what it starts with and what was declared.
pub(crate) fn identify<R: Read + Seek>(
    input: &mut Input<R>,
    kind: &'static str,
    beginning: &str,
    declared: &'static str,
) -> io::Result<Content> {
    if let Some(flaw) = flaw(input)? {
        return Ok(Content { media_type: Cow::Borrowed("application/octet-stream"), flaw: Some(flaw) });
    }
    let (media_type, checked) = match (kind, declared) {
        ("application/xml", _) | (PLAIN, "application/xml") => match xml::media_type(beginning) {
            Ok(found) => (found, xml::check(&mut Utf8::new(input)?)),
            Err(problem) => (kind, Err(problem)),
        },
        (PLAIN, "application/json") => match is_json(input) {
            Ok(()) => (declared, Ok(())),
            Err(problem) => (PLAIN, Err(problem)),
        },
        (PLAIN, declared) if PLAIN_BY_ANY_NAME.contains(&declared) => (declared, Ok(())),
        (kind, _) => (kind, Ok(())),
    };
    let checked = checked.and_then(|()| pdf::refuse_in_text(input));
    Ok(Content { media_type: Cow::Borrowed(media_type), flaw: flaw_of(checked)? })
}

/// Whether files of this type are text.
pub(crate) fn is_text_type(media_type: &str) -> bool {
    PLAIN_BY_ANY_NAME.contains(&media_type) || ["application/json", "application/xml"].contains(&media_type)
}

/// Where the input stops being text in UTF-8 or UTF-16, if it does.
pub(crate) fn flaw<R: Read + Seek>(input: &mut Input<R>) -> io::Result<Option<Flaw>> {
    flaw_of(is_text(input))
}

/// Whether the whole input is text in the encoding in which it starts.
fn is_text<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    let mut text = Utf8::new(input)?;
    while text.next()? {}
    Ok(())
}

/// Text as UTF-8, whichever encoding it is in, piece by piece and without its byte order mark.
pub(crate) struct Utf8<'a, R> {
    input: &'a mut Input<R>,
    encoding: Encoding,
    /// Bytes that are not decoded yet: at most the beginning of a character, between two pieces.
    raw: Vec<u8>,
    piece: String,
    used: usize,
}

impl<'a, R: Read + Seek> Utf8<'a, R> {
    fn new(input: &'a mut Input<R>) -> io::Result<Self> {
        let (encoding, mark) = encoding(&input.peek_at(0, 4)?);
        input.seek(SeekFrom::Start(mark as u64))?;
        Ok(Self { input, encoding, raw: Vec::new(), piece: String::new(), used: 0 })
    }

    /// Decodes the next piece. `false` at the end.
    fn next(&mut self) -> Result<bool, CheckError> {
        let position = self.input.position() - self.raw.len() as u64;
        let read = self.input.by_ref().take(1 << 16).read_to_end(&mut self.raw)?;
        if read == 0 {
            let is_whole = self.raw.is_empty();
            return if is_whole { Ok(false) } else { Err(malformed("its last character is cut off")) };
        }
        let (piece, rest) = decode(self.encoding, &self.raw).map_err(|at| {
            malformed(format!("it is no UTF-8 or UTF-16 text at or soon after byte {}", position + at as u64))
        })?;
        (self.piece, self.used) = (piece, 0);
        self.raw.drain(..self.raw.len() - rest);
        Ok(true)
    }
}

impl<R: Read + Seek> BufRead for Utf8<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.used == self.piece.len() {
            match self.next() {
                Ok(true) => {}
                Ok(false) => return Ok(&[]),
                Err(CheckError::Io(error)) => return Err(error),
                Err(CheckError::Flaw(flaw)) => return Err(io::Error::new(io::ErrorKind::InvalidData, flaw)),
            }
        }
        Ok(&self.piece.as_bytes()[self.used..])
    }

    fn consume(&mut self, count: usize) {
        self.used += count;
    }
}

impl<R: Read + Seek> Read for Utf8<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let count = from.len().min(into.len());
        into[..count].copy_from_slice(&from[..count]);
        self.consume(count);
        Ok(count)
    }
}

/// Whether the input, known to be text, is one JSON value in UTF-8 (RFC 8259, sections 2 and 8.1).
/// A byte order mark is not allowed but is common on Windows, and parsers may ignore it.
fn is_json<R: Read + Seek>(input: &mut Input<R>) -> Result<(), CheckError> {
    let mark = if encoding(&input.peek_at(0, 3)?) == (Encoding::Utf8, 3) { 3 } else { 0 };
    input.seek(SeekFrom::Start(mark))?;
    let mut json = serde_json::Deserializer::from_reader(input);
    IgnoredAny::deserialize(&mut json).and_then(|_| json.end()).map_err(|error| match error.io_error_kind() {
        Some(kind) => CheckError::Io(kind.into()),
        None => CheckError::Flaw(Flaw::Malformed(format!("it is no JSON: {error}"))),
    })
}
