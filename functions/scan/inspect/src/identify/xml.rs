//! XML: whether text starts as an XML document, and of which kind by its root element.

use super::problem::{Problem, malformed};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

const SVG: &str = "http://www.w3.org/2000/svg";
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// The type of the XML document of which `beginning` holds at least everything up to the root
/// element's start tag.
pub(super) fn media_type(beginning: &str) -> Result<&'static str, Problem> {
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
        b"svg" => "image/svg+xml",
        b"html" => "application/xhtml+xml",
        // A browser runs scripts of these namespaces in any XML document.
        _ if declares(SVG) => "image/svg+xml",
        _ if declares(XHTML) => "application/xhtml+xml",
        _ => "application/xml",
    })
}

/// The value of an attribute without a namespace.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, Problem> {
    let found = element.try_get_attribute(name).map_err(|error| malformed(error.to_string()))?;
    found.map(|attribute| text_of(&attribute)).transpose()
}

fn text_of(attribute: &quick_xml::events::attributes::Attribute<'_>) -> Result<String, Problem> {
    let raw = std::str::from_utf8(&attribute.value).map_err(|error| malformed(error.to_string()))?;
    let text = quick_xml::escape::unescape(raw).map_err(|error| malformed(error.to_string()))?;
    Ok(text.into_owned())
}
