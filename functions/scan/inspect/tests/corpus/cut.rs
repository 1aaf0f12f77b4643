//! Every real file that has an end, cut off before it.

use super::{CORPUS, Case, Expected, Outcome, Real, run};

/// Plain text can stop anywhere, and programs cut a sound of MP3 anywhere. Where a gzip ends, only unpacking tells.
const WITHOUT_AN_END: [&str; 5] = ["txt", "csv", "md", "gz", "mp3"];

/// A sound that a recorder wrote to a pipe, without its length: it ends where the file does. And an
/// invoice, whose attachment is one to a rule only as long as it is whole.
const EXCEPTIONS: [&str; 2] = ["ffmpeg-pipe.wav", "pikepdf-invoice.pdf"];

/// Whether its own content says where a file ends.
pub(super) fn has_an_end(file: &Real) -> bool {
    !WITHOUT_AN_END.iter().any(|extension| file.is(extension)) && !EXCEPTIONS.contains(&file.name.as_str())
}

const REASONS: &[&str] = &[
    "cut off",
    "is larger than what is left",
    "holds no",
    "its media are missing",
    "no JSON",
    "no XML",
    "checksum",
    "too few frames",
    "it says",
    "PDF ends with",
    "is missing",
    "found ",
    "follow",
    "where it says",
    "where its table is",
];

/// Lengths to cut to, all over the file, and none that takes away only what may be missing.
fn lengths(file: &Real) -> Vec<usize> {
    let len = file.bytes.len();
    // What is blank at the end may be missing.
    let blank = |byte: &&u8| [0, b'\n', b'\r', b' '].contains(*byte);
    let whole = len - file.bytes.iter().rev().take_while(blank).count();
    let mut lengths: Vec<usize> = (1..16)
        .map(|part| len * part / 16 + 1)
        .chain([whole - 1, whole.saturating_sub(5), 100, 20, 4])
        .collect();
    lengths.extend(before_last_part(file));
    lengths.retain(|length| *length < whole && *length > 0);
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}

/// The length without the last part, in formats of parts that are whole by themselves.
fn before_last_part(file: &Real) -> Option<usize> {
    let last = |signature: &[u8]| file.bytes.windows(4).rposition(|four| four == signature);
    match file.media_type.extensions[0] {
        "ogg" => last(b"OggS"),
        "png" => last(b"IEND").map(|name| name - 4),
        _ => None,
    }
}

#[test]
fn c09_a_real_file_that_is_cut_off_is_refused() {
    let cases = CORPUS.iter().filter(|file| has_an_end(file)).flat_map(|file| {
        lengths(file).into_iter().map(move |length| {
            let what = format!(
                "{}: {} of {} cut to {length}",
                file.media_type.extensions[0],
                file.name,
                file.bytes.len()
            );
            let expected = Expected::Refused(Outcome::Mismatch, REASONS);
            Case::new(what, file.media_type, file.bytes[..length].to_vec(), expected)
        })
    });
    run("cut off", cases);
}
