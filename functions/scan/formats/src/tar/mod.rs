//! tar: a header of one block before each member, and empty blocks at the end (POSIX.1-2017, pax, "ustar Interchange
//! Format"; GNU tar manual, "Basic Tar Format"). Headers are read by the `tar` crate where all programs agree on them;
//! which are acceptable is decided here.

mod header;
mod pax;

use crate::{
    Format,
    flaw::Flaw,
    refusal::{Special, Stop, Why},
    text,
    walk::Walk,
};
use file_format::FileFormat;
use header::{BLOCK, has_hidden_prefix, size};
use pax::Extensions;
use std::borrow::Cow;
use tar::{EntryType, Header};

pub use header::is_tar_header;

const NAME: usize = 100;

pub(crate) fn walk(walk: &mut Walk<'_>, bytes: &[u8]) -> Result<(), Stop> {
    walk.is(Format::Tar.media_type());
    if let Err(flaw) = refuse_name_that_is_a_file(&bytes[..bytes.len().min(NAME)]) {
        walk.flaw(flaw);
    }
    let mut rest = bytes;
    let mut extensions = Extensions::default();
    loop {
        walk.budget().on_time()?;
        // Writers that cannot know what comes next leave the empty blocks out, and no reader misses them.
        if rest.is_empty() && extensions.is_empty() {
            return Ok(());
        }
        let Some((block, behind)) = rest.split_at_checked(BLOCK) else {
            return Err(Why::broken("it is cut off").into());
        };
        if block.iter().all(|byte| *byte == 0) {
            return end(walk, behind, &extensions);
        }
        if !is_tar_header(block) {
            return Err(Why::broken("the checksum of a tar header is wrong").into());
        }
        // PHP runs an archive with these members.
        if block.starts_with(b".phar/") {
            walk.is("application/x-phar");
        }
        let header = Header::from_byte_slice(block);
        let size = size(block)?;
        let behind = behind_map(block, behind)?;
        if size > behind.len() {
            return Err(Why::broken("it is cut off: a member is larger than the rest").into());
        }
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
            EntryType::GNULongName => extensions.long_name(content)?,
            EntryType::GNULongLink => extensions.long_link(content)?,
            _ => {
                let extensions = std::mem::take(&mut extensions);
                if has_hidden_prefix(block) {
                    return Err(Why::Disagreement("a header has a path that only some programs read").into());
                }
                member(walk, header, &extensions, content)?;
            }
        }
    }
}

/// What follows the map of a sparse file, which the old GNU format continues in blocks of its own.
fn behind_map<'b>(block: &[u8], mut behind: &'b [u8]) -> Result<&'b [u8], Why> {
    let mut is_continued = block[156] == b'S' && block[482] != 0;
    while is_continued {
        let (more, rest) = behind.split_at_checked(BLOCK).ok_or_else(|| Why::broken("it is cut off"))?;
        is_continued = more[504] != 0;
        behind = rest;
    }
    Ok(behind)
}

/// Some programs go on reading behind a block of zeros.
fn end(walk: &mut Walk<'_>, behind: &[u8], extensions: &Extensions<'_>) -> Result<(), Stop> {
    if !extensions.is_empty() {
        return Err(Why::broken("the last header is of no member").into());
    }
    let zeros = behind.iter().take_while(|byte| **byte == 0).count();
    walk.leftover(&behind[zeros..])
}

fn member(
    walk: &mut Walk<'_>,
    header: &Header,
    extensions: &Extensions<'_>,
    content: &[u8],
) -> Result<(), Stop> {
    let kind = header.entry_type();
    let name = &*extensions.path.map_or_else(|| header.path_bytes(), Cow::Borrowed);
    // Before POSIX, a folder was a file whose name ends in a slash.
    let is_folder = kind == EntryType::Directory || (kind == EntryType::Regular && name.ends_with(b"/"));
    let link = match kind {
        EntryType::Symlink => Some(Special::SymbolicLink),
        EntryType::Link => Some(Special::HardLink),
        _ => None,
    };
    let checked = walk.enter(name, is_folder).and_then(|()| match kind {
        EntryType::Regular | EntryType::Continuous | EntryType::Directory => Ok(()),
        EntryType::Symlink | EntryType::Link => Ok(()),
        EntryType::Char | EntryType::Block | EntryType::Fifo => Err(Why::NotAFile(Special::Device)),
        EntryType::GNUSparse => Err(sparse()),
        other => Err(Why::Unsupported(format!("tar entries of type {:#04x}", other.as_byte()))),
    });
    let checked = checked.and_then(|()| match extensions.size {
        _ if extensions.is_sparse => Err(sparse()),
        Some(stated) if stated != content.len() as u64 => {
            Err(Why::Disagreement("a pax header and a tar header differ in size"))
        }
        _ if extensions.link.is_some() && link.is_none() => {
            Err(Why::Disagreement("a file has the target of a link"))
        }
        // Programs differ in whether such bytes are skipped.
        _ if (is_folder || link.is_some()) && !content.is_empty() => {
            Err(Why::Disagreement("a folder or a link has content"))
        }
        _ => Ok(()),
    });
    match (checked, link) {
        (Err(why), _) => walk.refuse(name, why),
        (Ok(()), Some(kind)) => {
            let target = extensions.link.map(Cow::Borrowed).or_else(|| header.link_name_bytes());
            // The name is held to the policy of members.
            walk.stored(name, b"")?;
            walk.link(kind, name, &target.unwrap_or_default())
        }
        (Ok(()), None) if is_folder => Ok(()),
        (Ok(()), None) => walk.stored(name, content),
    }
}

fn sparse() -> Why {
    Why::Unsupported("sparse files".to_owned())
}

/// The first bytes of a tar are a member's name, which could be the beginning of another file.
fn refuse_name_that_is_a_file(name: &[u8]) -> Result<(), Flaw> {
    let (name, padding) = name.split_at(memchr::memchr(0, name).unwrap_or(name.len()));
    if padding.iter().any(|byte| *byte != 0) || name.iter().any(u8::is_ascii_control) {
        return Err(Flaw::Malformed("its first name is no name".to_owned()));
    }
    let text = String::from_utf8_lossy(name);
    let kind = match text::kind(&text) {
        text::PLAIN => FileFormat::from_bytes(name).media_type().to_owned(),
        kind => kind.to_owned(),
    };
    match kind.as_str() {
        text::PLAIN | "application/octet-stream" | "application/x-empty" => Ok(()),
        _ => Err(Flaw::Polyglot(kind.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_files() {
        let is_name = |name: &str| refuse_name_that_is_a_file(name.as_bytes()).is_ok();
        for name in [
            "folder/",
            "./",
            "BMW/a.jpg",
            "MZ.txt",
            "a",
            "Größe.txt",
            "PK.csv",
            "#1.txt",
            "II/",
            "ID3-tags/",
            "<a>",
        ] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "%PDF-1.4\n1 0 obj",
            "GIF89a",
            "#!/bin/sh",
            "<html><script>",
            "<?php x",
            "MZ\u{1}\u{90}",
            "fLaC",
            "OggS\0",
            "RIFFxxxxWAVE",
        ] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
