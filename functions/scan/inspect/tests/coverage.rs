//! Every byte has an owner: of every picture, sound and video that is clean, the reader has accounted for all bytes, and
//! a byte that is added anywhere is seen. Either the file is refused, or all of its bytes are still accounted for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "inspect/inspected.rs"]
mod inspected;

use airlock_content::{media_types, verdict::Outcome};
use airlock_formats::{
    Budget, Facts, Format, Member, Refusal, Scratch, Unpacker, Visitor, identify::identify,
};
use airlock_inspect::LIMITS;
use inspected::inspected;
use std::{
    fs,
    io::Cursor,
    ops::ControlFlow,
    path::Path,
    time::{Duration, Instant},
};

/// Counts what is shown.
#[derive(Default)]
struct Shown {
    members: usize,
    decoded: usize,
}

impl Visitor for Shown {
    fn member(&mut self, _: Member<'_>, _: &mut Unpacker) -> ControlFlow<()> {
        self.members += 1;
        ControlFlow::Continue(())
    }

    fn decoded(&mut self, _: &str, _: &[u8], _: &mut Unpacker) -> ControlFlow<()> {
        self.decoded += 1;
        ControlFlow::Continue(())
    }

    fn facts(&mut self, _: &str, _: &Facts, _: &mut Unpacker) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn refused(&mut self, refusal: Refusal) {
        panic!("{refusal}");
    }
}

/// How many bytes the reader of the file accounts for, and what it shows.
fn covered(name: &str, bytes: &[u8]) -> (usize, Shown) {
    let mut shown = Shown::default();
    let Some(format @ Format::Media(_)) = Format::of(bytes) else { return (0, shown) };
    let deadline = Instant::now() + Duration::from_secs(60);
    let budget = Budget::new(LIMITS, bytes.len() as u64, deadline);
    let mut unpacker = Unpacker::new(Scratch::new(tempfile::tempfile().unwrap()), budget);
    (unpacker.walk(format, name, bytes, &mut shown).covered, shown)
}

/// The files of `tests/<folder>` that are pictures, sounds or videos of an allowed type.
fn files(folder: &str) -> Vec<(String, &'static str, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests").join(folder);
    let media = |name: &str| {
        let known = media_types::of_file_name(name)?.name;
        ["image/", "audio/", "video/"].iter().any(|kind| known.starts_with(kind)).then_some(known)
    };
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let known = media(&name)?;
            Some((name, known, fs::read(entry.path()).unwrap()))
        })
        .collect();
    files.sort();
    files
}

#[test]
fn all_bytes_of_a_clean_file_are_accounted_for() {
    let (mut accounted, mut all, mut count) = (0, 0, 0);
    for (name, known, bytes) in ["files", "corpus", "cases/honest"].into_iter().flat_map(files) {
        assert_eq!(inspected(known, &name, &bytes).outcome, Outcome::Clean, "{name}");
        let (covered, _) = covered(&name, &bytes);
        assert_eq!(covered, bytes.len(), "{name}");
        accounted += covered;
        all += bytes.len();
        count += 1;
    }
    println!("{count} files: {accounted} of {all} bytes are accounted for");
    assert!(count > 80);
}

#[test]
fn what_is_appended_is_shown_on_its_own() {
    for (name, members, decoded) in [
        ("01-samsung-phone.jpg", 1, 0),
        ("02-pixel-aecDebug.jpg", 0, 1),
        ("04-motion-photo.jpg", 1, 0),
        ("05-sony-dslr-padding.jpg", 0, 1),
    ] {
        let (.., bytes) = files("cases/honest").into_iter().find(|(found, ..)| found == name).unwrap();
        let (_, shown) = covered(name, &bytes);
        assert_eq!((shown.members, shown.decoded), (members, decoded), "{name}");
    }
}

#[test]
fn types_that_can_be_allowed_by_name_are_read_to_their_end() {
    for (name, known) in [("heif-enc.heic", "image/heic"), ("ffmpeg.m4a", "audio/mp4")] {
        assert!(media_types::MORE.iter().any(|more| more.name == known));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/corpus/others").join(name);
        let bytes = fs::read(path).unwrap();
        let found = identify(Cursor::new(&bytes), &media_types::PLAIN_TEXT).unwrap();
        assert_eq!((found.media_type.as_ref(), found.flaw), (known, None), "{name}");
        assert_eq!(covered(name, &bytes).0, bytes.len(), "{name}");
    }
}

/// Where a byte is added to each file.
const PLACES: usize = 200;

#[test]
fn a_byte_that_is_added_anywhere_is_seen() {
    let (mut refused, mut accounted, mut shown_apart) = (0, 0, 0);
    for (name, known, bytes) in files("files") {
        let step = bytes.len().div_ceil(PLACES);
        for at in (0..=bytes.len()).step_by(step).chain([bytes.len()]) {
            let longer = [&bytes[..at], b"\x93", &bytes[at..]].concat();
            if inspected(known, &name, &longer).outcome != Outcome::Clean {
                refused += 1;
                continue;
            }
            let (covered, shown) = covered(&name, &longer);
            assert_eq!(covered, longer.len(), "{name} with a byte at {at}");
            accounted += 1;
            shown_apart += usize::from(shown.members + shown.decoded > 0);
        }
    }
    println!(
        "a byte more: {refused} refused, {accounted} wholly accounted for, {shown_apart} with a leftover"
    );
    assert!(refused > accounted && shown_apart > 0);
}
