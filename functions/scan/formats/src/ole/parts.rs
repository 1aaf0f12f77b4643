//! The files in an OLE compound file: packages ([MS-OLEDS] 2.3.6, and the native data of Packager), streams that are a
//! file themselves, and the ZIPs that old documents hold within a stream (the theme of a workbook, [MS-XLS] 2.4.326).

use super::vba;
use crate::{
    Format,
    refusal::{Stop, Why},
    walk::{Names, Walk},
};
use memchr::memmem;
use std::{
    io::{Cursor, Read},
    path::Path,
};

/// The stream of a package, and those that hold a file as it is.
const NATIVE: &str = "\u{1}Ole10Native";
const WHOLE_FILES: [&str; 2] = ["Package", "CONTENTS"];
/// The end record of a ZIP, without its comment.
const END: usize = 22;

/// Shows the files in `bytes`. What cannot be read here may be read by Office, so it is refused.
pub(crate) fn walk(walk: &mut Walk<'_>, bytes: &[u8]) -> Result<(), Stop> {
    let mut file = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(Why::broken)?;
    let streams: Vec<_> = file
        .walk()
        .filter(cfb::Entry::is_stream)
        .map(|entry| (entry.path().to_owned(), entry.len()))
        .collect();
    for (path, length) in streams {
        walk.budget().charge_member()?;
        // Streams may share their sectors, and then be longer than the file.
        walk.budget().charge(length)?;
        let stream = read(&mut file, &path)?;
        let name = path.to_string_lossy().trim_start_matches('/').to_owned();
        if name.to_ascii_lowercase().ends_with("vba/dir") {
            walk.fact("office.macro", &[("name", &name)])?;
            for module in vba::modules(&stream)? {
                let place = path.with_file_name(&module.stream);
                // A module that is not there is none to Office.
                let Ok(content) = read(&mut file, &place) else { continue };
                walk.budget().charge(content.len() as u64)?;
                let source = vba::decompress(content.get(module.source..).unwrap_or_default())?;
                let automatic = vba::automatic(&source).unwrap_or_default();
                walk.fact("office.macro", &[("name", &module.stream), ("auto", automatic)])?;
                walk.decoded(&module.stream, &source)?;
            }
        }
        show(walk, &name, &stream)?;
    }
    Ok(())
}

fn read(file: &mut cfb::CompoundFile<Cursor<&[u8]>>, path: &Path) -> Result<Vec<u8>, Why> {
    let mut content = Vec::new();
    let opened = file.open_stream(path);
    opened.and_then(|mut opened| opened.read_to_end(&mut content)).map_err(Why::broken)?;
    Ok(content)
}

fn show(walk: &mut Walk<'_>, path: &str, stream: &[u8]) -> Result<(), Stop> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.eq_ignore_ascii_case(NATIVE) {
        return package(walk, stream);
    }
    if is_file(stream) {
        return walk.stored(path.as_bytes(), stream);
    }
    let mut has_zip = false;
    for (number, zip) in zips(stream).enumerate() {
        has_zip = true;
        walk.stored(format!("{path}.{}.zip", number + 1).as_bytes(), zip)?;
    }
    if !has_zip && WHOLE_FILES.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        return walk.stored(path.as_bytes(), stream);
    }
    Ok(())
}

/// Whether a stream begins as a file that is walked, or as one that policies name. Streams of documents begin with
/// records.
fn is_file(stream: &[u8]) -> bool {
    let is_program =
        stream.starts_with(b"MZ") || stream.starts_with(b"\x7fELF") || stream.starts_with(b"%PDF-");
    is_program
        || match Format::of(stream) {
            Some(Format::Zip) => stream.starts_with(b"PK\x03\x04"),
            found => found.is_some_and(|format| !matches!(format, Format::Text(_))),
        }
}

/// The ZIPs in a stream, each from its first member to its end record, wherever they lie.
fn zips(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let number = |at: usize| stream.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    memmem::find_iter(stream, b"PK\x05\x06").filter_map(move |end| {
        let members = usize::try_from(number(end + 12)?.checked_add(number(end + 16)?)?).ok()?;
        let start = end.checked_sub(members)?;
        stream.get(start..end + END).filter(|zip| zip.starts_with(b"PK\x03\x04"))
    })
}

/// A file with the names that it had and gets, as Packager writes it. Other programs write only its length and what
/// it holds.
fn package(walk: &mut Walk<'_>, stream: &[u8]) -> Result<(), Stop> {
    let Some(packaged) = Packaged::read(stream) else {
        return walk.stored(&b"Ole10Native"[..], stream.get(4..).unwrap_or_default());
    };
    let name = base(packaged.name);
    walk.fact("ole.package", &[("name", &String::from_utf8_lossy(name))])?;
    let other = Some(base(packaged.place)).filter(|place| !place.is_empty() && *place != name);
    walk.stored(Names { main: if name.is_empty() { b"package" } else { name }, other }, packaged.content)
}

struct Packaged<'s> {
    name: &'s [u8],
    /// Where it is put to be opened.
    place: &'s [u8],
    content: &'s [u8],
}

impl<'s> Packaged<'s> {
    fn read(stream: &'s [u8]) -> Option<Self> {
        // Its length, and what it is: 2 for a package.
        let mut rest = stream.get(4..)?.strip_prefix(b"\x02\0")?;
        let text = |rest: &mut &'s [u8]| {
            let end = memchr::memchr(0, rest)?;
            let (text, behind) = rest.split_at(end);
            *rest = &behind[1..];
            Some(text)
        };
        let counted = |rest: &mut &'s [u8]| {
            let (length, behind) = rest.split_first_chunk()?;
            let (content, behind) =
                behind.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
            *rest = behind;
            Some(content)
        };
        let label = text(&mut rest)?;
        let path = text(&mut rest)?;
        rest = rest.get(4..)?;
        let place = counted(&mut rest)?;
        let place = place.split(|byte| *byte == 0).next().unwrap_or_default();
        let content = counted(&mut rest)?;
        Some(Self { name: if path.is_empty() { label } else { path }, place, content })
    }
}

/// The name of a file without its folders.
fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| matches!(byte, b'\\' | b'/')).next().unwrap_or_default()
}
