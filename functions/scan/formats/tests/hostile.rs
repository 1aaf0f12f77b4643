//! Content that no program made: identification neither panics nor fails on it, and its work grows
//! no faster than the file.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use airlock_content::media_types::{self, DEFAULT, MediaType};
use airlock_formats::identify::identify;
use proptest::prelude::*;
use rustix::time::{ClockId, clock_gettime};
use std::{
    fs,
    io::{Cursor, Read, Seek, SeekFrom},
    path::Path,
    sync::LazyLock,
    time::Duration,
};

/// Counts what is read, and refuses to be read outside of the file.
struct Counted<'a> {
    inner: Cursor<&'a [u8]>,
    read: u64,
    calls: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.calls += 1;
        let count = self.inner.read(into)?;
        self.read += count as u64;
        Ok(count)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let place = self.inner.seek(to)?;
        assert!(place <= self.inner.get_ref().len() as u64 + (1 << 32), "{place} is far outside");
        Ok(place)
    }
}

static CORPUS: LazyLock<Vec<(&'static MediaType, Vec<u8>)>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/corpus");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let of_type = |path: &Path| {
        let extension = path.extension()?.to_str()?.to_owned();
        DEFAULT.iter().find(|known| known.extensions.contains(&extension.as_str()))
    };
    let read =
        |path: &Path| Some((of_type(path)?, fs::read(path).ok().filter(|bytes| bytes.len() < 60_000)?));
    paths.iter().filter_map(|path| read(path)).collect()
});

fn media_type() -> impl Strategy<Value = &'static MediaType> {
    (0..DEFAULT.len()).prop_map(|index| &DEFAULT[index])
}

fn never_fails(bytes: &[u8], declared: &MediaType) {
    let mut input = Counted { inner: Cursor::new(bytes), read: 0, calls: 0 };
    let found = identify(&mut input, declared);
    assert!(found.is_ok(), "{found:?}");
    // Several looks at the beginning and the end, and some passes over all of it.
    let most = 40 * bytes.len() as u64 + (16 << 20);
    assert!(input.read <= most, "{} bytes read of {}", input.read, bytes.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_something(bytes in prop::collection::vec(any::<u8>(), 0..3000), declared in media_type()) {
        never_fails(&bytes, declared);
    }

    #[test]
    fn real_files_with_changes_are_something(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..12),
        declared in media_type(),
    ) {
        let (media_type, original) = &CORPUS[which.index(CORPUS.len())];
        let mut bytes = original.clone();
        for (at, value, kind) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = value,
                1 => bytes.truncate(at),
                2 => bytes.insert(at, value),
                // A piece again, as lengths and counts often stand in rows.
                _ => {
                    let piece = bytes[at..bytes.len().min(at + usize::from(value))].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        never_fails(&bytes, media_type);
        never_fails(&bytes, declared);
    }
}

/// As large as most uploads are at most; in a debug build, where all is slower, a hundredth of that.
const LARGE: usize = if cfg!(debug_assertions) { 1_000_000 } else { 100_000_000 };
/// How many times smaller the file is that a large one is measured against.
const SMALLER: usize = 4;
/// How many times longer the large file may take: work that grows with the square of the size takes `SMALLER`
/// squared.
const MOST_GROWTH: f64 = 2.0 * SMALLER as f64;

fn file(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/corpus").join(name)).unwrap()
}

/// A ZIP of as many empty members as fit, all with directory entries, in reverse order if asked.
fn many_members(size: usize, reverse: bool) -> Vec<u8> {
    let count = size / (30 + 46 + 2 * 8);
    let name = |number: usize| format!("{number:08x}").into_bytes();
    let (mut members, mut entries) = (Vec::new(), Vec::new());
    for number in 0..count {
        let place = u32::try_from(members.len()).unwrap().to_le_bytes();
        members.extend(
            [b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0", &[0; 12][..], b"\x08\0\0\0", &name(number)].concat(),
        );
        let fixed =
            [b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0", &[0; 12][..], b"\x08\0\0\0\0\0\0\0\0\0\0\0\0\0"]
                .concat();
        entries.push([fixed, place.to_vec(), name(number)].concat());
    }
    if reverse {
        entries.reverse();
    }
    let (directory, length) = (entries.concat(), members.len() as u64);
    let (count, size, end) = (
        (count as u64).to_le_bytes(),
        (directory.len() as u64).to_le_bytes(),
        length + directory.len() as u64,
    );
    let record = [
        b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0",
        &count[..],
        &count,
        &size,
        &length.to_le_bytes(),
    ]
    .concat();
    let locator = [b"PK\x06\x07\0\0\0\0", &end.to_le_bytes()[..], &[1, 0, 0, 0]].concat();
    let last = [b"PK\x05\x06\0\0\0\0", &[0xff; 12][..], &[0, 0]].concat();
    [members, directory, record, locator, last].concat()
}

/// Files of about `size` bytes that make work for one reader or another: declared type, what they are, and bytes.
fn laborious(size: usize) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let filled = |start: &[u8], piece: &[u8], end: &[u8]| {
        let count = (size - start.len() - end.len()) / piece.len();
        [start, &piece.repeat(count), end].concat()
    };
    let png = file("imagemagick.png");
    let empty_chunk = [b"\0\0\0\0prVt", &crc32fast::hash(b"prVt").to_be_bytes()[..]].concat();
    let flac = file("sox.flac");
    let jpeg = file("imagemagick.jpg");
    let webm = file("ffmpeg-live.webm");
    let gif = file("sharp.gif");
    let mp3_frame = [&[0xff, 0xf3, 0x10, 0xc4][..], &[0; 22]].concat();
    vec![
        ("image/png", "empty chunks", filled(&png[..33], &empty_chunk, &png[33..])),
        ("image/jpeg", "fill bytes", filled(&jpeg[..2], &[0xff], b"")),
        ("image/jpeg", "restart markers", filled(&jpeg[..2], b"\xff\xd0", b"")),
        ("image/jpeg", "empty segments", filled(&jpeg[..2], b"\xff\xfe\0\x02", &jpeg[2..])),
        ("image/jpeg", "pictures", filled(b"", &jpeg, b"")),
        ("image/gif", "blocks of one byte", filled(&[&gif[..13], b"\x21\xfe"].concat(), b"\x01a", b"\0;")),
        ("image/gif", "empty extensions", filled(&gif[..13], b"\x21\xfe\0", b";")),
        ("image/webp", "empty chunks", filled(b"RIFF\xff\xff\xff\x7fWEBP", b"note\0\0\0\0", b"")),
        ("audio/wav", "empty chunks", filled(b"RIFF\0\0\0\0WAVE", b"note\0\0\0\0", b"")),
        ("audio/wav", "comments", filled(b"RIFF/*\0\0WAVEfmt \0\0\0\0data\0\0\0\0", b"*/", b"")),
        ("video/mp4", "empty boxes", filled(b"\0\0\0\x10ftypisom\0\0\0\0", b"\0\0\0\x08free", b"")),
        ("video/webm", "void elements", filled(&webm[..webm.len()], b"\xec\x80", b"")),
        (
            "audio/ogg",
            "empty pages",
            filled(b"", b"OggS\0\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", b""),
        ),
        ("audio/ogg", "one page again", filled(b"", &file("oggenc.ogg")[..58], b"")),
        ("audio/flac", "blocks of metadata", filled(&flac[..42], b"\x02\0\0\0", &flac[42..])),
        ("audio/flac", "zeros and syncs", filled(&flac, b"\0\0\xff\xf8", b"")),
        ("audio/flac", "one frame", filled(&flac[..flac.len() - 9], b"\xff\xf8\xc9\x18", b"")),
        ("audio/mpeg", "short frames", filled(b"", &mp3_frame, b"")),
        ("audio/mpeg", "tags", filled(b"", b"ID3\x03\0\0\0\0\0\x01\0", b"")),
        ("audio/mpeg", "lyrics", filled(&file("sox.mp3"), b"LYRICSBEGINLYRICS200", b"")),
        ("audio/mpeg", "lyrics without an end", filled(&file("sox.mp3"), b"LYRICSBEGIN", b"")),
        ("application/pdf", "end markers", filled(b"%PDF-1.4\n", b"%%EOF\n", b"startxref\n0\n%%EOF")),
        (
            "application/pdf",
            "end markers and blanks",
            filled(b"%PDF-1.4\n", &[b"%%EOF", &[b' '; 99][..]].concat(), b""),
        ),
        ("application/x-tar", "empty members", filled(b"", &file("gnu-v7.tar")[..512], &[0; 1024])),
        ("application/gzip", "a long name", filled(b"\x1f\x8b\x08\x08\0\0\0\0\0\x03", b"a", b"\0")),
        ("application/zip", "many members", many_members(size, false)),
        ("application/zip", "many members in reverse order", many_members(size, true)),
        ("application/zip", "end records", filled(b"PK\x03\x04", b"PK\x05\x06", b"")),
        (
            "image/gif",
            "end records behind",
            filled(&gif, b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", b""),
        ),
        ("application/xml", "deep elements", filled(b"<a>", b"<a>", b"")),
        ("application/xml", "empty elements", filled(b"<a>", b"<a/>", b"</a>")),
        ("application/xml", "attributes", filled(b"<a>\n<b ", b"c='' ", b"/></a>")),
        ("application/json", "deep arrays", filled(b"", b"[", b"")),
        ("application/json", "numbers", filled(b"[1", b",1", b"]")),
        ("text/csv", "a long line", filled(b"a", b",\xc3\xa4", b"")),
        ("text/markdown", "comments", filled(b"", b"<!---->", b"")),
        ("application/msword", "a compound file", filled(&file("others/libreoffice.doc"), &[0xfe; 64], b"")),
    ]
}

/// The time of this thread that identification takes at best, and how often it reads the file.
fn work(bytes: &[u8], declared: &MediaType) -> (Duration, u64) {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let measured = |_| {
        let mut input = Counted { inner: Cursor::new(bytes), read: 0, calls: 0 };
        let begun = now();
        identify(&mut input, declared).unwrap();
        (now() - begun, input.read / bytes.len() as u64)
    };
    (0..2).map(measured).min().unwrap()
}

#[test]
fn t10_the_work_grows_no_faster_than_the_file() {
    let mut wrong = Vec::new();
    for ((declared, what, small), (_, _, large)) in laborious(LARGE / SMALLER).iter().zip(laborious(LARGE)) {
        let declared = media_types::lookup(declared).unwrap_or(&DEFAULT[0]);
        let ((before, _), (after, times)) = (work(small, declared), work(&large, declared));
        let growth = after.as_secs_f64() / before.as_secs_f64();
        println!(
            "{after:7.1?}, {growth:4.1} times {before:.1?}, read {times} times: {}, {what}",
            declared.name
        );
        if growth > MOST_GROWTH || times > 24 {
            wrong.push(format!("{what}: {after:?} after {before:?}, read {times} times"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
