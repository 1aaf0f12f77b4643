//! Office Open XML: what the list of content types says that a document is (ECMA-376, part 2,
//! section 7.2.3), and whether it can hold macros.

use crate::{
    flaw::{CheckError, malformed},
    xml,
};
use std::{borrow::Cow, collections::HashSet};

const OFFICE: [&str; 2] = ["application/vnd.openxmlformats-officedocument.", "application/vnd.ms-"];

/// Words in the types of parts that are macros, or are only in documents with macros.
const MACROS: [&str; 4] = ["vbaproject", "macrosheet", "macroenabled", "activex"];

/// The document's type: that of its main part. `None` if it has no main part.
///
/// `members` are the names in the archive in lower case. A document with a macro project is of the
/// macro-enabled type even if it says it isn't.
pub(crate) fn media_type(
    list: &str,
    members: &HashSet<String>,
) -> Result<Option<Cow<'static, str>>, CheckError> {
    let extensions: HashSet<&str> =
        members.iter().filter_map(|name| Some(name.rsplit_once('.')?.1)).collect();
    let mut has_macros = members.iter().any(|name| name.ends_with("vbaproject.bin"));
    let mut main: Option<String> = None;
    xml::read(list.trim_start_matches('\u{feff}').as_bytes(), &mut |node| {
        let xml::Node::Start(element) = node else { return Ok(()) };
        let Some(found) = element.attribute("ContentType")? else { return Ok(()) };
        if is_of_no_part(element.attribute("Extension")?, &extensions) {
            return Ok(());
        }
        let found = found.to_ascii_lowercase();
        has_macros |= MACROS.iter().any(|word| found.contains(word));
        let document = found.strip_suffix(".main+xml").or_else(|| found.strip_suffix(".main"));
        if let Some(document) = document.filter(|name| OFFICE.iter().any(|office| name.starts_with(office))) {
            match &main {
                Some(other) if other != document => return Err(malformed("it is two kinds of document")),
                _ => main = Some(document.to_owned()),
            }
        }
        Ok(())
    })?;
    Ok(main.map(|document| if has_macros { with_macros(&document) } else { Cow::Owned(document) }))
}

/// Some programs list the types of all extensions that they know. A type of an extension that no
/// member has says nothing; an extension that is not written plainly is believed.
fn is_of_no_part(extension: Option<String>, extensions: &HashSet<&str>) -> bool {
    extension.map(|name| name.to_ascii_lowercase()).is_some_and(|name| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !extensions.contains(name.as_str())
    })
}

/// The registered name of the type with macros.
fn with_macros(document: &str) -> Cow<'static, str> {
    match document {
        name if name.contains("macroenabled") => {
            Cow::Owned(format!("{}.12", name.replace("macroenabledtemplate", "macroenabled")))
        }
        name if name.contains("word") => Cow::Borrowed("application/vnd.ms-word.document.macroenabled.12"),
        name if name.contains("excel") || name.contains("spreadsheet") => {
            Cow::Borrowed("application/vnd.ms-excel.sheet.macroenabled.12")
        }
        _ => Cow::Borrowed("application/vnd.ms-powerpoint.presentation.macroenabled.12"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_document_has_its_name() {
        let found = |part: &str, members: &[&str]| {
            let list = format!("<Types>{part}</Types>");
            media_type(&list, &members.iter().map(|name| (*name).to_owned()).collect()).unwrap().unwrap()
        };
        let main = |name: &str| format!("<Override PartName='/m' ContentType='application/vnd.{name}'/>");
        for (name, expected) in [
            (
                "openxmlformats-officedocument.wordprocessingml.document.main+xml",
                "openxmlformats-officedocument.wordprocessingml.document",
            ),
            (
                "openxmlformats-officedocument.wordprocessingml.template.main+xml",
                "openxmlformats-officedocument.wordprocessingml.template",
            ),
            ("ms-word.document.macroEnabled.main+xml", "ms-word.document.macroenabled.12"),
            ("ms-word.template.macroEnabledTemplate.main+xml", "ms-word.template.macroenabled.12"),
            ("ms-excel.template.macroEnabled.main+xml", "ms-excel.template.macroenabled.12"),
            ("ms-excel.addin.macroEnabled.main+xml", "ms-excel.addin.macroenabled.12"),
            ("ms-excel.sheet.binary.macroEnabled.main", "ms-excel.sheet.binary.macroenabled.12"),
            ("ms-powerpoint.slideshow.macroEnabled.main+xml", "ms-powerpoint.slideshow.macroenabled.12"),
            (
                "openxmlformats-officedocument.presentationml.slideshow.main+xml",
                "openxmlformats-officedocument.presentationml.slideshow",
            ),
            ("ms-visio.drawing.main+xml", "ms-visio.drawing"),
        ] {
            assert_eq!(found(&main(name), &[]), format!("application/vnd.{expected}"));
        }
        let sheet = main("openxmlformats-officedocument.spreadsheetml.sheet.main+xml");
        let unused = "<Default Extension='BIN' ContentType='application/vnd.ms-excel.sheet.binary.macroEnabled.main'/>";
        let project = "<Default Extension='bin' ContentType='application/vnd.ms-office.vbaProject'/>";
        assert!(!found(&format!("{unused}{sheet}"), &["xl/a.xml"]).contains("macro"));
        for (part, member) in
            [(project, "xl/a.bin"), (&project.replace("bin", "b%69n"), "x"), ("", "xl/vbaproject.bin")]
        {
            assert_eq!(
                found(&format!("{part}{sheet}"), &[member]),
                "application/vnd.ms-excel.sheet.macroenabled.12"
            );
        }
    }
}
