//! OLE compound files: the old formats of Office, installers and mail, told apart by the streams
//! that each must have ([MS-CFB], [MS-DOC], [MS-XLS], [MS-PPT], [MS-OXMSG], [MS-OFFCRYPTO]).

use super::{
    Content,
    input::Input,
    problem::{Flaw, Problem, flaw_of, malformed},
};
use std::{
    borrow::Cow,
    io::{self, Read, Seek},
};

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

/// Whether a compound file starts like this.
pub(super) fn may_start(head: &[u8]) -> bool {
    head.starts_with(&SIGNATURE)
}

/// What a compound file is, and what is wrong with it.
pub(super) fn identify<R: Read + Seek>(input: &mut Input<R>) -> io::Result<Content> {
    let mut media_type = "application/x-cfb";
    let flaw = flaw_of(check(input, &mut media_type))?;
    Ok(Content { media_type: Cow::Borrowed(media_type), flaw })
}

fn check<R: Read + Seek>(input: &mut Input<R>, media_type: &mut &'static str) -> Result<(), Problem> {
    input.rewind()?;
    let file = cfb::CompoundFile::open(input).map_err(|error| match error.kind() {
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
    Ok(())
}
