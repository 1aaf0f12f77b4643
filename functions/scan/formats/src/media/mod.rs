//! Pictures, sounds and videos: which reader a file belongs to, and what its reader finds. A reader goes from the first
//! byte to the last one that the format accounts for; what follows is a matter of [`trailer`].

mod flac;
mod found;
mod gif;
mod iso_media;
mod jpeg;
mod matroska;
mod mpeg_audio;
mod ogg;
mod png;
mod riff;
mod trailer;

pub(crate) use found::Found;

use crate::{
    flaw::{CheckError, Flaw, malformed},
    identify::{Content, OCTETS},
    input::Input,
    refusal::Stop,
    second,
    walk::Walk,
};
use std::{
    borrow::Cow,
    fmt,
    io::{self, Read, Seek},
};

/// A format of pictures, sounds or videos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// PNG (<https://www.w3.org/TR/png-3/>).
    Png,
    /// JPEG (ITU-T T.81).
    Jpeg,
    /// GIF (<https://www.w3.org/Graphics/GIF/spec-gif89a.txt>).
    Gif,
    /// RIFF: WebP and WAV.
    Riff,
    /// The ISO base media family: MP4, QuickTime, AVIF and others (ISO/IEC 14496-12).
    Iso,
    /// Matroska and WebM (RFC 9559).
    Matroska,
    /// Ogg (RFC 3533).
    Ogg,
    /// FLAC (RFC 9639).
    Flac,
    /// MP3 (ISO/IEC 11172-3).
    Mp3,
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Gif => "GIF",
            Self::Riff => "RIFF",
            Self::Iso => "ISO base media",
            Self::Matroska => "Matroska",
            Self::Ogg => "Ogg",
            Self::Flac => "FLAC",
            Self::Mp3 => "MP3",
        })
    }
}

impl Media {
    /// The format of a file that begins with `head`, by its signature.
    pub(crate) fn of<R: Read + Seek>(input: &mut Input<R>, head: &[u8]) -> io::Result<Option<Self>> {
        Ok(Some(match head {
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Self::Png,
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            [b'R', b'I', b'F' | b'6', b'F' | b'4', _, _, _, _, kind @ ..] if riff::is_known(kind) => {
                Self::Riff
            }
            [0x1a, 0x45, 0xdf, 0xa3, ..] => Self::Matroska,
            [b'O', b'g', b'g', b'S', ..] => Self::Ogg,
            [b'f', b'L', b'a', b'C', ..] => Self::Flac,
            _ if iso_media::media_type(head).is_some() => Self::Iso,
            _ => return mpeg_audio::behind_tags(input, head),
        }))
    }

    /// Reads a file to the end of what the format accounts for.
    pub(crate) fn check<R: Read + Seek>(
        self,
        input: &mut Input<R>,
        found: &mut Found,
    ) -> Result<(), CheckError> {
        input.go_to(0)?;
        match self {
            Self::Png => png::check(input, found),
            Self::Jpeg => jpeg::check(input, found),
            Self::Gif => gif::check(input, found),
            Self::Riff => riff::check(input, found),
            Self::Iso => iso_media::check(input, found),
            Self::Matroska => matroska::check(input, found),
            Self::Ogg => ogg::check(input, found),
            Self::Flac => flac::check(input, found),
            Self::Mp3 => mpeg_audio::check(input, found),
        }
    }
}

/// Identifies a file whose leftover nobody looks at, so it must have none but padding.
pub(crate) fn identify<R: Read + Seek>(input: &mut Input<R>, media: Media) -> io::Result<Content> {
    let mut found = Found::default();
    let checked = media.check(input, &mut found).and_then(|()| input.nothing_follows());
    content(input, &found, checked)
}

/// Reads the part `bytes`, shows what is packed or hidden in it, and says what it is.
pub(crate) fn walk(walk: &mut Walk<'_>, media: Media, bytes: &[u8]) -> Result<(), Stop> {
    let mut input = Input::of_slice(bytes);
    let mut found = Found::default();
    let checked = media.check(&mut input, &mut found);
    found.hold_to_limits(walk.budget().limits())?;
    found.show(walk, bytes)?;
    let checked = match checked {
        Ok(()) => {
            let end = usize::try_from(input.position()).unwrap_or(bytes.len());
            walk.covers(0, end);
            trailer::walk(walk, media, bytes, end)?
        }
        broken => broken,
    };
    walk.content = content(&mut input, &found, checked).ok();
    Ok(())
}

/// What the file is, which must not open as another type as well.
fn content<R: Read + Seek>(
    input: &mut Input<R>,
    found: &Found,
    checked: Result<(), CheckError>,
) -> io::Result<Content> {
    let flaw = crate::flaw::flaw_of(second::weigh(checked, second::refuse_with_pdf(input)))?;
    let media_type = if found.media_type.is_empty() { OCTETS } else { Cow::Borrowed(found.media_type) };
    Ok(Content { media_type, flaw })
}

/// The length of the one file of this format that `bytes` begin with, and its media type.
fn length(media: Media, bytes: &[u8]) -> Result<(usize, &'static str), Flaw> {
    let mut input = Input::of_slice(bytes);
    let mut found = Found::default();
    match media.check(&mut input, &mut found) {
        Ok(()) => Ok((usize::try_from(input.position()).unwrap_or(bytes.len()), found.media_type)),
        Err(CheckError::Flaw(flaw)) => Err(flaw),
        Err(CheckError::Io(error)) => Err(Flaw::Malformed(error.to_string())),
    }
}
