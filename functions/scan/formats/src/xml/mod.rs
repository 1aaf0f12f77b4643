//! XML: read as parsers read it, with entities and namespaces resolved and in whatever encoding, and what it says
//! of itself as facts. The vocabularies that run or fetch something are in the modules below.

mod doctype;
mod encoding;
mod fields;
mod package;
mod reader;
mod script;

pub(crate) use encoding::may_start;

use crate::{
    embedded,
    flaw::{CheckError, malformed},
    identify::Content,
    input::Input,
    pdf,
    refusal::{Stop, Why},
    walk::Walk,
};
use doctype::Doctype;
use encoding::Text;
use fields::Fields;
use package::Package;
use reader::Element;
pub(crate) use reader::{Node, read};
use script::Scripts;
use std::{
    borrow::Cow,
    io::{BufRead, Cursor},
};

const SVG: &str = "http://www.w3.org/2000/svg";
const OFFICE: &str = "urn:oasis:names:tc:opendocument:xmlns:office:1.0";
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// Why reading stopped.
enum Halt {
    /// It is no XML, or there is something wrong with it.
    Check,
    /// The walk ends.
    Stop(Stop),
}

impl From<CheckError> for Halt {
    fn from(_: CheckError) -> Self {
        Self::Check
    }
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// Reads a document, and says what it is if it declares itself to be XML and is that to its end. Others that begin
/// alike are text that its declaration tells apart; what a parser sees in them counts all the same.
pub(crate) fn walk(walk: &mut Walk<'_>, bytes: &[u8]) -> Result<(), Stop> {
    let mut text = Text::new(bytes)?;
    let mut document = Document::default();
    let read = read(&mut text, &mut |node| document.see(walk, node));
    document.fields.close(walk)?;
    document.package.close(walk)?;
    let is_whole = match read {
        Ok(()) => text.is_text,
        Err(Halt::Check) => false,
        Err(Halt::Stop(stop)) => return Err(stop),
    };
    if !text.is_plain {
        walk.unpacked("", &mut Text::new(bytes)?, Why::broken)?;
    }
    if let Some(media_type) = document.media_type.filter(|_| is_whole && document.is_declared) {
        let start = &bytes[..bytes.len().min(embedded::WITHIN)];
        let flaw = match embedded::archive(start) {
            Some((second, _)) => Some(crate::flaw::Flaw::Polyglot(second.into())),
            // Reading a slice does not fail.
            None => Input::new(Cursor::new(bytes))
                .and_then(|mut input| crate::flaw::flaw_of(pdf::refuse_in_text(&mut input)))
                .map_err(Why::broken)?,
        };
        walk.content = Some(Content { media_type: Cow::Borrowed(media_type), flaw });
    }
    Ok(())
}

/// What was seen of a document so far.
#[derive(Default)]
struct Document {
    is_declared: bool,
    media_type: Option<&'static str>,
    scripts: Scripts,
    fields: Fields,
    package: Package,
}

impl Document {
    fn see(&mut self, walk: &mut Walk<'_>, node: Node<'_>) -> Result<(), Halt> {
        match node {
            Node::Declaration => self.is_declared = true,
            Node::Doctype(doctype) => declared(walk, doctype)?,
            Node::Exhausted => walk.fact("xml.expansion", &[])?,
            Node::Instruction("xml-stylesheet", content) => {
                let href = script::pseudo_attribute(content, "href").unwrap_or_default();
                walk.fact("xml.stylesheet", &[("href", &href)])?;
            }
            Node::Instruction(..) => {}
            Node::Start(element) => {
                if element.is_root {
                    self.media_type = Some(type_of(element)?);
                }
                self.scripts.start(walk, element)?;
                self.fields.start(walk, element)?;
                self.package.start(walk, element)?;
            }
            Node::End => {
                self.fields.end(walk)?;
                self.package.end(walk)?;
            }
            Node::Text(text) => {
                self.fields.text(text);
                self.package.text(text);
            }
        }
        Ok(())
    }
}

/// What the document type declares that lies elsewhere.
fn declared(walk: &mut Walk<'_>, doctype: &Doctype) -> Result<(), Stop> {
    if let Some(system) = &doctype.system {
        walk.fact(
            "xml.doctype",
            &[("system", system), ("public", doctype.public.as_deref().unwrap_or_default())],
        )?;
    }
    for entity in &doctype.entities {
        let kind = if entity.is_parameter { "parameter" } else { "general" };
        if let Some(system) = &entity.external {
            let place = place_of(system);
            let fields = [("kind", kind), ("place", place), ("name", &entity.name), ("system", system)];
            walk.fact("xml.entity", &fields)?;
        }
    }
    Ok(())
}

/// Where an external entity is: beside the document, as in books of several files; with those who publish standards;
/// or elsewhere.
fn place_of(system: &str) -> &'static str {
    const STANDARDS: [&str; 5] = ["w3.org", "oasis-open.org", "docbook.org", "openoffice.org", "xml.org"];
    let system = system.trim().to_ascii_lowercase();
    let scheme = system.split_once(':').filter(|(scheme, _)| {
        scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
    });
    let host = match scheme {
        Some(("http" | "https", rest)) => rest.trim_start_matches('/').split(['/', '?', '#']).next(),
        _ => None,
    };
    let is_of = |host: &str, owner: &str| host == owner || host.ends_with(&format!(".{owner}"));
    if host.is_some_and(|host| STANDARDS.iter().any(|owner| is_of(host, owner))) {
        "standard"
    } else if scheme.is_some() || system.starts_with(['/', '\\']) || system.starts_with("..") {
        "elsewhere"
    } else {
        "beside"
    }
}

/// The type of the document with this root.
fn type_of(root: &Element<'_>) -> Result<&'static str, CheckError> {
    let namespaces = root.declared()?;
    let declares = |namespace: &str| namespaces.iter().any(|declared| declared == namespace);
    Ok(match root.local.to_ascii_lowercase().as_str() {
        // A document of LibreOffice in one XML file, which can hold macros.
        "document" if declares(OFFICE) => "application/vnd.oasis.opendocument.flat+xml",
        "svg" => "image/svg+xml",
        "html" => "application/xhtml+xml",
        // A browser runs scripts of these namespaces in any XML document.
        _ if declares(SVG) => "image/svg+xml",
        _ if declares(XHTML) => "application/xhtml+xml",
        _ => "application/xml",
    })
}

/// The type of the XML document of which `beginning` holds at least everything up to the root
/// element's start tag.
pub(crate) fn media_type(beginning: &str) -> Result<&'static str, CheckError> {
    let mut found = None;
    let read = read(beginning.trim_start_matches('\u{feff}').as_bytes(), &mut |node| match node {
        Node::Start(root) => {
            found = Some(type_of(root)?);
            Err(malformed("only the root is read"))
        }
        _ => Ok(()),
    });
    match (found, read) {
        (Some(found), _) => Ok(found),
        (None, Err(problem)) => Err(problem),
        (None, Ok(())) => Err(malformed("it is no XML: no root element at its beginning")),
    }
}

/// Whether `text` is one element with all that is in it, and nothing around it but comments.
pub(crate) fn check(text: &mut impl BufRead) -> Result<(), CheckError> {
    read(text, &mut |_| Ok(()))
}
