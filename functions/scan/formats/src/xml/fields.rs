//! Fields of Word documents, whose instructions may lie over several runs and hold other fields (ECMA-376, part 1,
//! section 17.16), and links to other programs (DDE) of all office documents.

use super::{Halt, reader::Element};
use crate::{refusal::Stop, walk::Walk};

const WORD: [&str; 3] = [
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
    "http://schemas.microsoft.com/office/word/2003/wordml",
];
const EXCEL: [&str; 2] = [
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
];
const EXCEL_2003: &str = "urn:schemas-microsoft-com:office:spreadsheet";
/// The namespaces of OpenDocument and its drafts begin so.
const OPEN_DOCUMENT: [&str; 2] = ["urn:oasis:names:tc:opendocument:", "http://openoffice.org/2000/"];

/// Fields that fetch or start something.
const TOLD: [&str; 8] =
    ["DDE", "DDEAUTO", "INCLUDE", "INCLUDETEXT", "INCLUDEPICTURE", "IMPORT", "DATABASE", "MACROBUTTON"];

/// How deep fields lie in each other at most, and how long an instruction is read. Word's limits are lower.
const DEEPEST: usize = 64;
const LONGEST: usize = 64 << 10;

#[derive(Default)]
struct Field {
    instruction: String,
    has_result: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    Instruction,
    Result,
}

/// The fields that are open.
pub(super) struct Fields {
    open: Vec<Field>,
    /// What stands in no field, as some programs take it.
    loose: String,
    inside: Inside,
}

impl Default for Fields {
    fn default() -> Self {
        Self { open: Vec::new(), loose: String::new(), inside: Inside::Nothing }
    }
}

impl Fields {
    pub(super) fn start(&mut self, walk: &mut Walk<'_>, element: &Element<'_>) -> Result<(), Halt> {
        self.inside = Inside::Nothing;
        if WORD.contains(&element.namespace) {
            match element.local {
                "instrText" | "delInstrText" => self.inside = Inside::Instruction,
                "t" => self.inside = Inside::Result,
                "fldChar" => {
                    self.mark(walk, element.own_attribute("fldCharType")?.as_deref().map(str::trim))?
                }
                "fldSimple" => tell(walk, &element.own_attribute("instr")?.unwrap_or_default())?,
                "p" if self.open.is_empty() => self.close(walk)?,
                _ => {}
            }
        } else if element.is(&EXCEL, "ddeLink") {
            let service = element.attribute("ddeService")?.unwrap_or_default();
            dde(walk, &service, &element.attribute("ddeTopic")?.unwrap_or_default())?;
        } else if element.namespace == EXCEL_2003 {
            if let Some(formula) = element.own_attribute("Formula")?
                && let Some((service, topic)) = formula.split_once('|')
            {
                dde(walk, service, topic)?;
            }
        } else if OPEN_DOCUMENT.iter().any(|start| element.namespace.starts_with(start)) {
            open_document(walk, element)?;
        }
        Ok(())
    }

    pub(super) fn end(&mut self, _: &mut Walk<'_>) -> Result<(), Halt> {
        self.inside = Inside::Nothing;
        Ok(())
    }

    pub(super) fn text(&mut self, text: &str) {
        let into = match (self.inside, self.open.last_mut()) {
            (Inside::Instruction, Some(field)) => &mut field.instruction,
            (Inside::Instruction, None) => &mut self.loose,
            // Text of a field that is not over its instruction is a part of it.
            (Inside::Result, Some(field)) if !field.has_result => &mut field.instruction,
            _ => return,
        };
        if into.len() < LONGEST {
            into.push_str(text);
        }
    }

    fn mark(&mut self, walk: &mut Walk<'_>, kind: Option<&str>) -> Result<(), Stop> {
        match kind {
            Some("begin") if self.open.len() < DEEPEST => self.open.push(Field::default()),
            Some("separate") => {
                if let Some(field) = self.open.last_mut() {
                    field.has_result = true;
                }
            }
            Some("end") => {
                if let Some(field) = self.open.pop() {
                    self.told(walk, &field)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A field within the instruction of another is a part of that one.
    fn told(&mut self, walk: &mut Walk<'_>, field: &Field) -> Result<(), Stop> {
        if let Some(outer) =
            self.open.last_mut().filter(|outer| !outer.has_result && outer.instruction.len() < LONGEST)
        {
            match quoted(&field.instruction) {
                Some(text) => outer.instruction.push_str(&text),
                None => outer.instruction.extend(["{", field.instruction.trim(), "}"]),
            }
        }
        tell(walk, &field.instruction)
    }

    /// What is open is over, at the end of the document if not before.
    pub(super) fn close(&mut self, walk: &mut Walk<'_>) -> Result<(), Stop> {
        while let Some(field) = self.open.pop() {
            self.told(walk, &field)?;
        }
        tell(walk, &std::mem::take(&mut self.loose))
    }
}

/// What a field is that only says text: a text, or the numbers of characters (section 17.16.5.49).
fn quoted(instruction: &str) -> Option<String> {
    let words = words(instruction);
    let (first, rest) = words.split_first()?;
    if !first.eq_ignore_ascii_case("QUOTE") {
        return None;
    }
    let character = |word: &String| word.parse().ok().and_then(char::from_u32);
    match rest.iter().map(character).collect::<Option<String>>() {
        Some(text) if !text.is_empty() => Some(text),
        _ => Some(rest.join(" ")),
    }
}

/// The words of an instruction. Quotes hold several together, and a backslash takes the next character as it is.
fn words(instruction: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted, mut has_word) = (Vec::new(), String::new(), false, false);
    let mut characters = instruction.chars();
    while let Some(found) = characters.next() {
        match found {
            '\\' => {
                word.extend(characters.next().filter(|next| matches!(next, '\\' | '"')).or(Some('\\')));
                has_word = true;
            }
            '"' | '\u{201c}' | '\u{201d}' | '\u{201e}' => {
                is_quoted = !is_quoted;
                has_word = true;
            }
            _ if found.is_whitespace() && !is_quoted => {
                if std::mem::take(&mut has_word) {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => {
                word.push(found);
                has_word = true;
            }
        }
    }
    if has_word {
        words.push(word);
    }
    words
}

fn tell(walk: &mut Walk<'_>, instruction: &str) -> Result<(), Stop> {
    let words = words(instruction);
    let Some((kind, rest)) = words.split_first() else { return Ok(()) };
    let kind = kind.to_ascii_uppercase();
    if !TOLD.contains(&kind.as_str()) {
        return Ok(());
    }
    walk.fact("office.field", &[("instruction", &words.join(" "))])?;
    if kind.starts_with("DDE") {
        let (service, topic) =
            rest.split_first().map_or(("", String::new()), |(first, rest)| (first, rest.join(" ")));
        dde(walk, service, &topic)?;
    }
    Ok(())
}

/// Programs that run what they are told, without any link.
const COMMANDS: [&str; 14] = [
    "cmd",
    "powershell",
    "pwsh",
    "mshta",
    "rundll32",
    "regsvr32",
    "wscript",
    "cscript",
    "certutil",
    "bitsadmin",
    "msiexec",
    "wmic",
    "bash",
    "sh",
];

/// A link to another program. Programs that listen for links have plain names: a path starts one, and so does a name
/// that other fields make up, or a topic that leads from the folder of one program to another.
fn dde(walk: &mut Walk<'_>, service: &str, topic: &str) -> Result<(), Stop> {
    let service = service.trim_matches(|found: char| found.is_whitespace() || "=+-@\"'".contains(found));
    let lower = topic.to_ascii_lowercase();
    let starts = COMMANDS.iter().any(|command| service.eq_ignore_ascii_case(command))
        || service.contains(['\\', '/', '.', '{'])
        || [".exe", "..\\", "../"].iter().any(|part| lower.contains(part));
    let way = if starts { "starts" } else { "links" };
    walk.fact("office.dde", &[("way", way), ("service", service), ("topic", topic)])
}

/// Links and formulas of OpenDocument (part 3, section 14.6; part 4, section 6.7).
fn open_document(walk: &mut Walk<'_>, element: &Element<'_>) -> Result<(), Halt> {
    let is_link = element.local.starts_with("dde-");
    if !is_link && element.local != "table-cell" {
        return Ok(());
    }
    let (mut service, mut topic) = (None, String::new());
    for attribute in element.attributes()? {
        match attribute.local.as_str() {
            "dde-application" => service = Some(attribute.value),
            "dde-topic" => topic = attribute.value,
            "formula" => {
                let formula = attribute.value.to_ascii_uppercase();
                if let Some(at) = formula.find("DDE(") {
                    let arguments = attribute.value.get(at + 4..).unwrap_or_default();
                    let (first, rest) = arguments.split_once([';', ',']).unwrap_or((arguments, ""));
                    dde(walk, first, rest)?;
                }
            }
            _ => {}
        }
    }
    if let Some(service) = service {
        dde(walk, &service, &topic)?;
    }
    Ok(())
}
