//! One pass over an XML document: elements with their namespaces, text with its references resolved.

use super::doctype::{DEEPEST, Doctype, predefined};
use crate::flaw::{CheckError, malformed};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use std::{collections::HashMap, io::BufRead, rc::Rc};

/// What is read, in the order of the document.
pub(crate) enum Node<'n> {
    Declaration,
    Doctype(&'n Doctype),
    /// The name of a processing instruction and what it says.
    Instruction(&'n str, &'n str),
    Start(&'n Element<'n>),
    End,
    Text(&'n str),
    /// Entities become more than any document has, and what they stand for was not read.
    Exhausted,
}

/// The start of an element.
pub(crate) struct Element<'e> {
    pub(crate) namespace: &'e str,
    /// Its name without the prefix.
    pub(crate) local: &'e str,
    /// Whether it is the outermost.
    pub(crate) is_root: bool,
    start: &'e BytesStart<'e>,
    place: &'e Place,
}

/// An attribute, with its references resolved.
pub(crate) struct Attribute {
    pub(crate) namespace: Rc<str>,
    pub(crate) local: String,
    pub(crate) value: String,
}

impl Element<'_> {
    pub(crate) fn is(&self, namespaces: &[&str], local: &str) -> bool {
        self.local == local && namespaces.contains(&self.namespace)
    }

    /// All attributes but the declarations of namespaces.
    pub(crate) fn attributes(&self) -> Result<Vec<Attribute>, CheckError> {
        let mut found = Vec::new();
        each_attribute(self.start, &self.place.doctype, |name, value| {
            let (prefix, local) = name.split_once(':').unwrap_or(("", name));
            if prefix != "xmlns" && name != "xmlns" {
                // An attribute without a prefix is in no namespace.
                let namespace =
                    if prefix.is_empty() { Rc::from("") } else { self.place.scope.namespace(prefix) };
                found.push(Attribute { namespace, local: local.to_owned(), value });
            }
        })?;
        Ok(found)
    }

    /// The value of the attribute with this name in no namespace, or else in any: others are decoys.
    pub(crate) fn attribute(&self, local: &str) -> Result<Option<String>, CheckError> {
        self.attribute_of("", local)
    }

    /// The same, where attributes are in the namespace of their element.
    pub(crate) fn own_attribute(&self, local: &str) -> Result<Option<String>, CheckError> {
        self.attribute_of(self.namespace, local)
    }

    fn attribute_of(&self, namespace: &str, local: &str) -> Result<Option<String>, CheckError> {
        let mut found = self.attributes()?;
        found.retain(|attribute| attribute.local == local);
        let at = found.iter().position(|attribute| *attribute.namespace == *namespace).unwrap_or(0);
        Ok((at < found.len()).then(|| found.swap_remove(at).value))
    }

    /// The namespaces that it declares.
    pub(crate) fn declared(&self) -> Result<Vec<String>, CheckError> {
        let mut found = Vec::new();
        each_attribute(self.start, &self.place.doctype, |name, value| {
            if name == "xmlns" || name.starts_with("xmlns:") {
                found.push(value);
            }
        })?;
        Ok(found)
    }
}

/// Gives the name and the value of each attribute, of those that are not shown as well.
fn each_attribute(
    start: &BytesStart<'_>,
    doctype: &Doctype,
    mut each: impl FnMut(&str, String),
) -> Result<(), CheckError> {
    let mut shown = Vec::new();
    let defaults = doctype.defaults(utf8(start.name().0)?);
    // The library's own check for attributes with the same name compares each with each.
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(no_xml)?;
        let name = utf8(attribute.key.0)?;
        if !defaults.is_empty() {
            shown.push(name.to_owned());
        }
        each(name, doctype.value(utf8(&attribute.value)?));
    }
    for (name, value) in defaults {
        if !shown.contains(name) {
            each(name, doctype.value(value));
        }
    }
    Ok(())
}

/// Which prefix stands for which namespace.
#[derive(Default)]
struct Scope {
    known: HashMap<String, Vec<(u64, Rc<str>)>>,
    /// The prefixes that open elements declare, outermost first.
    open: Vec<(u64, String)>,
}

impl Scope {
    fn namespace(&self, prefix: &str) -> Rc<str> {
        if prefix == "xml" {
            return Rc::from("http://www.w3.org/XML/1998/namespace");
        }
        let known = self.known.get(prefix).and_then(|known| known.last());
        known.map_or_else(|| Rc::from(""), |(_, namespace)| Rc::clone(namespace))
    }

    fn enter(&mut self, depth: u64, prefix: &str, namespace: &str) {
        self.known.entry(prefix.to_owned()).or_default().push((depth, Rc::from(namespace)));
        self.open.push((depth, prefix.to_owned()));
    }

    fn leave(&mut self, depth: u64) {
        while let Some((_, prefix)) = self.open.pop_if(|(at, _)| *at >= depth) {
            if let Some(known) = self.known.get_mut(&prefix) {
                known.pop();
            }
        }
    }
}

#[derive(Default)]
struct Place {
    scope: Scope,
    doctype: Doctype,
    depth: u64,
    roots: u64,
}

/// Reads a whole document. It must be one element with all that is in it, and nothing around it but comments,
/// instructions, a declaration and a document type.
pub(crate) fn read<E: From<CheckError>>(
    text: impl BufRead,
    visit: &mut dyn FnMut(Node<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut place = Place::default();
    place.read(Reader::from_reader(text), 0, visit)?;
    match place.roots {
        _ if place.depth > 0 => Err(malformed("it is no XML: it is cut off").into()),
        1 => Ok(()),
        _ => Err(malformed("it is no XML: it has no root element, or two").into()),
    }
}

impl Place {
    fn read<R: BufRead, E: From<CheckError>>(
        &mut self,
        mut reader: Reader<R>,
        level: u32,
        visit: &mut dyn FnMut(Node<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer).map_err(no_xml)? {
                Event::Eof => return Ok(()),
                Event::Start(start) => self.start(&start, visit)?,
                Event::Empty(start) => {
                    self.start(&start, visit)?;
                    self.end(visit)?;
                }
                Event::End(_) => self.end(visit)?,
                Event::Text(text) => self.text(&text, visit)?,
                Event::CData(text) if self.depth > 0 => visit(Node::Text(utf8(&text)?))?,
                Event::GeneralRef(name) if self.depth > 0 => {
                    let name = utf8(&name)?.to_owned();
                    self.reference(&name, level, visit)?;
                }
                Event::CData(_) | Event::GeneralRef(_) => return Err(outside().into()),
                Event::PI(instruction) => {
                    visit(Node::Instruction(utf8(instruction.target())?, utf8(instruction.content())?))?;
                }
                Event::DocType(text) => {
                    self.doctype = Doctype::parse(utf8(&text)?);
                    visit(Node::Doctype(&self.doctype))?;
                    self.refuse_exhaustion(visit)?;
                }
                Event::Decl(_) => visit(Node::Declaration)?,
                Event::Comment(_) => {}
            }
        }
    }

    fn start<E: From<CheckError>>(
        &mut self,
        start: &BytesStart<'_>,
        visit: &mut dyn FnMut(Node<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let is_root = self.depth == 0;
        self.roots += u64::from(is_root);
        self.depth += 1;
        let has_defaults = !self.doctype.defaults(utf8(start.name().0)?).is_empty();
        if has_defaults || memchr::memmem::find(start.attributes_raw(), b"xmlns").is_some() {
            let Self { scope, doctype, depth, .. } = self;
            each_attribute(start, doctype, |name, value| {
                if let Some(prefix) = name.strip_prefix("xmlns") {
                    match prefix.strip_prefix(':') {
                        Some(prefix) => scope.enter(*depth, prefix, &value),
                        None if prefix.is_empty() => scope.enter(*depth, "", &value),
                        None => {}
                    }
                }
            })?;
        }
        let name = start.name();
        let (prefix, local) = utf8(name.0)?.split_once(':').unwrap_or(("", utf8(name.0)?));
        let namespace = self.scope.namespace(prefix);
        let element = Element { namespace: &namespace, local, is_root, start, place: self };
        if self.doctype.has_entities() && start.attributes_raw().contains(&b'&') {
            // They are resolved by every parser, whether or not their values matter here.
            element.attributes()?;
        }
        visit(Node::Start(&element))?;
        self.refuse_exhaustion(visit)
    }

    fn end<E>(&mut self, visit: &mut dyn FnMut(Node<'_>) -> Result<(), E>) -> Result<(), E> {
        self.scope.leave(self.depth);
        self.depth = self.depth.saturating_sub(1);
        visit(Node::End)
    }

    fn text<E: From<CheckError>>(
        &mut self,
        text: &[u8],
        visit: &mut dyn FnMut(Node<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.depth > 0 {
            visit(Node::Text(utf8(text)?))
        } else if text.iter().all(u8::is_ascii_whitespace) {
            Ok(())
        } else {
            Err(outside().into())
        }
    }

    /// What an entity stands for may have elements in it.
    fn reference<E: From<CheckError>>(
        &mut self,
        name: &str,
        level: u32,
        visit: &mut dyn FnMut(Node<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(character) = predefined(name) {
            return visit(Node::Text(character.encode_utf8(&mut [0; 4])));
        }
        let Some(replacement) = self.doctype.replacement(name) else { return Ok(()) };
        if level >= DEEPEST {
            self.doctype.exhaust();
        }
        self.refuse_exhaustion(visit)?;
        let depth = self.depth;
        self.read(Reader::from_reader(replacement.as_bytes()), level + 1, visit)?;
        if self.depth == depth {
            Ok(())
        } else {
            Err(malformed("it is no XML: an entity is half an element").into())
        }
    }

    fn refuse_exhaustion<E: From<CheckError>>(
        &self,
        visit: &mut dyn FnMut(Node<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.doctype.is_exhausted() {
            return Ok(());
        }
        visit(Node::Exhausted)?;
        Err(malformed("its entities become more than any document has").into())
    }
}

fn outside() -> CheckError {
    malformed("it is no XML: text stands outside its root element")
}

fn utf8(bytes: &[u8]) -> Result<&str, CheckError> {
    std::str::from_utf8(bytes).map_err(|error| malformed(format!("it is no XML: {error}")))
}

/// What the library finds wrong, or a reader under it.
fn no_xml(error: impl Into<quick_xml::Error>) -> CheckError {
    match error.into() {
        quick_xml::Error::Io(error) if error.kind() != std::io::ErrorKind::InvalidData => {
            CheckError::Io(error.kind().into())
        }
        other => malformed(format!("it is no XML: {other}")),
    }
}
