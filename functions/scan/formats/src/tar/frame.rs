//! tar: a header of one block before each member, and empty blocks at the end (POSIX.1-2017, pax,
//! "ustar Interchange Format"; GNU tar manual, "Basic Tar Format").

use crate::is_tar_header;
use crate::{
    flaw::{CheckError, Flaw, flaw_of, malformed},
    identify::Content,
    input::Input,
    text,
};
use file_format::FileFormat;
use std::{
    borrow::Cow,
    io::{self, Read, Seek},
};

const BLOCK: usize = 512;
const NAME: usize = 100;

fn octal(field: &[u8]) -> Option<i64> {
    let digits = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    i64::from_str_radix(digits, 8).ok().filter(|number| *number >= 0)
}

/// What a tar is, and what is wrong with it.
pub(crate) fn identify<R: Read + Seek>(input: &mut Input<R>) -> io::Result<Content> {
    let mut media_type = "application/x-tar";
    let flaw = flaw_of(check(input, &mut media_type))?;
    Ok(Content { media_type: Cow::Borrowed(media_type), flaw })
}

fn check<R: Read + Seek>(input: &mut Input<R>, media_type: &mut &'static str) -> Result<(), CheckError> {
    input.rewind()?;
    let first = input.peek_at(0, NAME)?;
    refuse_name_that_is_a_file(&first)?;
    loop {
        let block: [u8; BLOCK] = input.take_bytes()?;
        if block == [0; BLOCK] {
            // Programs pad the archive to a whole record of several blocks.
            return input.nothing_follows();
        }
        if !is_tar_header(&block) {
            return Err(malformed("the checksum of a tar header is wrong"));
        }
        // PHP runs an archive with these members.
        if block.starts_with(b".phar/") {
            *media_type = "application/x-phar";
        }
        // The old GNU format continues the map of a sparse file in blocks of their own.
        let mut is_continued = block[156] == b'S' && block[482] != 0;
        while is_continued {
            let more: [u8; BLOCK] = input.take_bytes()?;
            is_continued = more[504] != 0;
        }
        // Links and folders have no content, whatever their size field says.
        let size = if matches!(block[156], b'1'..=b'6') { 0 } else { size(&block[124..136])? };
        let padded = size.checked_next_multiple_of(BLOCK as u64);
        input.skip(padded.ok_or_else(|| malformed("a length is absurd"))?)?;
    }
}

/// A size in octal digits, or for large ones in binary behind a set bit.
fn size(field: &[u8]) -> Result<u64, CheckError> {
    if field[0] & 0x80 != 0 {
        let (high, low) = field.split_at(4);
        let is_small = high == [0x80, 0, 0, 0];
        let number = low.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        return if is_small { Ok(number) } else { Err(malformed("a length is absurd")) };
    }
    let is_blank = field.iter().all(|byte| [0, b' '].contains(byte));
    let number = if is_blank { Some(0) } else { octal(field) };
    number.and_then(|number| u64::try_from(number).ok()).ok_or_else(|| malformed("a tar header has no size"))
}

/// The first bytes of a tar are a member's name, which could be the beginning of another file.
fn refuse_name_that_is_a_file(name: &[u8]) -> Result<(), CheckError> {
    let (name, padding) = name.split_at(memchr::memchr(0, name).unwrap_or(name.len()));
    if padding.iter().any(|byte| *byte != 0) || name.iter().any(u8::is_ascii_control) {
        return Err(malformed("its first name is no name"));
    }
    let text = String::from_utf8_lossy(name);
    let kind = match text::kind(&text) {
        text::PLAIN => FileFormat::from_bytes(name).media_type().to_owned(),
        kind => kind.to_owned(),
    };
    match kind.as_str() {
        text::PLAIN | "application/octet-stream" | "application/x-empty" => Ok(()),
        _ => Err(Flaw::Polyglot(kind.into()).into()),
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
