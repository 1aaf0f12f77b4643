//! What a ZIP really is: an Office document, an OpenDocument file, a Java archive, or just a ZIP.
//! The central directory decides, as it does for programs.

use crate::{
    flaw::{CheckError, Flaw, flaw_of, malformed},
    identify::Content,
    input::Input,
    ooxml, zip,
};
use ::zip::{ZipArchive, result::ZipError};
use std::{
    borrow::Cow,
    io::{self, Read, Seek},
};

/// The lists of types in real documents are some kilobytes long.
const LONGEST_TYPE_LIST: u64 = 1 << 20;

const OPEN_DOCUMENT: &str = "application/vnd.oasis.opendocument.";

/// What a ZIP is, and what is wrong with it.
pub(crate) fn identify<R: Read + Seek>(input: &mut Input<R>) -> io::Result<Content> {
    let mut media_type = Cow::Borrowed("application/zip");
    let flaw = flaw_of(check(input, &mut media_type))?;
    Ok(Content { media_type, flaw })
}

fn check<R: Read + Seek>(input: &mut Input<R>, media_type: &mut Cow<'static, str>) -> Result<(), CheckError> {
    zip::frame::check_end(input)?;
    let mut archive = ZipArchive::new(&mut *input)?;
    let layout = zip::frame::layout(&mut archive)?;
    // Names stay readable when content is encrypted, but the list of types does not.
    refuse_encryption(&archive)?;
    let found = type_by_members(&mut archive)?;
    if !is_name(&found) {
        return Err(malformed("the media type that it names is none"));
    }
    *media_type = found;
    refuse_open_document_macros(&archive, media_type)?;
    zip::frame::refuse_gaps(input, &layout)
}

/// Whether a type that content names can be one (RFC 6838, section 4.2).
fn is_name(media_type: &str) -> bool {
    let is_part = |part: &str| {
        (1..=127).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    media_type.split_once('/').is_some_and(|(kind, name)| is_part(kind) && is_part(name))
}

impl From<ZipError> for CheckError {
    fn from(error: ZipError) -> Self {
        match error {
            ZipError::Io(error) => error.into(),
            other => malformed(other.to_string()),
        }
    }
}

fn refuse_encryption<R: Read + Seek>(archive: &ZipArchive<R>) -> Result<(), CheckError> {
    for index in 0..archive.len() {
        let member = archive.by_index_data(index)?;
        if member.encrypted() {
            let name = String::from_utf8_lossy(member.name_raw()).into_owned();
            return Err(Flaw::Encrypted(format!("member {name:?} needs a password")).into());
        }
    }
    Ok(())
}

/// Members that only one format has, and that format. Programs come first: Java runs an archive
/// that is a document as well.
const BY_MEMBER: [(&str, &str); 10] = [
    ("AndroidManifest.xml", "application/vnd.android.package-archive"),
    ("META-INF/MANIFEST.MF", "application/java-archive"),
    (".phar/stub.php", "application/x-phar"),
    (".phar/signature.bin", "application/x-phar"),
    ("AppxManifest.xml", "application/vnd.ms-appx"),
    ("AppxMetadata/AppxBundleManifest.xml", "application/vnd.ms-appx.bundle"),
    ("extension.vsixmanifest", "application/vsix"),
    ("META-INF/mozilla.rsa", "application/x-xpinstall"),
    ("FixedDocumentSequence.fdseq", "application/vnd.ms-xpsdocument"),
    ("FixedDocSeq.fdseq", "application/vnd.ms-xpsdocument"),
];

/// A type that a member names counts only if its files are ZIPs: otherwise an archive could pass as a picture.
fn type_by_members<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Result<Cow<'static, str>, CheckError> {
    let has = |is_it: &dyn Fn(&str) -> bool| !named(archive, is_it).is_empty();
    for (member, media_type) in BY_MEMBER {
        if has(&|name| name.eq_ignore_ascii_case(member)) {
            return Ok(Cow::Borrowed(media_type));
        }
    }
    if has(&|name| name.starts_with("Payload/") && name.ends_with(".app/Info.plist")) {
        return Ok(Cow::Borrowed("application/x-ios-app"));
    }
    if has(&|name| !name.contains('/') && name.ends_with(".nuspec")) {
        return Ok(Cow::Borrowed("application/vnd.nuget.package"));
    }
    // Names of parts don't depend on case (ECMA-376, part 2, 6.2.2.3).
    match named(archive, |name| name.eq_ignore_ascii_case("[Content_Types].xml")).as_slice() {
        [] => {}
        [list] => {
            let list = read_member(archive, *list)?;
            let names =
                archive.file_names_raw().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase());
            let document = ooxml::media_type(&list, &names.collect())?;
            return Ok(document.unwrap_or(Cow::Borrowed("application/vnd.openxmlformats-package")));
        }
        _ => return Err(malformed("it has two lists of content types")),
    }
    if let [mimetype] = named(archive, |name| name == "mimetype").as_slice() {
        let has_content =
            !named(archive, |name| ["content.xml", "META-INF/container.xml"].contains(&name)).is_empty();
        let name = read_member(archive, *mimetype)?;
        if has_content && (name.starts_with(OPEN_DOCUMENT) || name == "application/epub+zip") {
            return Ok(Cow::Owned(name));
        }
    }
    Ok(Cow::Borrowed("application/zip"))
}

fn named<R: Read + Seek>(archive: &ZipArchive<R>, is_it: impl Fn(&str) -> bool) -> Vec<usize> {
    let names = archive.file_names_raw().map(String::from_utf8_lossy);
    names.enumerate().filter(|(_, name)| is_it(name)).map(|(index, _)| index).collect()
}

fn read_member<R: Read + Seek>(archive: &mut ZipArchive<R>, index: usize) -> Result<String, CheckError> {
    let mut content = Vec::new();
    let mut member = archive.by_index(index)?.take(LONGEST_TYPE_LIST + 1);
    // Broken compression is a fault of the content, not of reading it.
    member.read_to_end(&mut content).map_err(|error| malformed(error.to_string()))?;
    if content.len() as u64 > LONGEST_TYPE_LIST {
        return Err(malformed("its list of types is too long"));
    }
    String::from_utf8(content).map_err(|_| malformed("its list of types is not UTF-8"))
}

/// OpenDocument has no type of its own for documents with macros: they lie in these folders
/// (OpenDocument 1.3, part 2; LibreOffice's `Basic` and `Scripts`).
fn refuse_open_document_macros<R: Read + Seek>(
    archive: &ZipArchive<R>,
    media_type: &str,
) -> Result<(), CheckError> {
    if !media_type.starts_with(OPEN_DOCUMENT) {
        return Ok(());
    }
    let is_script =
        |name: &str| !name.ends_with('/') && (name.starts_with("Basic/") || name.starts_with("Scripts/"));
    match archive.file_names_raw().map(String::from_utf8_lossy).find(|name| is_script(name)) {
        Some(name) => Err(Flaw::Macros(format!("member {name:?}")).into()),
        None => Ok(()),
    }
}
