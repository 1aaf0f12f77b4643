//! The policy of members and features: what may be in an archive or a document. One table, by the type of the content, by
//! the extension of the name, and by what documents say of themselves, serves both archives and single files, so that a
//! file that is refused alone is also refused in a ZIP.
//!
//! It is one line, `ALLOWED_MEMBERS`: names of classes between commas, `default` for those that are allowed unless a
//! deployment says otherwise, or `none`.
//!
//! ```text
//! default
//! default, programs
//! scripts, links
//! none
//! ```
//!
//! What is in no class is always allowed: text, pictures, documents, source code. Rules scan it all the same.

/// A class of members that a deployment may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Files that a system runs or installs.
    Programs,
    /// Documents with macros.
    Macros,
    /// Files that Windows follows or runs when they are opened, and that are not source code.
    Launchers,
    /// Files that an interpreter runs. Source trees are full of them.
    Scripts,
    /// Scripts that a document runs by itself.
    DocumentScripts,
    /// Calculations and number formats of forms, which are scripts of a fixed vocabulary.
    Calculations,
    /// Files that a document carries. Each is held to this policy as a member as well.
    Attachments,
    /// Templates, with their macros, and objects that a document fetches from elsewhere.
    RemoteTemplates,
    /// Links within an archive to another of its members.
    Links,
}

/// One row of the table.
struct Row {
    class: Class,
    /// How the policy calls it.
    name: &'static str,
    /// How a reason calls one of it.
    one: &'static str,
    /// Extensions in lower case.
    extensions: &'static [&'static str],
    /// Media types that content is found to be.
    types: &'static [&'static str],
    /// Kinds of facts that a reader of content states.
    facts: &'static [&'static str],
    /// Whether a deployment allows it unless it says otherwise.
    by_default: bool,
}

/// WebAssembly is in no class: nothing opens it but a page or a program that was written for it.
#[rustfmt::skip]
const TABLE: [Row; 9] = [
    Row {
        class: Class::Programs, name: "programs", one: "a program",
        extensions: &[
            // Windows.
            "exe", "com", "scr", "pif", "cpl", "dll", "ocx", "sys", "drv", "efi", "xll", "wll",
            "msi", "msp", "mst", "msix", "msixbundle", "appx", "appxbundle", "gadget", "msu",
            // Other systems.
            "so", "dylib", "appimage", "deb", "rpm", "pkg", "dmg", "mpkg",
            "apk", "apks", "apkm", "xapk", "aab", "ipa", "dex",
            // Java and Silverlight.
            "jar", "war", "ear", "class", "xap",
            // Python, in a ZIP that it runs.
            "pyz", "pyzw",
        ],
        types: &[
            "application/vnd.microsoft.portable-executable", "application/x-dosexec",
            "application/x-ms-ne-executable", "application/x-msi",
            "application/vnd.ms-appx", "application/vnd.ms-appx.bundle",
            "application/x-executable", "application/x-mach-binary", "application/x-appimage",
            "application/vnd.debian.binary-package", "application/x-rpm",
            "application/vnd.android.package-archive", "application/vnd.android.aab",
            "application/vnd.android.dex", "application/vnd.android.dey", "application/x-ios-app",
            "application/java-archive", "application/java-vm", "application/x-silverlight-app",
            "application/vnd.adobe.air-application-installer-package+zip",
            "application/x-google-chrome-extension", "application/x-xpinstall", "application/x-phar",
            "application/x-xbox-executable", "application/x-xbox360-executable",
        ],
        facts: &[],
        by_default: false,
    },
    Row {
        class: Class::Macros, name: "macros", one: "a document with macros",
        extensions: &[
            "docm", "dotm", "xlsm", "xltm", "xlam", "xla", "xlm", "pptm", "potm", "ppsm", "ppam", "ppa", "sldm",
            "accde", "accdr", "mde", "ade",
        ],
        // And all types that have "macroenabled" in their name.
        types: &[],
        facts: &["office.macro"],
        by_default: false,
    },
    Row {
        class: Class::Launchers, name: "launchers", one: "a shortcut or launcher",
        extensions: &[
            // Scripts of the Windows Script Host, and of programs that come with Windows.
            "vbs", "vbe", "jse", "wsf", "wsh", "wsc", "ws", "sct", "hta", "chm", "msc", "psc1",
            // Shortcuts of all kinds.
            "lnk", "url", "website", "scf", "shb", "shs", "xnk", "appref-ms", "application", "appinstaller", "jnlp",
            "settingcontent-ms", "library-ms", "search-ms", "searchconnector-ms", "rdp", "xbap",
            // Those of other systems. Pages that are saved with their pictures (mht, mhtml) are no launchers.
            "webloc", "inetloc", "fileloc", "terminal",
            // Settings, troubleshooters and sandboxes that carry commands.
            "reg", "job", "diagcab", "diagcfg", "diagpkg", "ppkg", "wsb", "themepack", "deskthemepack",
            // What Excel opens and runs commands of other programs from (DDE).
            "iqy", "oqy", "rqy", "dqy", "slk",
        ],
        types: &["application/x-ms-shortcut", "application/x-mswinurl", "application/vnd.ms-htmlhelp", ENCODED_SCRIPT],
        facts: &[],
        by_default: false,
    },
    Row {
        class: Class::Scripts, name: "scripts", one: "a script",
        extensions: &[
            "sh", "bash", "zsh", "fish", "csh", "ksh", "command", "bat", "cmd", "ps1", "psm1", "psd1",
            "js", "mjs", "cjs", "py", "pyw", "rb", "pl", "pm", "php", "phtml", "phar", "lua", "tcl", "awk",
            "scpt", "applescript",
        ],
        types: &[
            "text/x-shellscript", "application/x-bat", "application/x-httpd-php", "application/x-server-page",
            "text/x-lua", "text/x-clojure",
        ],
        facts: &[],
        by_default: true,
    },
    Row {
        class: Class::DocumentScripts, name: "document-scripts", one: "a script that runs when the document is opened or used",
        extensions: &[], types: &[], facts: &["pdf.script", "svg.script", "xslt.script"],
        by_default: false,
    },
    Row {
        class: Class::Calculations, name: "calculations", one: "a form that calculates",
        extensions: &[], types: &[], facts: &["pdf.calculation"],
        by_default: true,
    },
    Row {
        class: Class::Attachments, name: "attachments", one: "an attached file",
        extensions: &[], types: &[], facts: &["pdf.attachment", "ole.package"],
        by_default: true,
    },
    Row {
        class: Class::RemoteTemplates, name: "remote-templates", one: "a template or an object that is fetched from elsewhere",
        extensions: &[], types: &[], facts: &["office.remote_template", "office.remote_object"],
        by_default: false,
    },
    Row {
        class: Class::Links, name: "links", one: "a link to another member",
        extensions: &[], types: &[], facts: &["archive.link"],
        by_default: true,
    },
];

/// All classes, as an error lists them.
pub const NAMES: &str = "programs, macros, launchers, scripts, document-scripts, calculations, attachments, \
                     remote-templates, links";

/// The type of what Microsoft's script encoder writes: it runs in any file, and is unreadable.
pub const ENCODED_SCRIPT: &str = "application/x-ms-encoded-script";

/// Which classes may lie inside archives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedMembers(Vec<Class>);

/// What is wrong with the text of the policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowedMembersError {
    /// Not the name of a class.
    #[error("{0:?} is none of default, {names}", names = NAMES)]
    Unknown(String),
    /// A class is there twice.
    #[error("{0} is listed twice")]
    Twice(&'static str),
}

/// What the policy does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTaken {
    /// Its class.
    pub class: Class,
    /// What a reason calls it, with its article.
    pub one: &'static str,
    /// What a reason calls all of its class.
    pub all: &'static str,
}

impl Default for AllowedMembers {
    fn default() -> Self {
        Self(TABLE.iter().filter(|row| row.by_default).map(|row| row.class).collect())
    }
}

impl AllowedMembers {
    /// The policy that takes everything.
    pub const ALL: &str = "programs,macros,launchers,scripts,document-scripts,calculations,attachments,\
                           remote-templates,links";

    /// Reads a policy.
    ///
    /// # Errors
    ///
    /// [`AllowedMembersError`] naming the first part that is wrong.
    pub fn parse(text: &str) -> Result<Self, AllowedMembersError> {
        if text.trim() == "none" {
            return Ok(Self(Vec::new()));
        }
        let items: Vec<&str> = text.split(',').map(str::trim).collect();
        let mut allowed = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let name = match TABLE.iter().find(|row| row.name == *item) {
                // What `default` holds may be named beside it.
                None if *item == "default" => {
                    allowed.extend(Self::default().0);
                    "default"
                }
                None => return Err(AllowedMembersError::Unknown((*item).to_owned())),
                Some(row) => {
                    allowed.push(row.class);
                    row.name
                }
            };
            if items[..at].contains(item) {
                return Err(AllowedMembersError::Twice(name));
            }
        }
        let classes = TABLE.iter().map(|row| row.class);
        Ok(Self(classes.filter(|class| allowed.contains(class)).collect()))
    }

    /// What is not taken about a member of this name and type, if anything.
    pub fn refuse(&self, file_name: &str, media_type: &str) -> Option<NotTaken> {
        self.refuse_type(media_type).or_else(|| self.refuse_name(file_name))
    }

    /// What is not taken about content of this type.
    pub fn refuse_type(&self, media_type: &str) -> Option<NotTaken> {
        if media_type.contains("macroenabled") {
            return self.refuse_class(Class::Macros);
        }
        self.refused(|row| row.types.contains(&media_type))
    }

    /// What is not taken about a file of this name, whatever it holds.
    pub fn refuse_name(&self, file_name: &str) -> Option<NotTaken> {
        extensions(file_name).find_map(|found| {
            // Windows takes the class that such an extension names, which is a shortcut's, say.
            if found.starts_with('{') && found.ends_with('}') {
                return self.refuse_class(Class::Launchers);
            }
            self.refused(|row| row.extensions.contains(&found.as_str()))
        })
    }

    /// What is not taken about anything of this class.
    pub fn refuse_class(&self, class: Class) -> Option<NotTaken> {
        self.refused(|row| row.class == class)
    }

    /// What is not taken about content of which a reader states a fact of this kind.
    pub fn refuse_fact(&self, kind: &str) -> Option<NotTaken> {
        self.refused(|row| row.facts.contains(&kind))
    }

    /// What is not taken about anything of the class of this name, as a rule names it ([`is_class`]).
    pub fn refuse_named(&self, class: &str) -> Option<NotTaken> {
        self.refused(|row| row.name == class)
    }

    fn refused(&self, is_it: impl Fn(&Row) -> bool) -> Option<NotTaken> {
        let row = TABLE.iter().find(|row| is_it(row))?;
        (!self.0.contains(&row.class)).then_some(NotTaken { class: row.class, one: row.one, all: row.name })
    }
}

/// Whether there is a class of that name.
pub fn is_class(name: &str) -> bool {
    TABLE.iter().any(|row| row.name == name)
}

/// Whether content of this type is a program.
pub fn is_program(media_type: &str) -> bool {
    TABLE.iter().any(|row| row.class == Class::Programs && row.types.contains(&media_type))
}

/// All extensions that a file name has to some program, in lower case. To Windows, `evil.exe:a.txt`
/// is a stream of the file `evil.exe`; dots and spaces at the end do not count, and a name may be an
/// extension alone.
fn extensions(file_name: &str) -> impl Iterator<Item = String> {
    let parts = file_name.split(':').map(|part| part.trim_end_matches(['.', ' ']));
    parts.filter_map(|part| part.rsplit_once('.')).map(|(_, extension)| extension.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn class(policy: &str, name: &str, media_type: &str) -> Option<Class> {
        AllowedMembers::parse(policy).unwrap().refuse(name, media_type).map(|found| found.class)
    }

    #[test]
    fn every_extension_and_type_is_in_one_class() {
        let mut seen = HashSet::new();
        for row in &TABLE {
            for text in row.extensions.iter().chain(row.types).chain(row.facts) {
                assert!(seen.insert(text), "{text}");
                assert_eq!(*text, text.to_lowercase());
            }
            assert_eq!(AllowedMembers::parse(row.name).unwrap(), AllowedMembers(vec![row.class]));
        }
    }

    #[test]
    fn what_may_be_uploaded_is_in_no_class() {
        for known in crate::media_types::DEFAULT {
            assert_eq!(class("none", "file", known.name), None);
            for extension in known.extensions {
                assert_eq!(class("none", &format!("file.{extension}"), known.name), None, "{extension}");
            }
        }
    }

    #[test]
    fn a_list_says_what_may_pass() {
        for (name, found) in [
            ("setup.exe", Class::Programs),
            ("Setup.EXE. .", Class::Programs),
            ("libx.so", Class::Programs),
            (".exe", Class::Programs),
            (".hta", Class::Launchers),
            ("evil.exe:a.txt", Class::Programs),
            ("a.txt:evil.vbs", Class::Launchers),
            ("evil.exe::$DATA", Class::Programs),
            ("evil.exe.:a", Class::Programs),
            ("photo.jpg.lnk", Class::Launchers),
            ("report.{00021401-0000-0000-C000-000000000046}", Class::Launchers),
            ("budget.xlsm", Class::Macros),
            ("build.sh", Class::Scripts),
        ] {
            assert_eq!(class("none", name, "text/plain"), Some(found), "{name}");
            let row = TABLE.iter().find(|row| row.class == found).unwrap();
            assert_eq!(class(row.name, name, "text/plain"), None, "{name}");
        }
        for name in
            ["12:30.log", ".gitignore", ".jpg", "exe", "a.exe.txt", "example", "a:b", "", ".", "x.sh_"]
        {
            assert_eq!(class("none", name, "text/plain"), None, "{name}");
        }
        assert_eq!(class("scripts", "build.sh", "text/x-shellscript"), None);
        assert_eq!(class("scripts", "notes.txt", "application/x-executable"), Some(Class::Programs));
        let excel = "application/vnd.ms-excel.sheet.macroenabled.12";
        assert_eq!(class("scripts", "a.xlsx", excel), Some(Class::Macros));
        assert_eq!(class(" macros , scripts", "a.xlsm", excel), None);
        for name in ["setup.exe", "a.xlsm", "a.lnk", "a.sh"] {
            assert_eq!(class(AllowedMembers::ALL, name, "text/plain"), None);
        }
        let by_default = AllowedMembers::parse("scripts,calculations,attachments,links").unwrap();
        assert_eq!(AllowedMembers::default(), by_default);
        assert_eq!(AllowedMembers::parse("default, links").unwrap(), by_default);
        let more = AllowedMembers::parse("macros,default").unwrap();
        assert!(more.refuse_class(Class::Macros).is_none() && more.refuse_class(Class::Programs).is_some());
        assert_eq!(AllowedMembers::ALL.replace(',', ", "), NAMES);
        assert!(
            by_default.refuse_fact("pdf.script").is_some()
                && by_default.refuse_fact("archive.link").is_none()
        );
        assert!(by_default.refuse_fact("pdf.page").is_none());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, unknown) in
            [("", ""), ("scripts,", ""), ("none,scripts", "none"), ("Scripts", "Scripts"), ("exe", "exe")]
        {
            let found = AllowedMembers::parse(text).unwrap_err();
            assert_eq!(found, AllowedMembersError::Unknown(unknown.to_owned()), "{text}");
        }
        assert_eq!(AllowedMembers::parse("macros,macros"), Err(AllowedMembersError::Twice("macros")));
    }
}
