//! What a file really is, by its content alone. Neither its name nor its first few bytes are enough. The `file-format`
//! crate reads the signature; the modules below read the rest: what a container holds, whether text is text to its
//! end, and whether a file ends where it says.
//!
//! The members of archives are identified one by one, by their caller.

pub use crate::flaw::Flaw;
use crate::{
    Format, Media,
    flaw::CheckError,
    input::Input,
    media, ole, pdf, program,
    text::{self, Text},
};
use airlock_content::media_types::{self, MediaType};
use file_format::FileFormat;
use std::{
    borrow::Cow,
    io::{self, Read, Seek},
};

/// How many bytes of the beginning are read to recognise a signature: as many as the deepest signature of
/// `file-format` needs, rounded up.
pub(crate) const HEAD: usize = 64 * 1024;

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
/// JSON. So text has the type that it is `declared` to be unless its content contradicts that. For everything else the
/// declaration does not matter.
///
/// # Errors
///
/// Only when reading fails; broken content is a [`Flaw`].
pub fn identify<R: Read + Seek>(input: R, declared: &MediaType) -> io::Result<Content> {
    let mut input = Input::new(input)?;
    let head = input.peek_at(0, HEAD)?;
    // A signature of eight bytes decides without a look at the rest.
    if ole::may_start(&head) {
        return ole::identify(&mut input);
    }
    let text = match Text::of(&mut input) {
        Err(CheckError::Io(error)) => return Err(error),
        Err(CheckError::Flaw(flaw)) => Err(flaw),
        Ok(text) => Ok(text),
    };
    match text {
        Ok(text) if text.is_sure && text::kind(&text::beginning(&mut input, text)?) != pdf::MEDIA_TYPE => {
            text::identify(&mut input, text, declared.name)
        }
        Ok(text) if !text.is_sure && has_no_signature(&mut input, &head)? => {
            text::identify(&mut input, text, declared.name)
        }
        Ok(_) => binary(&mut input, &head),
        Err(flaw) => {
            let content = binary(&mut input, &head)?;
            let is_unknown = content.flaw.is_none() && media_types::lookup(&content.media_type).is_none();
            // The declaration was text, so say where it stops being text instead of guessing what it is.
            let flaw = (is_unknown && text::is_text_type(declared.name)).then_some(flaw).or(content.flaw);
            Ok(Content { flaw, ..content })
        }
    }
}

/// Whether what reads as text is nothing else by its signature.
fn has_no_signature<R: Read + Seek>(input: &mut Input<R>, head: &[u8]) -> io::Result<bool> {
    let found = binary(input, head)?.media_type;
    Ok(found == OCTETS || found.starts_with("text/"))
}

fn binary<R: Read + Seek>(input: &mut Input<R>, head: &[u8]) -> io::Result<Content> {
    // The walk says more; it has read the archive.
    if let Some(format) = Format::at_the_start(head) {
        return Ok(Content { media_type: Cow::Borrowed(format.media_type()), flaw: None });
    }
    if head.starts_with(b"%PDF-") {
        // Its reader says what is wrong with it.
        return Ok(Content { media_type: Cow::Borrowed(pdf::MEDIA_TYPE), flaw: None });
    }
    if let Some(media) = Media::of(input, head)? {
        return media::identify(input, media);
    }
    if let Some(media_type) = program::media_type(input, head)? {
        return Ok(Content { media_type: Cow::Borrowed(media_type), flaw: None });
    }
    // Only the head: the crate's own readers could walk a large file for very long.
    let format = FileFormat::from_bytes(head);
    match format.media_type() {
        // A signature of two bytes; `program` has checked the rest.
        "application/x-dosexec" => Ok(Content { media_type: OCTETS, flaw: None }),
        found => Ok(match media_types::lookup(found) {
            // `file-format` also guesses at text, and names types that the modules here have to verify. Neither is
            // trusted.
            Some(_) => Content { media_type: OCTETS, flaw: None },
            None => Content { media_type: Cow::Owned(found.to_owned()), flaw: None },
        }),
    }
}

pub(crate) const OCTETS: Cow<'static, str> = Cow::Borrowed("application/octet-stream");
