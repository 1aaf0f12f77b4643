//! XML: whether text is an XML document to its end, and of which kind by its root element.

use crate::flaw::{CheckError, malformed};
use quick_xml::{
    Reader,
    events::{BytesDecl, BytesStart, Event},
};
use std::io::BufRead;

const SVG: &str = "http://www.w3.org/2000/svg";
const OFFICE: &str = "urn:oasis:names:tc:opendocument:xmlns:office:1.0";
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// The type of the XML document of which `beginning` holds at least everything up to the root
/// element's start tag.
pub(crate) fn media_type(beginning: &str) -> Result<&'static str, CheckError> {
    let mut reader = Reader::from_str(beginning.trim_start_matches('\u{feff}'));
    let root = loop {
        match reader.read_event().map_err(|error| malformed(format!("it is no XML: {error}")))? {
            Event::Start(root) | Event::Empty(root) => break root,
            Event::Text(text) if text.iter().all(u8::is_ascii_whitespace) => {}
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
            Event::Eof => return Err(malformed("it is no XML: no root element at its beginning")),
            Event::Text(_) | Event::CData(_) | Event::End(_) | Event::GeneralRef(_) => {
                return Err(malformed("it is no XML: something else stands before the root element"));
            }
        }
    };
    let mut namespaces = Vec::new();
    for attribute in root.attributes() {
        let attribute = attribute.map_err(|error| malformed(format!("it is no XML: {error}")))?;
        if attribute.key.as_ref() == b"xmlns" || attribute.key.as_ref().starts_with(b"xmlns:") {
            namespaces.push(text_of(&attribute)?);
        }
    }
    let local_name = root.local_name().as_ref().to_ascii_lowercase();
    let declares = |namespace: &str| namespaces.iter().any(|declared| declared == namespace);
    Ok(match local_name.as_slice() {
        // A document of LibreOffice in one XML file, which can hold macros.
        b"document" if declares(OFFICE) => "application/vnd.oasis.opendocument.flat+xml",
        b"svg" => "image/svg+xml",
        b"html" => "application/xhtml+xml",
        // A browser runs scripts of these namespaces in any XML document.
        _ if declares(SVG) => "image/svg+xml",
        _ if declares(XHTML) => "application/xhtml+xml",
        _ => "application/xml",
    })
}

/// Whether `text` is one element with all that is in it, and nothing around it but comments.
pub(crate) fn check(text: &mut impl BufRead) -> Result<(), CheckError> {
    let mut reader = Reader::from_reader(text);
    let (mut buffer, mut depth, mut roots) = (Vec::new(), 0_u64, 0_u64);
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(|error| match error {
            quick_xml::Error::Io(error) if error.kind() != std::io::ErrorKind::InvalidData => {
                CheckError::Io(error.kind().into())
            }
            other => malformed(format!("it is no XML: {other}")),
        })?;
        let is_root = matches!(event, Event::Start(_) | Event::Empty(_)) && depth == 0;
        roots += u64::from(is_root);
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Decl(declaration) => refuse_encoding(&declaration)?,
            Event::Text(text) if depth == 0 && !text.iter().all(u8::is_ascii_whitespace) => {
                return Err(malformed("it is no XML: text stands outside its root element"));
            }
            Event::CData(_) | Event::GeneralRef(_) if depth == 0 => {
                return Err(malformed("it is no XML: text stands outside its root element"));
            }
            Event::Eof if depth > 0 => return Err(malformed("it is no XML: it is cut off")),
            Event::Eof if roots == 1 => return Ok(()),
            Event::Eof => return Err(malformed("it is no XML: it has no root element, or two")),
            _ => {}
        }
    }
}

/// Text that was read as UTF-8 or UTF-16 must not be something else to a reader that believes the
/// declaration. The encodings of one byte a character are the same as UTF-8 as far as ASCII goes.
fn refuse_encoding(declaration: &BytesDecl<'_>) -> Result<(), CheckError> {
    let Some(named) = declaration.encoding() else { return Ok(()) };
    let named = named.map_err(|error| malformed(format!("it is no XML: {error}")))?;
    let name = String::from_utf8_lossy(&named).to_ascii_lowercase();
    let known = ["utf-8", "utf8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii"];
    if known.contains(&name.as_str()) || name.starts_with("iso-8859-") || name.starts_with("windows-125") {
        Ok(())
    } else {
        Err(malformed("it is no XML that can be read: it declares another encoding than it has"))
    }
}

/// The value of an attribute without a namespace.
pub(crate) fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, CheckError> {
    // The library's own check for attributes with the same name compares each with each.
    let mut found = None;
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| malformed(error.to_string()))?;
        if attribute.key.as_ref() == name.as_bytes() && found.replace(text_of(&attribute)?).is_some() {
            return Err(malformed("an element has two attributes of one name"));
        }
    }
    Ok(found)
}

fn text_of(attribute: &quick_xml::events::attributes::Attribute<'_>) -> Result<String, CheckError> {
    let raw = std::str::from_utf8(&attribute.value).map_err(|error| malformed(error.to_string()))?;
    let text = quick_xml::escape::unescape(raw).map_err(|error| malformed(error.to_string()))?;
    Ok(text.into_owned())
}
