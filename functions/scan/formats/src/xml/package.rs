//! What parts of Office packages fetch and run: relationships to what lies elsewhere (ECMA-376, part 2, section 6.5),
//! controls, and macros of documents that are one XML file.

use super::{Halt, reader::Element};
use crate::{refusal::Stop, walk::Walk};

const RELATIONSHIPS: [&str; 1] = ["http://schemas.openxmlformats.org/package/2006/relationships"];
const CONTROLS: [&str; 1] = ["http://schemas.microsoft.com/office/2006/activeX"];
/// A package in one XML file.
const FLAT: [&str; 1] = ["http://schemas.microsoft.com/office/2006/xmlPackage"];
const WORD_2003: [&str; 1] = ["http://schemas.microsoft.com/office/word/2003/wordml"];
const OPEN_DOCUMENT_SCRIPT: [&str; 2] =
    ["urn:oasis:names:tc:opendocument:xmlns:script:1.0", "http://openoffice.org/2000/script"];

/// Relationships of which Office fetches the target, and runs or renders it.
const OBJECTS: [&str; 5] = ["oleobject", "frame", "htmlfile", "package", "control"];
/// Ways to run something, whatever fetches them: those of the exploits CVE-2017-0199, CVE-2017-8570, CVE-2021-40444
/// and CVE-2022-30190.
const EXPLOITED: [&str; 9] =
    ["mhtml", "mk", "its", "ms-its", "script", "scriptlet", "javascript", "vbscript", "x-usc"];
/// Where organisations keep their documents: those of Microsoft 365.
const OFFICE_365: [&str; 4] = ["sharepoint.com", "sharepoint.us", "sharepoint.cn", "docs.live.net"];

/// The longest name of a part that is kept.
const LONGEST_NAME: usize = 1024;

/// What is open.
#[derive(Default)]
pub(super) struct Package {
    depth: u64,
    part: String,
    /// Where a part's content begins, and the content in base64.
    data: Option<(u64, Vec<u8>)>,
}

impl Package {
    pub(super) fn start(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Result<(), Halt> {
        self.depth += 1;
        if element.is(&RELATIONSHIPS, "Relationship") {
            relationship(walk, element)?;
        } else if element.is(&CONTROLS, "ocx") {
            let class = element.own_attribute("classid")?.unwrap_or_default();
            let class = class.trim().trim_matches(['{', '}']).to_ascii_uppercase();
            walk.fact("office.control", &[("classid", &class)])?;
        } else if element.is(&FLAT, "part") {
            self.part = element.own_attribute("name")?.unwrap_or_default();
            self.part.truncate(self.part.floor_char_boundary(LONGEST_NAME));
            let kind = element.own_attribute("contentType")?.unwrap_or_default().to_ascii_lowercase();
            if kind.contains("vbaproject") || self.part.to_ascii_lowercase().ends_with("vbaproject.bin") {
                walk.fact("office.macro", &[("name", &self.part)])?;
            }
        } else if element.is(&FLAT, "binaryData") {
            self.data = Some((self.depth, Vec::new()));
        } else if element.is(&WORD_2003, "binData") {
            self.part = element.own_attribute("name")?.unwrap_or_default();
            self.data = Some((self.depth, Vec::new()));
        } else if WORD_2003.contains(&element.namespace) && element.is_root {
            if element
                .own_attribute("macrosPresent")?
                .is_some_and(|value| value.trim().eq_ignore_ascii_case("yes"))
            {
                walk.fact("office.macro", &[("name", "macrosPresent")])?;
            }
        } else if element.is(&OPEN_DOCUMENT_SCRIPT, "event-listener") {
            let script = element.attribute("href")?.unwrap_or_default();
            if script.trim().to_ascii_lowercase().starts_with("vnd.sun.star.script:") {
                walk.fact("office.macro", &[("name", &script)])?;
            }
        }
        Ok(())
    }

    pub(super) fn text(&mut self, text: &str) {
        if let Some((_, data)) = &mut self.data {
            data.extend(text.bytes().filter(|byte| !byte.is_ascii_whitespace()));
        }
    }

    pub(super) fn end(&mut self, walk: &mut Walk<'_>) -> Result<(), Halt> {
        let is_over = self.data.as_ref().is_some_and(|(depth, _)| *depth >= self.depth);
        self.depth = self.depth.saturating_sub(1);
        if is_over { Ok(self.close(walk)?) } else { Ok(()) }
    }

    /// The content of a part is over, at the end of the document if not before.
    pub(super) fn close(&mut self, walk: &mut Walk<'_>) -> Result<(), Stop> {
        let Some((_, data)) = self.data.take() else { return Ok(()) };
        let bytes = base64(&data);
        let name = self.part.trim_start_matches('/').to_owned();
        walk.stored(name.as_bytes(), &bytes)
    }
}

fn relationship(walk: &mut Walk<'_>, element: &Element<'_>) -> Result<(), Halt> {
    let get = |name: &str| element.attribute(name).map(Option::unwrap_or_default);
    let (kind, mode, target) = (get("Type")?, get("TargetMode")?, get("Target")?);
    // Programs pass over white space and control codes in an address.
    let target: String = target.chars().filter(|found| !found.is_control()).collect();
    let target = target.trim();
    let address = Address::of(target);
    if !mode.trim().eq_ignore_ascii_case("External") && address.is_within() {
        return Ok(());
    }
    let kind = kind.trim().rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let fields = [("type", kind.as_str()), ("mode", &mode), ("target", target)];
    walk.fact("ooxml.relationship", &fields)?;
    let exploited = EXPLOITED.contains(&address.scheme.as_str()) || address.scheme.starts_with("ms-");
    if kind == "attachedtemplate" {
        if exploited || address.is_elsewhere() && !address.is_of_office_365() {
            walk.fact("office.remote_template", &[("target", target)])?;
        }
    } else if kind != "hyperlink" && exploited
        || OBJECTS.contains(&kind.as_str()) && address.is_on_the_web() && !address.is_of_office_365()
    {
        let way = if exploited || address.asks_for_a_page() { "exploited" } else { "fetched" };
        walk.fact("office.remote_object", &[("way", way), ("type", &kind), ("target", target)])?;
    }
    Ok(())
}

struct Address {
    scheme: String,
    host: String,
    path: String,
}

impl Address {
    fn of(target: &str) -> Self {
        let lower = target.to_lowercase().replace('\\', "/");
        let is_scheme = |scheme: &str| {
            scheme.len() > 1
                && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
        };
        let (scheme, rest) = match lower.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme, rest),
            _ => ("", lower.as_str()),
        };
        // `file:///C:/` is here, and `file:////server/` is not.
        let slashes = rest.len() - rest.trim_start_matches('/').len();
        let has_host = if scheme == "file" { slashes == 2 || slashes > 3 } else { slashes >= 2 };
        let rest = rest.trim_start_matches('/');
        let (host, path) = if has_host { rest.split_once('/').unwrap_or((rest, "")) } else { ("", rest) };
        let host = host.rsplit('@').next().unwrap_or_default();
        // `file://C:/` is a slip of programs.
        let host = if scheme == "file" && (host.ends_with(':') || host == "localhost") { "" } else { host };
        let host = host.split_once(':').map_or(host, |(host, _)| host);
        Self { scheme: scheme.to_owned(), host: host.to_owned(), path: path.to_owned() }
    }

    /// Whether it is a part of the package.
    fn is_within(&self) -> bool {
        self.scheme.is_empty() && self.host.is_empty()
    }

    fn is_on_the_web(&self) -> bool {
        ["http", "https", "ftp", "ftps"].contains(&self.scheme.as_str())
    }

    fn is_elsewhere(&self) -> bool {
        self.is_on_the_web() || !self.host.is_empty()
    }

    fn is_of_office_365(&self) -> bool {
        let is_of = |owner: &&str| self.host.strip_suffix(*owner).is_some_and(|rest| rest.ends_with('.'));
        self.scheme == "https" && (OFFICE_365.iter().any(is_of) || self.host == "d.docs.live.net")
    }

    /// A page, or a script: the exploits end in one, and an address with an item of a page (`!`).
    fn asks_for_a_page(&self) -> bool {
        let path = self.path.split(['?', '#']).next().unwrap_or_default();
        let ends = [".html", ".htm", ".hta", ".sct", ".wsc", ".js", ".vbs", ".ps1", ".exe", ".rtf", ".php"];
        self.path.ends_with('!') || ends.iter().any(|end| path.trim_end_matches('!').ends_with(end))
    }
}

/// Decodes base64 (RFC 4648, section 4), and passes over what is none.
fn base64(text: &[u8]) -> Vec<u8> {
    let value = |byte: &u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let digits: Vec<u8> = text.iter().filter_map(value).collect();
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 3);
    for group in digits.chunks(4) {
        let sum =
            group.iter().fold(0_u32, |sum, digit| sum << 6 | u32::from(*digit)) << (6 * (4 - group.len()));
        bytes.extend(&sum.to_be_bytes()[1..=group.len().saturating_sub(1)]);
    }
    bytes
}
