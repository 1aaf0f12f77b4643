//! What a file really is, found in its content alone; neither its name nor its first few bytes are
//! believed. The `file-format` crate names what it is on the outside; the modules below go on where
//! it stops: what a container holds, whether text is text, and whether a file ends where it says.
//!
//! The members of archives are identified one by one, by their caller.

mod archive;
mod image;
mod iso_media;
mod mpeg_audio;
mod office;
mod pdf;
mod problem;
mod riff;
mod text;
mod xml;

pub use problem::Flaw;

use airlock_content::media_types::{self, MediaType};
use file_format::FileFormat;
use problem::{Problem, flaw_of, flawless};
use std::{
    borrow::Cow,
    io::{self, BufReader, Read, Seek, SeekFrom},
};

/// How much of the beginning decides what a file is on the outside: what `file-format` wants for
/// its deepest signature, rounded up.
const HEAD: u64 = 64 * 1024;

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Content {
    /// The media type, under the name that [`media_types`] has for it if it has one.
    pub media_type: Cow<'static, str>,
    /// What is wrong with it as a file of that type.
    pub flaw: Option<Flaw>,
}

/// Finds out what `input` is.
///
/// Text can be several things at once: `{}` is plain text, Markdown, a CSV file of one cell and
/// JSON. So text is held against what it is `declared` to be, and is that type if nothing speaks
/// against it; everything else is what it is, whatever was declared.
///
/// # Errors
///
/// Only when reading fails; broken content is a [`Flaw`].
pub fn identify<R: Read + Seek>(input: R, declared: &MediaType) -> io::Result<Content> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    let len = input.seek(SeekFrom::End(0))?;
    input.rewind()?;
    let mut head = Vec::new();
    input.by_ref().take(HEAD).read_to_end(&mut head)?;
    input.rewind()?;

    let whole = head.len() as u64 == len;
    if let Some(beginning) = text::decode_beginning(&head, whole) {
        let kind = text::kind(&beginning);
        if kind != pdf::MEDIA_TYPE {
            return text::identify(&mut input, kind, &beginning, declared.name);
        }
    }
    let content = binary(&mut input, &head, len)?;
    if content.flaw.is_none()
        && media_types::lookup(&content.media_type).is_none()
        && text::is_text_type(declared.name)
    {
        // Nearer to what was declared than a guess at what this is: where it stops being text.
        return Ok(Content { flaw: text::flaw(&mut input)?, ..content });
    }
    Ok(content)
}

fn binary<R: Read + Seek>(input: &mut BufReader<R>, head: &[u8], len: u64) -> io::Result<Content> {
    // Only the head: the crate's own readers could walk a large file for very long.
    let format = FileFormat::from_bytes(head);
    let canonical = |name: &str| media_types::lookup(name).map(|known| known.name);
    let by_signature = canonical(format.media_type())
        .map_or_else(|| Cow::Owned(format.media_type().to_owned()), Cow::Borrowed);

    if archive::is_zip(head) {
        return office::identify(input);
    }
    if let Some(media_type) = iso_media::media_type(head) {
        return checked(input, media_type, |input| iso_media::check(input, len));
    }
    if head.starts_with(b"%PDF-") {
        return checked(input, pdf::MEDIA_TYPE, |input| pdf::check(input, len));
    }
    if mpeg_audio::may_start(head) {
        // Two bytes are a weak signature, so it is MP3 only if its frames are found.
        return match flaw_of(mpeg_audio::check(input, len))? {
            None => checked(input, "audio/mpeg", |_| Ok(())),
            Some(flaw) => {
                Ok(Content { media_type: Cow::Borrowed("application/octet-stream"), flaw: Some(flaw) })
            }
        };
    }
    match by_signature.as_ref() {
        "image/png" => checked(input, "image/png", image::check_png),
        "image/jpeg" => checked(input, "image/jpeg", image::check_jpeg),
        "image/gif" => checked(input, "image/gif", image::check_gif),
        "image/webp" => checked(input, "image/webp", |input| riff::check(input, len)),
        "audio/wav" => checked(input, "audio/wav", |input| riff::check(input, len)),
        "audio/ogg" => checked(input, "audio/ogg", |_| Ok(())),
        "audio/flac" => checked(input, "audio/flac", |_| Ok(())),
        "video/webm" => checked(input, "video/webm", |_| Ok(())),
        "application/gzip" => flawless(input, "application/gzip", archive::check_gzip),
        "application/x-tar" => flawless(input, "application/x-tar", archive::check_tar),
        "application/x-7z-compressed" => {
            flawless(input, "application/x-7z-compressed", |input| archive::check_7z(input, len))
        }
        // `file-format` also guesses at text and knows types that are ours to prove; here neither
        // can be believed.
        name if canonical(name).is_some() => {
            Ok(Content { media_type: Cow::Borrowed("application/octet-stream"), flaw: None })
        }
        _ => Ok(Content { media_type: by_signature, flaw: None }),
    }
}

/// A type that is no archive: `check` finds what is wrong with it, and on top of that it must not
/// open as a ZIP, because then it is two files in one.
fn checked<R: Read + Seek>(
    input: &mut BufReader<R>,
    media_type: &'static str,
    check: impl FnOnce(&mut BufReader<R>) -> Result<(), Problem>,
) -> io::Result<Content> {
    flawless(input, media_type, |input| {
        check(input)?;
        archive::refuse_zip_at_the_end(input)
    })
}
