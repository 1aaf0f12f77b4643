//! tar: ustar, pax and GNU archives (POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format"). The
//! headers are read by the `tar` crate; which of them are acceptable is decided here.

use crate::{
    refusal::{Special, Stop, Why},
    walk::Walk,
};
use std::borrow::Cow;
use tar::{EntryType, Header, PaxExtensions};

const BLOCK: usize = 512;

/// Whether `bytes` start with a header whose checksum is right.
pub(crate) fn is_tar(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|byte| *byte != 0)
        && bytes.get(..BLOCK).is_some_and(|block| header(block).is_some())
}

/// The header in a block. Some old programs summed up signed bytes; no archive of theirs is expected.
fn header(block: &[u8]) -> Option<&Header> {
    let header = Header::from_byte_slice(block);
    let (before, after) = (&block[..148], &block[156..]);
    let sum: u32 = before.iter().chain(b"        ").chain(after).map(|byte| u32::from(*byte)).sum();
    (header.cksum().ok()? == sum).then_some(header)
}

/// What headers in front of a member's own say of it.
#[derive(Default)]
struct Extensions<'b> {
    path: Option<&'b [u8]>,
    link: bool,
    size: Option<&'b [u8]>,
    is_sparse: bool,
}

impl<'b> Extensions<'b> {
    /// Takes note of pax records; of each there may be one.
    fn pax(&mut self, records: &'b [u8]) -> Result<(), Why> {
        for record in PaxExtensions::new(records) {
            let record = record.map_err(Why::broken)?;
            let value = record.value_bytes();
            let is_new = match record.key_bytes() {
                b"path" => self.path.replace(value).is_none(),
                b"size" => self.size.replace(value).is_none(),
                b"linkpath" => !std::mem::replace(&mut self.link, true),
                key if key.starts_with(b"GNU.sparse.") => {
                    self.is_sparse = true;
                    true
                }
                _ => true,
            };
            if !is_new {
                return Err(Why::Disagreement("a pax header has one record twice"));
            }
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.path.is_none() && self.size.is_none() && !self.link && !self.is_sparse
    }
}

pub(crate) fn walk(walk: &mut Walk<'_>, bytes: &[u8]) -> Result<(), Stop> {
    let mut rest = bytes;
    let mut extensions = Extensions::default();
    loop {
        walk.budget().on_time()?;
        let Some((block, behind)) = rest.split_at_checked(BLOCK) else {
            return Err(Why::broken("it is cut off").into());
        };
        if block.iter().all(|byte| *byte == 0) {
            return end(behind, &extensions).map_err(Stop::from);
        }
        let header = header(block).ok_or_else(|| Why::broken("the checksum of a tar header is wrong"))?;
        let size = header.entry_size().map_err(Why::broken)?;
        let size = usize::try_from(size).ok().filter(|size| *size <= behind.len());
        let size = size.ok_or_else(|| Why::broken("a member is larger than the archive"))?;
        let (content, behind) = behind.split_at(size);
        let padding = size.next_multiple_of(BLOCK) - size;
        rest = behind.get(padding..).ok_or_else(|| Why::broken("it is cut off"))?;

        match header.entry_type() {
            EntryType::XHeader => extensions.pax(content)?,
            EntryType::XGlobalHeader => {
                let mut global = Extensions::default();
                global.pax(content)?;
                if !global.is_empty() {
                    return Err(Why::Disagreement("a global header renames or resizes members").into());
                }
            }
            EntryType::GNULongName => {
                let name = content.split(|byte| *byte == 0).next().unwrap_or_default();
                if extensions.path.replace(name).is_some() {
                    return Err(Why::Disagreement("a member has two long names").into());
                }
            }
            EntryType::GNULongLink => extensions.link = true,
            kind => {
                let extensions = std::mem::take(&mut extensions);
                let name = extensions.path.map_or_else(|| header.path_bytes(), Cow::Borrowed);
                member(walk, kind, &name, &extensions, content)?;
            }
        }
    }
}

/// Behind a block of zeros there is nothing but zeros: some programs go on reading.
fn end(behind: &[u8], extensions: &Extensions<'_>) -> Result<(), Why> {
    if !extensions.is_empty() {
        return Err(Why::broken("the last header is of no member"));
    }
    if behind.iter().any(|byte| *byte != 0) {
        return Err(Why::Hidden("something follows its end"));
    }
    Ok(())
}

fn member(
    walk: &mut Walk<'_>,
    kind: EntryType,
    name: &[u8],
    extensions: &Extensions<'_>,
    content: &[u8],
) -> Result<(), Stop> {
    // Before POSIX, a folder was a file whose name ends in a slash.
    let is_folder = kind == EntryType::Directory || (kind == EntryType::Regular && name.ends_with(b"/"));
    let checked = walk.enter(name, is_folder).and_then(|()| match kind {
        EntryType::Regular | EntryType::Continuous | EntryType::Directory => Ok(()),
        EntryType::Symlink => Err(Why::NotAFile(Special::SymbolicLink)),
        EntryType::Link => Err(Why::NotAFile(Special::HardLink)),
        EntryType::Char | EntryType::Block | EntryType::Fifo => Err(Why::NotAFile(Special::Device)),
        EntryType::GNUSparse => Err(sparse()),
        other => Err(Why::Unsupported(format!("tar entries of type {:#04x}", other.as_byte()))),
    });
    let stated: Option<u64> = extensions
        .size
        .map(|size| std::str::from_utf8(size).ok().and_then(|size| size.parse().ok()).unwrap_or(u64::MAX));
    let checked = checked.and_then(|()| match stated {
        _ if extensions.is_sparse => Err(sparse()),
        Some(stated) if stated != content.len() as u64 => {
            Err(Why::Disagreement("a pax header and a tar header differ in size"))
        }
        _ if extensions.link => Err(Why::Disagreement("a file has the target of a link")),
        // Programs differ in whether such bytes are skipped.
        _ if is_folder && !content.is_empty() => Err(Why::Disagreement("a folder has content")),
        _ => Ok(()),
    });
    match checked {
        Err(why) => walk.refuse(name, why),
        Ok(()) if is_folder => Ok(()),
        Ok(()) => walk.stored(name, content),
    }
}

fn sparse() -> Why {
    Why::Unsupported("sparse files".to_owned())
}
