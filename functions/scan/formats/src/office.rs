//! What a ZIP really is: an Office document, an OpenDocument file, a Java archive, or just a ZIP. The names of its members
//! and two of the members say so.

use crate::{
    flaw::{CheckError, Flaw, malformed},
    identify::Content,
    ooxml,
};
use std::borrow::Cow;

/// The lists of types in real documents are some kilobytes long.
const LONGEST_TYPE_LIST: usize = 1 << 20;

const OPEN_DOCUMENT: &str = "application/vnd.oasis.opendocument.";

const CONTENT_TYPES: &str = "[Content_Types].xml";
const MIMETYPE: &str = "mimetype";

/// What the walk of a ZIP saw that tells its type.
#[derive(Default)]
pub(crate) struct Seen {
    names: Vec<String>,
    /// The first member that cannot be looked at without a password.
    encrypted: Option<String>,
    lists: Vec<Vec<u8>>,
    mimetypes: Vec<Vec<u8>>,
}

impl Seen {
    /// Notes a member's name.
    pub(crate) fn name(&mut self, raw: &[u8], is_encrypted: bool) {
        let name = String::from_utf8_lossy(raw).into_owned();
        if is_encrypted {
            self.encrypted.get_or_insert_with(|| name.clone());
        }
        self.names.push(name);
    }

    /// Notes a member's content.
    pub(crate) fn content(&mut self, name: &[u8], bytes: &[u8]) {
        // Names of parts don't depend on case (ECMA-376, part 2, 6.2.2.3).
        let list = if name.eq_ignore_ascii_case(CONTENT_TYPES.as_bytes()) {
            &mut self.lists
        } else if name == MIMETYPE.as_bytes() {
            &mut self.mimetypes
        } else {
            return;
        };
        list.push(bytes[..bytes.len().min(LONGEST_TYPE_LIST + 1)].to_vec());
    }

    /// What the ZIP is, and what is wrong with it as such.
    pub(crate) fn told(&self) -> Content {
        // Names stay readable when content is encrypted, but the list of types does not.
        if let Some(name) = &self.encrypted {
            let flaw = Flaw::Encrypted(format!("member {name:?} needs a password"));
            return Content { media_type: ZIP, flaw: Some(flaw) };
        }
        match self.type_by_members() {
            Ok(media_type) if is_name(&media_type) => {
                Content { flaw: self.open_document_macros(&media_type), media_type }
            }
            Ok(_) => flawed(malformed("the media type that it names is none")),
            Err(error) => flawed(error),
        }
    }

    fn has(&self, is_it: impl Fn(&str) -> bool) -> bool {
        self.names.iter().any(|name| is_it(name))
    }

    /// A type that a member names counts only if its files are ZIPs: otherwise an archive could pass as a picture.
    fn type_by_members(&self) -> Result<Cow<'static, str>, CheckError> {
        for (member, media_type) in BY_MEMBER {
            if self.has(|name| name.eq_ignore_ascii_case(member)) {
                return Ok(Cow::Borrowed(media_type));
            }
        }
        if self.has(|name| name.starts_with("Payload/") && name.ends_with(".app/Info.plist")) {
            return Ok(Cow::Borrowed("application/x-ios-app"));
        }
        if self.has(|name| !name.contains('/') && name.ends_with(".nuspec")) {
            return Ok(Cow::Borrowed("application/vnd.nuget.package"));
        }
        match self.names.iter().filter(|name| name.eq_ignore_ascii_case(CONTENT_TYPES)).count() {
            0 => {}
            1 => {
                let list = self.lists.first().map_or(Ok(""), |list| text(list))?;
                let names = self.names.iter().map(|name| name.to_ascii_lowercase()).collect();
                let document = ooxml::media_type(list, &names)?;
                return Ok(document.unwrap_or(Cow::Borrowed("application/vnd.openxmlformats-package")));
            }
            _ => return Err(malformed("it has two lists of content types")),
        }
        if let [mimetype] = self.mimetypes.as_slice() {
            let has_content = self.has(|name| ["content.xml", "META-INF/container.xml"].contains(&name));
            let name = text(mimetype)?;
            if has_content && (name.starts_with(OPEN_DOCUMENT) || name == "application/epub+zip") {
                return Ok(Cow::Owned(name.to_owned()));
            }
        }
        Ok(ZIP)
    }

    /// OpenDocument has no type of its own for documents with macros: they lie in these folders
    /// (OpenDocument 1.3, part 2; LibreOffice's `Basic` and `Scripts`).
    fn open_document_macros(&self, media_type: &str) -> Option<Flaw> {
        let is_script = |name: &&String| {
            !name.ends_with('/') && (name.starts_with("Basic/") || name.starts_with("Scripts/"))
        };
        let found = self.names.iter().filter(|_| media_type.starts_with(OPEN_DOCUMENT)).find(is_script);
        found.map(|name| Flaw::Macros(format!("member {name:?}")))
    }
}

const ZIP: Cow<'static, str> = Cow::Borrowed("application/zip");

fn flawed(error: CheckError) -> Content {
    let flaw = match error {
        CheckError::Flaw(flaw) => flaw,
        CheckError::Io(error) => Flaw::Malformed(error.to_string()),
    };
    Content { media_type: ZIP, flaw: Some(flaw) }
}

fn text(list: &[u8]) -> Result<&str, CheckError> {
    if list.len() > LONGEST_TYPE_LIST {
        return Err(malformed("its list of types is too long"));
    }
    std::str::from_utf8(list).map_err(|_| malformed("its list of types is not UTF-8"))
}

/// Whether a type that content names can be one (RFC 6838, section 4.2).
fn is_name(media_type: &str) -> bool {
    let is_part = |part: &str| {
        (1..=127).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    media_type.split_once('/').is_some_and(|(kind, name)| is_part(kind) && is_part(name))
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
