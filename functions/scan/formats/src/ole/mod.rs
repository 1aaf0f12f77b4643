//! OLE compound files: the old formats of Office, installers and mail, told apart by the streams
//! that each must have ([MS-CFB], [MS-DOC], [MS-XLS], [MS-PPT], [MS-OXMSG], [MS-OFFCRYPTO]).

mod parts;
mod vba;

pub(crate) use parts::walk;

use crate::{
    flaw::{CheckError, Flaw, flaw_of, malformed},
    identify::Content,
    input::Input,
};
use std::borrow::Cow;
use std::io::{self, Read, Seek};

const SIGNATURE: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/// The class of the root of an installer package.
const INSTALLER: u128 = 0x000c_1084_0000_0000_c000_0000_0000_0046;

/// Streams in the root and the type of the file that has them. A document can hold others, but
/// not in its root.
const TYPES: [(&str, &str); 8] = [
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("VisioDocument", "application/vnd.visio"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("__nameid_version1.0", "application/vnd.ms-outlook"),
    ("Quill", "application/vnd.ms-publisher"),
];

/// Storages in the root of Word and Excel files that have a macro project ([MS-OVBA] 2.2).
const MACROS: [&str; 2] = ["Macros", "_VBA_PROJECT_CUR"];

/// Whether a compound file starts like this.
pub(crate) fn may_start(head: &[u8]) -> bool {
    head.starts_with(&SIGNATURE)
}

/// What a compound file is, and what is wrong with it.
pub(crate) fn identify<R: Read + Seek>(input: &mut Input<R>) -> io::Result<Content> {
    let mut media_type = "application/x-cfb";
    let flaw = flaw_of(check(input, &mut media_type))?;
    Ok(Content { media_type: Cow::Borrowed(media_type), flaw })
}

fn check<R: Read + Seek>(input: &mut Input<R>, media_type: &mut &'static str) -> Result<(), CheckError> {
    input.rewind()?;
    let mut file = cfb::CompoundFile::open(input).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => malformed(error.to_string()),
        _ => error.into(),
    })?;
    let names: Vec<String> = file.read_root_storage().map(|entry| entry.name().to_owned()).collect();
    let has = |name: &str| names.iter().any(|found| found.eq_ignore_ascii_case(name));
    if has("EncryptedPackage") {
        return Err(Flaw::Encrypted("the document needs a password".into()).into());
    }
    if file.root_entry().clsid().as_u128() == INSTALLER {
        *media_type = "application/x-msi";
    } else if let Some((_, found)) = TYPES.iter().find(|(name, _)| has(name)) {
        *media_type = found;
    }
    if has("EncryptedSummary") || is_encrypted(&mut file) {
        return Err(Flaw::Encrypted("the document needs a password".into()).into());
    }
    match MACROS.iter().find(|name| has(name)) {
        Some(name) => Err(Flaw::Macros(format!("storage {name:?}")).into()),
        None => Ok(()),
    }
}

/// Whether the main stream of a document says that it is encrypted: by a flag of Word's ([MS-DOC]
/// 2.5.2, fEncrypted), or by a record near the start of a workbook ([MS-XLS] 2.4.117, FilePass).
fn is_encrypted<R: Read + Seek>(file: &mut cfb::CompoundFile<R>) -> bool {
    let mut start = |name: &str| {
        let mut bytes = Vec::new();
        let stream = file.open_stream(name).ok()?;
        stream.take(4096).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    };
    if let Some(word) = start("WordDocument") {
        return matches!(word.get(11), Some(flags) if flags & 1 != 0);
    }
    let Some(workbook) = start("Workbook").or_else(|| start("Book")) else { return false };
    let mut rest = workbook.as_slice();
    while let [kind, high, length, length_high, behind @ ..] = rest {
        if (*kind, *high) == (0x2f, 0) {
            return true;
        }
        let length = usize::from(u16::from_le_bytes([*length, *length_high]));
        rest = behind.get(length..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    fn found(streams: &[(&str, &[u8])]) -> Content {
        let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        for (name, bytes) in streams {
            if let Some((folder, _)) = name.split_once('/') {
                file.create_storage(folder).unwrap();
            }
            file.create_stream(name).unwrap().write_all(bytes).unwrap();
        }
        file.flush().unwrap();
        let bytes = file.into_inner().into_inner();
        identify(&mut Input::new(Cursor::new(bytes)).unwrap()).unwrap()
    }

    #[test]
    fn macros_and_passwords_of_old_documents_are_seen() {
        let word = |flags: u8| [&[0xec, 0xa5, 0xc1, 0, 0, 0, 0, 0, 0, 0, 0][..], &[flags], &[0; 20]].concat();
        let sheet = b"\x09\x08\x04\0\0\x06\x05\0\x42\0\x02\0\xb0\x04";
        let locked = [&sheet[..8], b"\x2f\0\x02\0\0\0"].concat();
        for (streams, is_it) in [
            (vec![("WordDocument", &word(0)[..])], None),
            (vec![("Workbook", &sheet[..])], None),
            (vec![("WordDocument", &word(1)[..])], Some("it is encrypted: the document needs a password")),
            (vec![("Workbook", &locked[..])], Some("it is encrypted: the document needs a password")),
            (vec![("Book", &locked[..])], Some("it is encrypted: the document needs a password")),
            (
                vec![("WordDocument", &word(0)[..]), ("Macros/a", b"x")],
                Some("it holds macros: storage \"Macros\""),
            ),
            (
                vec![("Workbook", &sheet[..]), ("_VBA_PROJECT_CUR/a", b"x")],
                Some("it holds macros: storage \"_VBA_PROJECT_CUR\""),
            ),
        ] {
            let flaw = found(&streams).flaw.map(|flaw| flaw.to_string());
            assert_eq!(flaw.as_deref(), is_it);
        }
    }
}
