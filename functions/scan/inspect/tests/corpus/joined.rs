//! Real files one behind another.

use super::{CORPUS, Case, DEFAULT, Expected, Outcome, Real, cut, run};

const REASONS: &[&str] = &[
    "follow",
    "it also opens as",
    "two files in one",
    "no JSON",
    "no XML",
    "found ",
    "data stands before",
    "where it says",
    "is due",
    "holds more than it says",
    "no known kind",
    "it is cut off",
    "larger than",
    "checksum",
    "UTF-8",
    "two",
    "contradicts itself",
];

/// Formats in which several files, one behind another, are a file again: text, gzip members (RFC
/// 1952), Ogg chains (RFC 3533), MP3 frames, and pictures behind a picture as cameras write them.
fn is_whole(first: &Real, second: &Real) -> Option<bool> {
    let both = |extension: &str| first.is(extension) && second.is(extension);
    let plain = |file: &Real| ["txt", "csv", "md"].iter().any(|extension| file.is(extension));
    // What stands behind text in UTF-8 is text as well if it is UTF-8; the rest depends on the bytes.
    if (plain(first) || first.is("gz"))
        && (plain(second) || second.is("gz") || second.is("json") || second.is("xml"))
    {
        return None;
    }
    // Behind an archive, a line or two are left over.
    let is_archive = first.bytes.starts_with(b"PK") || first.is("tar") || first.is("7z");
    if first.is("gz") || (is_archive && second.bytes.len() <= 64) {
        return None;
    }
    if both("mp3") {
        return None;
    }
    // A remark may stand behind a picture, a sound or a video.
    let is_text = |file: &Real| plain(file) || file.is("json") || file.is("xml");
    if (is_media(first) || first.is("flac")) && is_text(second) && second.bytes.len() <= 1024 {
        return None;
    }
    let is_motion_photo = (first.is("jpg") || first.is("avif")) && (second.is("mp4") || second.is("mov"));
    Some(both("jpg") || both("ogg") || is_motion_photo)
}

/// Whether a leftover behind it is judged by what it is.
fn is_media(file: &Real) -> bool {
    let kinds = ["image/", "audio/", "video/"];
    // Where a FLAC ends, only the next frame tells.
    kinds.iter().any(|kind| file.media_type.name.starts_with(kind)) && !file.is("flac")
}

/// The first and the last file of each type.
fn ends() -> Vec<&'static Real> {
    let of_type = |known| CORPUS.iter().filter(move |file| file.media_type == known);
    DEFAULT
        .iter()
        .flat_map(|known| of_type(known).next().into_iter().chain(of_type(known).next_back()))
        .collect()
}

#[test]
fn c09_two_real_files_in_one_are_refused() {
    let pairs = ends().into_iter().flat_map(|first| ends().into_iter().map(move |second| (first, second)));
    let cases = pairs
        .chain(CORPUS.iter().filter(|file| cut::has_an_end(file)).map(|file| (file, file)))
        .filter_map(|(first, second)| {
            let expected = match is_whole(first, second)? {
                true => Expected::Clean,
                false => Expected::Refused(Outcome::Mismatch, REASONS),
            };
            let what = format!("{}: {} + {}", first.media_type.extensions[0], first.name, second.name);
            let bytes = [first.bytes.as_slice(), &second.bytes].concat();
            Some(Case::new(what, first.media_type, bytes, expected))
        });
    run("joined", cases);
}

#[test]
fn c09_a_real_file_behind_another_is_not_what_stands_behind() {
    let pairs = ends().into_iter().flat_map(|first| ends().into_iter().map(move |second| (first, second)));
    let cases = pairs.filter(|(first, second)| first.media_type != second.media_type).filter_map(
        |(first, second)| {
            let is_text =
                |file: &Real| ["txt", "csv", "md", "json", "xml"].iter().any(|extension| file.is(extension));
            if is_text(first) && is_text(second) {
                return None;
            }
            let what = format!(
                "{}: {} + {} as the second",
                second.media_type.extensions[0], first.name, second.name
            );
            let bytes = [first.bytes.as_slice(), &second.bytes].concat();
            Some(Case::new(
                what,
                second.media_type,
                bytes,
                Expected::Refused(
                    Outcome::Mismatch,
                    &["found ", "UTF-8", "contradicts itself", "something stands"],
                ),
            ))
        },
    );
    run("joined the other way round", cases);
}

#[test]
fn c09_nothing_stands_in_front_or_behind() {
    let rest: [(&str, &[u8]); 5] = [
        ("a page", b"<html><body>hello</body></html>"),
        ("a line", b"\nA note.\n"),
        ("one byte", b"!"),
        ("an executable", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0"),
        ("noise", b"\x93\x01\xfe\x8e\x11\x7f\x02\x99\x88\x10\xa5\xfe\xff\x31\x09\x5a\xc4\x00\xd1"),
    ];
    let binary = || CORPUS.iter().filter(|file| cut::has_an_end(file));
    let cases = binary().flat_map(|file| {
        // Behind an archive, what is no more than a line is scanned and passes.
        let is_archive = file.bytes.starts_with(b"PK") || file.is("tar") || file.is("7z");
        rest.into_iter().filter(move |(_, bytes)| !is_archive || bytes.len() > 10).flat_map(
            move |(name, bytes)| {
                let is_harmless = is_media(file) && ["a line", "one byte", "noise"].contains(&name);
                let case = |what, bytes: [&[u8]; 2]| {
                    let what = format!("{}: {} {what} {}", file.media_type.extensions[0], name, file.name);
                    // A page inside a picture is matched by a rule as well, which weighs more.
                    let is_page = name == "a page" && what_matches(file);
                    let outcome = if is_page { Outcome::Malicious } else { Outcome::Mismatch };
                    Case::new(
                        what,
                        file.media_type,
                        bytes.concat(),
                        Expected::Refused(outcome, REASONS_AROUND),
                    )
                };
                let mut behind = case("behind", [&file.bytes, bytes]);
                if is_harmless {
                    behind.expected = Expected::Clean;
                }
                // In front, the page is what the file begins with, and so it is no picture to the rule.
                let mut before = case("before", [bytes, &file.bytes]);
                before.expected = Expected::Refused(Outcome::Mismatch, REASONS_AROUND);
                [before, behind]
            },
        )
    });
    run("with something in front or behind", cases);
}

const REASONS_AROUND: &[&str] = &[
    "it also opens as",
    "follow",
    "found ",
    "matched script_inside_media",
    "no JSON",
    "no XML",
    "is due",
    "UTF-8",
    "holds more than it says",
];

/// The types in which a rule looks for pages.
fn what_matches(file: &Real) -> bool {
    let kind = file.media_type.name.split('/').next();
    matches!(kind, Some("image" | "audio" | "video"))
        && (!file.is("mp3") || file.bytes.starts_with(b"ID3"))
        && (!file.is("mov") || &file.bytes[4..8] == b"ftyp")
}
