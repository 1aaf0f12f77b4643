//! Text: whether it is text to its last byte, in which encoding, and what kind of text.

mod controls;
mod encoding;
mod kind;
mod utf8;

use crate::{
    flaw::{CheckError, Flaw, flaw_of, malformed},
    identify::Content,
    input::Input,
    pdf,
    refusal::{Stop, Why},
    walk::Walk,
    xml,
};
pub use encoding::Text;
pub(crate) use kind::{PLAIN, kind};
use serde::{Deserialize, de::IgnoredAny};
use std::{
    borrow::Cow,
    io::{self, Read, Seek},
};
use utf8::Utf8;

/// How much of a text says what kind of text it is.
const BEGINNING: u64 = 64 << 10;

/// Types of text that nothing in the content tells apart: the declaration decides.
const PLAIN_BY_ANY_NAME: [&str; 3] = [PLAIN, "text/csv", "text/markdown"];

/// Whether a file that begins like this is more likely a text than anything with a signature.
pub(crate) fn begins_as_text(head: &[u8]) -> bool {
    // The last character may be cut in two.
    (0..4)
        .filter_map(|less| head.get(..head.len().checked_sub(less)?))
        .any(|head| Text::of(&mut Input::of_slice(head)).is_ok_and(|text| text.is_sure))
}

/// Shows a text to the rules in UTF-8.
pub(crate) fn walk(walk: &mut Walk<'_>, text: Text, bytes: &[u8]) -> Result<(), Stop> {
    let mut input = Input::of_slice(bytes);
    if text.is_utf8() {
        return Ok(());
    }
    let mut decoded = Utf8::new(&mut input, text).map_err(Why::broken)?;
    walk.unpacked("", &mut decoded, Why::broken)
}

/// The beginning of a text.
pub(crate) fn beginning<R: Read + Seek>(input: &mut Input<R>, text: Text) -> io::Result<String> {
    let mut bytes = Vec::new();
    Utf8::new(input, text)?.take(BEGINNING).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The media type of a text, given what it starts with and what was declared.
pub(crate) fn identify<R: Read + Seek>(
    input: &mut Input<R>,
    text: Text,
    declared: &'static str,
) -> io::Result<Content> {
    let beginning = beginning(input, text)?;
    let kind = kind(&beginning);
    let (media_type, checked) = match (kind, declared) {
        ("application/xml", _) | (PLAIN, "application/xml") => match xml::media_type(&beginning) {
            Ok(found) => (found, xml::check(&mut Utf8::new(input, text)?)),
            Err(problem) => (kind, Err(problem)),
        },
        (PLAIN, "application/json") => match is_json(input, text) {
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

/// Whether a text is one JSON value in an encoding of Unicode (ECMA-404; RFC 4627, section 3; only UTF-8 since RFC 8259,
/// section 8.1). A byte order mark is not allowed but is common on Windows, and parsers may ignore it.
fn is_json<R: Read + Seek>(input: &mut Input<R>, text: Text) -> Result<(), CheckError> {
    if !text.is_unicode() || text.has_zeros {
        return Err(malformed("it is no JSON: it is not in UTF-8, UTF-16 or UTF-32"));
    }
    let mut json = serde_json::Deserializer::from_reader(Utf8::new(input, text)?);
    IgnoredAny::deserialize(&mut json).and_then(|_| json.end()).map_err(|error| match error.io_error_kind() {
        Some(kind) => CheckError::Io(kind.into()),
        None => CheckError::Flaw(Flaw::Malformed(format!("it is no JSON: {error}"))),
    })
}
