//! What is left over: bytes behind a file's end, or between its parts, that no reader accounts for. They are judged by what
//! they are, not by being there. A line end, padding, the remains of what lay on a card before, or a maker's block that
//! nobody describes is harmless, and is scanned. What opens as another file, holds one, or could be one (packed or
//! encrypted) is refused.

use crate::{
    Format, embedded,
    flaw::Flaw,
    has_zip_member,
    identify::{HEAD, OCTETS},
    input::Input,
    opaque, pdf, program,
    refusal::{Stop, Why},
    text::{self, Text},
    walk::Walk,
};
use file_format::{FileFormat, Kind};
use memchr::memmem;
use std::borrow::Cow;

/// As much as is taken of a small file. Cameras fill the last cluster of a card, which has up to 32 KiB, and add previews
/// and measurements of up to 60 KiB.
const SMALL: usize = 64 << 10;
/// The share of a large file, one in so many bytes, and the most that is searched.
const SHARE: usize = 8;
const LARGE: usize = 1 << 20;

/// Text up to this length is a remark of a program. Longer text is a document.
const REMARK: usize = 512;

/// So much is looked at together. A piece of this size that is packed or encrypted has nearly eight bits of entropy in
/// each byte; a shorter one cannot be told from any other numbers, and no program opens it without a signature.
const WINDOW: usize = 4096;
const PACKED_BITS: f64 = 7.5;

/// A file system's smallest unit. A file of whole sectors was filled up by a camera.
const SECTOR: usize = 512;

/// What makers begin their blocks with, packed or not: measurements of Qualcomm's camera, of Vivo's phones.
const MAKERS: [&[u8]; 3] = [b"aecDebug", b"vivo{\"", b"streamdata"];

/// Signatures of four or five bytes: in a leftover, they are taken for what they stand for.
const ANYWHERE: [(&str, &[u8]); 6] = [
    ("application/x-cfb", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("application/x-executable", b"\x7fELF\x01\x01\x01"),
    ("application/x-executable", b"\x7fELF\x02\x01\x01"),
    ("application/x-executable", b"\x7fELF\x01\x02\x01"),
    ("application/x-executable", b"\x7fELF\x02\x02\x01"),
    (pdf::MEDIA_TYPE, b"%PDF-"),
];

/// The shortest signature that does not stand in a leftover by chance.
const LONG_ENOUGH: usize = 6;

/// How many bytes of padding in front of a leftover may belong to it.
pub(crate) const IN_FRONT: usize = 4;

/// A shorter run of `FF` may be a sound or the marker of a picture.
const FLASH: usize = 16;

/// How many bytes at the start of `bytes` are padding: zeros, blanks, ends of lines, or `FF` as an empty flash has it.
pub(crate) fn padding(bytes: &[u8]) -> usize {
    let count_of = |bytes: &[u8], is_it: fn(&u8) -> bool| bytes.iter().take_while(|byte| is_it(byte)).count();
    let blank = count_of(bytes, |byte| matches!(byte, 0 | b' ' | b'\t' | b'\r' | b'\n'));
    let flash = count_of(&bytes[blank..], |byte| *byte == 0xff);
    match bytes.get(blank + flash) {
        None => bytes.len(),
        // A marker of JPEG begins with the last of them.
        Some(next) if flash >= FLASH => blank + flash - usize::from(*next == 0xd8),
        Some(_) => blank,
    }
}

/// Refuses leftovers of `count` bytes in a file of `whole` bytes, if they are no small share.
pub(crate) fn refuse_many(count: usize, whole: usize) -> Result<(), Flaw> {
    if count <= (whole / SHARE).clamp(SMALL, LARGE) {
        return Ok(());
    }
    Err(Flaw::Hidden(format!("{count} bytes follow its end, and nobody knows what they are")))
}

/// Refuses the leftover `bytes` of a file of `whole` bytes if it is, holds or could be another file. `remains` are data
/// that a program of this kind leaves behind, although they look packed.
pub(crate) fn refuse(bytes: &[u8], whole: usize, remains: fn(&[u8]) -> bool) -> Result<(), Flaw> {
    if let Some(media_type) = opens_as(bytes).or_else(|| holds(bytes).map(Cow::Borrowed)) {
        return Err(Flaw::Polyglot(media_type));
    }
    if is_of_maker(bytes) {
        return Ok(());
    }
    let is_filled = whole.is_multiple_of(SECTOR) && bytes.len() <= SMALL;
    if is_packed(bytes) && !is_filled && !remains(bytes) {
        return Err(Flaw::Hidden(format!(
            "{} bytes follow its end, and they are packed or encrypted",
            bytes.len()
        )));
    }
    Ok(())
}

/// How much may be left over behind an archive: a line end, a note, what a transfer added.
const LINE: usize = 64;

impl Walk<'_> {
    /// Looks at a comment, which may be long, but no archive.
    pub(crate) fn comment(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if opaque::format(bytes).is_some()
            || embedded::archive(bytes).is_some()
            || Format::of(bytes).is_some_and(Format::is_archive)
        {
            return Err(Why::Hidden("its comment is an archive").into());
        }
        if bytes.is_empty() { Ok(()) } else { self.decoded("", bytes) }
    }

    /// Looks at what follows the end of an archive.
    pub(crate) fn leftover(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        // Media and transfers pad with zeros, and programs end files with a line end.
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        if bytes.len() > LINE || !is_note(bytes) {
            return Err(Why::Hidden("something follows its end").into());
        }
        self.decoded("", bytes)
    }
}

/// Control codes and letters of no encoding are what packed and encrypted data is made of.
fn is_note(bytes: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || *byte == 0;
    bytes.iter().all(is_plain) && refuse(bytes, bytes.len(), |_| false).is_ok()
}

/// Whether it is a block of a known maker, packed or not. Its caller unpacks the [`gzips`] in it.
pub(crate) fn is_of_maker(bytes: &[u8]) -> bool {
    let start = padding(bytes).min(IN_FRONT);
    MAKERS.iter().any(|name| bytes[start..].starts_with(name))
}

/// Where streams of gzip begin.
pub(crate) fn gzips(bytes: &[u8]) -> impl Iterator<Item = usize> {
    memmem::find_iter(bytes, b"\x1f\x8b\x08").filter(|at| embedded::is_gzip(&bytes[*at..]))
}

/// What the leftover is to a program that opens it alone.
fn opens_as(bytes: &[u8]) -> Option<Cow<'static, str>> {
    // The size of a box of ISO media looks like padding.
    let in_front = padding(bytes).min(IN_FRONT);
    let format = |from: usize| {
        Format::of(&bytes[from..]).filter(|format| !matches!(format, Format::Text(_) | Format::Xml))
    };
    if let Some(format) = (0..=in_front).find_map(format) {
        return Some(Cow::Owned(format.to_string()));
    }
    if let Some(format) = opaque::format(bytes) {
        return Some(format);
    }
    let head = &bytes[..bytes.len().min(HEAD)];
    let mut input = Input::of_slice(bytes);
    if let Ok(text) = Text::of(&mut input)
        && text.is_sure
        && let Ok(beginning) = text::beginning(&mut input, text)
    {
        let kind = text::kind(&beginning);
        return (kind != text::PLAIN || bytes.len() > REMARK).then_some(Cow::Borrowed(kind));
    }
    if let Ok(Some(program)) = program::media_type(&mut Input::of_slice(bytes), head) {
        return Some(Cow::Borrowed(program));
    }
    let found = FileFormat::from_bytes(head);
    // Of two bytes, and looked at above.
    let is_weak = found.media_type() == "application/x-dosexec" || found.media_type() == OCTETS;
    let is_file = matches!(
        found.kind(),
        Kind::Document | Kind::Ebook | Kind::Executable | Kind::Presentation | Kind::Spreadsheet
    );
    (is_file && !is_weak).then(|| Cow::Owned(found.media_type().to_owned()))
}

/// What begins somewhere within the leftover.
fn holds(bytes: &[u8]) -> Option<&'static str> {
    if let Some((media_type, _)) = embedded::archive(bytes) {
        return Some(media_type);
    }
    if has_zip_member(bytes) {
        return Some("application/zip");
    }
    let anywhere = ANYWHERE.iter().find(|(_, signature)| memmem::find(bytes, signature).is_some());
    let program = || {
        memmem::find_iter(bytes, b"MZ").any(|at| {
            let place = bytes.get(at + 0x3c..at + 0x40).and_then(|place| place.first_chunk());
            let header = place.and_then(|place| at.checked_add(u32::from_le_bytes(*place) as usize));
            header.and_then(|header| bytes.get(header..)).is_some_and(|header| header.starts_with(b"PE\0\0"))
        })
    };
    anywhere
        .map(|(media_type, _)| *media_type)
        .or_else(|| program().then_some("application/vnd.microsoft.portable-executable"))
        .or_else(|| opaque::within(bytes, LONG_ENOUGH))
}

/// Whether a window of it has as many different bytes as what is packed or encrypted.
fn is_packed(bytes: &[u8]) -> bool {
    bytes.chunks_exact(WINDOW).any(|window| {
        let mut counts = [0_u32; 256];
        for byte in window {
            counts[usize::from(*byte)] += 1;
        }
        let bits = |count: &u32| {
            let share = f64::from(*count) / WINDOW as f64;
            if *count == 0 { 0.0 } else { -share * share.log2() }
        };
        counts.iter().map(bits).sum::<f64>() > PACKED_BITS
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_something_is_told_from_a_note() {
        for nothing in [&b"W"[..], b"\r\n", b"-- \n", b"A note.\n", b"\0\0\0 \n"] {
            assert!(is_note(nothing), "{nothing:?}");
        }
        for something in [
            &b"<html><body>hello</body></html>"[..],
            b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0",
            b"\x93\x01\xfe\x8e\x11\x7f\x02",
            b"#!/bin/sh\nrm -r x\n",
            b"<?php system(1);",
            b"PK\x03\x04",
        ] {
            assert!(!is_note(something), "{something:?}");
        }
    }

    /// Bytes without any pattern (xorshift).
    fn random(length: usize) -> Vec<u8> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let next = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        (0..length).map(next).collect()
    }

    fn verdict(bytes: &[u8], whole: usize) -> Result<(), Flaw> {
        refuse(bytes, whole, |_| false)
    }

    #[test]
    fn what_is_no_file_and_holds_none_passes() {
        let whole = 100_001;
        for bytes in [
            &b"\x01"[..],
            b"made by a program",
            &[7; 5000],
            &random(4095),
            &[&b"aecDebug"[..], &random(60_000)].concat(),
        ] {
            assert_eq!(verdict(bytes, whole), Ok(()), "{} bytes", bytes.len());
        }
        assert_eq!(verdict(&random(30_000), 1 << 20), Ok(()), "a card's last cluster");
    }

    #[test]
    fn what_opens_holds_or_could_be_a_file_is_refused() {
        let polyglot = |bytes: &[u8]| match verdict(bytes, 100_001) {
            Err(Flaw::Polyglot(what)) => what.into_owned(),
            other => format!("{other:?}"),
        };
        let gzip = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff\x03\0\0\0\0\0\0\0\0\0";
        let mut program = vec![0x81; 300];
        program[100..102].copy_from_slice(b"MZ");
        program[160..164].copy_from_slice(&[0x40, 0, 0, 0]);
        program[164..168].copy_from_slice(b"PE\0\0");
        for (what, bytes) in [
            ("gzip", gzip.to_vec()),
            ("application/gzip", [&[0x81; 20][..], gzip].concat()),
            ("application/vnd.microsoft.portable-executable", program),
            ("application/x-executable", [&[0x81; 20][..], b"\x7fELF\x02\x01\x01", &[0; 60]].concat()),
            ("PDF", [&[0x81; 20][..], b"%PDF-1.4"].concat()),
            ("text/html", b"<html><body>".to_vec()),
            ("text/plain", b"a line of a document\n".repeat(30)),
            ("OpenSSL", [&b"Salted__"[..], &[0x81; 30]].concat()),
            (
                "AxCrypt",
                [&[0x81; 9][..], b"\xc0\xb9\x07\x2e\x4f\x93\xf1\x46\xa0\x15\x79\x2c\xa1\xd9\xe8\x21"]
                    .concat(),
            ),
        ] {
            assert_eq!(polyglot(&bytes), what);
        }
        assert!(matches!(verdict(&random(5000), 100_001), Err(Flaw::Hidden(_))));
        assert!(matches!(verdict(&[&[0; 9000][..], &random(9000)].concat(), 100_001), Err(Flaw::Hidden(_))));
    }

    #[test]
    fn only_a_small_share_may_be_left_over() {
        assert_eq!(refuse_many(SMALL, 1), Ok(()));
        assert!(refuse_many(SMALL + 1, 1).is_err());
        assert_eq!(refuse_many(LARGE, usize::MAX), Ok(()));
        assert!(refuse_many(LARGE + 1, usize::MAX).is_err());
    }

    #[test]
    fn padding_ends_where_something_begins() {
        for (bytes, count) in [
            (&b""[..], 0),
            (b"\0\0 \r\n", 5),
            (&[&[0xff; 20][..], b"\xd8"].concat(), 19),
            (b"\xff\xd8", 0),
            (b"\xff", 1),
            (b"x", 0),
        ] {
            assert_eq!(padding(bytes), count, "{bytes:?}");
        }
    }
}
