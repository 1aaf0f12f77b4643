//! Scripts in XML: of SVG and of pages within other documents, which browsers run in any XML, and of style sheets
//! (SVG 2, chapter 15; HTML, section 4.12.1).

use super::{Halt, SVG, XHTML, doctype::Doctype, reader::Element};
use crate::walk::Walk;

/// The processors of style sheets that run script, by the namespace of its element.
const STYLESHEETS: [&str; 4] = [
    "urn:schemas-microsoft-com:xslt",
    "http://xml.apache.org/xslt",
    "http://xml.apache.org/xalan",
    "http://www.w3.org/TR/WD-xsl",
];

/// What links must not lead to.
const RUN: [&str; 4] = ["javascript:", "vbscript:", "data:text/html", "data:application/xhtml"];

/// Whether the document is a page. A page is what it runs, and no place for a script to hide.
#[derive(Default)]
pub(super) struct Scripts {
    is_page: bool,
}

impl Scripts {
    pub(super) fn start(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Result<(), Halt> {
        if element.is_root {
            self.is_page = element.namespace == XHTML && element.local == "html";
        }
        if element.local == "script" && STYLESHEETS.contains(&element.namespace) {
            let language = element.attribute("language")?.unwrap_or_default();
            return Ok(walk.fact("xslt.script", &[("language", &language)])?);
        }
        if self.is_page || ![SVG, XHTML].contains(&element.namespace) {
            return Ok(());
        }
        let mut say = |what: &str, value: &str| {
            let value: String = value.chars().take(200).collect();
            walk.fact("svg.script", &[("what", what), ("in", element.local), ("value", &value)])
        };
        let name = element.local.to_ascii_lowercase();
        let is_frame =
            element.namespace == XHTML && ["iframe", "object", "embed", "frame"].contains(&name.as_str());
        if ["script", "handler"].contains(&name.as_str()) || is_frame {
            let source = element.attribute(if element.namespace == SVG { "href" } else { "src" })?;
            say(if is_frame { "frame" } else { "element" }, &source.unwrap_or_default())?;
        }
        for attribute in element.attributes()? {
            let local = attribute.local.to_ascii_lowercase();
            let is_handler = attribute.namespace.is_empty() && local.len() > 2 && local.starts_with("on");
            if is_handler && !attribute.value.trim().is_empty() {
                say("handler", &attribute.value)?;
            } else if runs(&attribute.value)
                && ["href", "src", "to", "from", "values", "by", "data", "action"].contains(&local.as_str())
            {
                say("link", &attribute.value)?;
            } else if local == "attributename"
                && attribute.value.trim().to_ascii_lowercase().starts_with("on")
            {
                say("handler", &attribute.value)?;
            }
        }
        Ok(())
    }
}

/// Whether one of the addresses runs script, to a browser, which ignores some characters in it.
fn runs(value: &str) -> bool {
    value.split(';').any(|address| {
        let is_ignored = |found: &char| *found <= ' ' || found.is_control();
        let start: String = address
            .chars()
            .filter(|found| !is_ignored(found))
            .take(24)
            .collect::<String>()
            .to_ascii_lowercase();
        RUN.iter().any(|run| start.starts_with(run))
    })
}

/// The value of what looks like an attribute in a processing instruction (Associating Style Sheets with XML
/// documents, section 3).
pub(super) fn pseudo_attribute(content: &str, name: &str) -> Option<String> {
    let mut rest = content;
    loop {
        let (key, behind) = rest.split_once('=')?;
        let behind = behind.trim_start();
        let quote = behind.chars().next().filter(|found| matches!(found, '"' | '\''))?;
        let (value, next) = behind[1..].split_once(quote)?;
        if key.trim() == name {
            return Some(Doctype::default().value(value));
        }
        rest = next;
    }
}
