//! How a text is encoded: by its byte order mark, by the places of its zeros, as UTF-8, and at last by how its letters
//! follow each other. What has too many control codes is no text in any encoding.

use super::{controls::Controls, utf8::Utf8};
use crate::{
    flaw::{CheckError, Flaw, malformed},
    input::Input,
};
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::ISO_2022_JP;
use std::io::{self, BufRead, Read, Seek, SeekFrom};

/// How a text is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    Utf32Le,
    Utf32Be,
    /// One of the encodings that were there before Unicode (<https://encoding.spec.whatwg.org>). All of them but one have
    /// the letters of ASCII where UTF-8 has them. The code pages of DOS are read as one of Windows: what they
    /// have in common is all that rules know.
    Other(&'static encoding_rs::Encoding),
}

/// What is known of a text before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    pub(crate) encoding: Encoding,
    /// The length of the byte order mark (RFC 3629, section 6; RFC 2781, section 3.2; Unicode, section 3.10).
    pub(crate) mark: usize,
    /// Whether nothing but text is like this: Unicode that says so, or that is valid, without odd control codes. Other
    /// text may be something else to which a signature belongs.
    pub(crate) is_sure: bool,
    /// Whether it has zeros, which are left out where it is decoded, as many programs skip them.
    pub(crate) has_zeros: bool,
}

/// Read at a time.
pub(crate) const PIECE: u64 = 1 << 16;
/// How much of a text its letters are looked at, from the first that is not of ASCII on.
const LETTERS: usize = 128 << 10;
/// By how many bytes UTF-16 and UTF-32 without a mark are recognised.
const HEAD: usize = 4096;

impl Text {
    /// Finds out whether the whole input is text, and how it is encoded.
    ///
    /// # Errors
    ///
    /// The flaw says where it stops being text.
    pub(crate) fn of<R: Read + Seek>(input: &mut Input<R>) -> Result<Self, CheckError> {
        let head = input.peek_at(0, HEAD)?;
        let is_whole = head.len() as u64 == input.len();
        let (encoding, mark) = by_mark(&head)
            .or_else(|| by_zeros(&head, is_whole).map(|wide| (wide, 0)))
            .unwrap_or((Encoding::Utf8, 0));
        match encoding {
            Encoding::Utf8 | Encoding::Other(_) => Self::of_bytes(input, mark),
            wide => Self::of_wide(input, wide, mark),
        }
    }

    /// Whether it reads the same in UTF-8 as it stands there.
    pub(crate) fn is_utf8(&self) -> bool {
        self.encoding == Encoding::Utf8 && self.mark == 0 && !self.has_zeros
    }

    /// Whether it is in one of the encodings of Unicode.
    pub(crate) fn is_unicode(&self) -> bool {
        !matches!(self.encoding, Encoding::Other(_))
    }

    /// UTF-16 and UTF-32 have no other reading, so all of it has to be valid.
    fn of_wide<R: Read + Seek>(
        input: &mut Input<R>,
        encoding: Encoding,
        mark: usize,
    ) -> Result<Self, CheckError> {
        let text = Self { encoding, mark, is_sure: mark > 0, has_zeros: false };
        let mut controls = Controls::default();
        let mut decoded = Utf8::strict(input, text)?;
        loop {
            let piece = decoded.fill_buf()?;
            if piece.is_empty() {
                break;
            }
            controls.see(piece);
            let length = piece.len();
            decoded.consume(length);
        }
        let odd = controls.odd();
        refuse_more_than(odd, 1 + controls.seen() / 50, &controls)?;
        Ok(Self { is_sure: mark > 0 && odd == 0, has_zeros: controls.zeros() > 0, ..text })
    }

    fn of_bytes<R: Read + Seek>(input: &mut Input<R>, mark: usize) -> Result<Self, CheckError> {
        input.seek(SeekFrom::Start(mark as u64))?;
        let allowed = 1 + input.left() / 50;
        let mut controls = Controls::default();
        let (mut raw, mut is_utf8, mut first) = (Vec::new(), true, None);
        loop {
            let from = input.position() - raw.len() as u64;
            let seen = raw.len();
            let read = input.by_ref().take(PIECE).read_to_end(&mut raw)?;
            if first.is_none() && !raw.is_ascii() {
                first = Some(from);
            }
            controls.see(&raw[seen..]);
            // The end may be padding, which is not odd, so what is odd is known only there. But a few are no end.
            // What begins with many is not read to its end.
            refuse_more_than(controls.odd(), allowed.min(64 + controls.seen() / 8), &controls)?;
            let valid = match std::str::from_utf8(&raw) {
                _ if !is_utf8 => raw.len(),
                Ok(_) => raw.len(),
                Err(error) if error.error_len().is_none() && read > 0 => error.valid_up_to(),
                Err(_) => {
                    is_utf8 = false;
                    raw.len()
                }
            };
            raw.drain(..valid);
            if read == 0 {
                break;
            }
        }
        let odd = controls.odd();
        let has_zeros = controls.zeros() > 0;
        if is_utf8 {
            let encoding = match controls.has_escapes() && first.is_none() {
                true => japanese_mail(input)?,
                false => Encoding::Utf8,
            };
            return Ok(Self { encoding, mark, is_sure: odd == 0, has_zeros });
        }
        // Every byte means something in these, so that all the weight is on control codes: of random bytes each tenth is
        // one.
        refuse_more_than(odd, controls.seen() / 100, &controls)?;
        let encoding = match mark {
            0 => by_letters(input, first.unwrap_or_default())?,
            _ => encoding_rs::UTF_8,
        };
        let text = Self { encoding: Encoding::Other(encoding), mark, is_sure: false, has_zeros };
        input.seek(SeekFrom::Start(first.unwrap_or_default()))?;
        refuse_signs(&mut Utf8::here(input, text))?;
        Ok(text)
    }
}

fn refuse_more_than(odd: u64, allowed: u64, controls: &Controls) -> Result<(), CheckError> {
    match controls.first() {
        Some(first) if odd > allowed => Err(malformed(format!(
            "it is no text: it has many control codes, the first soon after byte {first}"
        ))),
        _ => Ok(()),
    }
}

fn by_mark(head: &[u8]) -> Option<(Encoding, usize)> {
    match head {
        [0xff, 0xfe, 0, 0, ..] => Some((Encoding::Utf32Le, 4)),
        [0, 0, 0xfe, 0xff, ..] => Some((Encoding::Utf32Be, 4)),
        [0xef, 0xbb, 0xbf, ..] => Some((Encoding::Utf8, 3)),
        [0xff, 0xfe, ..] => Some((Encoding::Utf16Le, 2)),
        [0xfe, 0xff, ..] => Some((Encoding::Utf16Be, 2)),
        _ => None,
    }
}

/// UTF-16 and UTF-32 without a mark: at least two of five characters are of ASCII, and no other byte is zero. (Most
/// writers of JSON that omit the mark write nothing else: RFC 4627, section 3.)
fn by_zeros(head: &[u8], is_whole: bool) -> Option<Encoding> {
    let mut zeros = [0_usize; 4];
    for (at, _) in head.iter().enumerate().filter(|(_, byte)| **byte == 0) {
        zeros[at % 4] += 1;
    }
    let is_multiple = |of: usize| !is_whole || head.len().is_multiple_of(of);
    let [a, b, c, d] = zeros;
    let units = head.len().div_ceil(4);
    let is_much = |some: usize, of: usize| some > 0 && some * 5 >= of * 2;
    match (a, b, c, d) {
        (0, b, c, d) if d >= units.saturating_sub(1) && is_much(b.min(c), units) && is_multiple(4) => {
            Some(Encoding::Utf32Le)
        }
        (a, b, c, 0) if a >= units.saturating_sub(1) && is_much(b.min(c), units) && is_multiple(4) => {
            Some(Encoding::Utf32Be)
        }
        (0, b, 0, d) if is_much(b + d, head.len() / 2) && is_multiple(2) => Some(Encoding::Utf16Le),
        (a, 0, c, 0) if is_much(a + c, head.len() / 2) && is_multiple(2) => Some(Encoding::Utf16Be),
        _ => None,
    }
}

/// Japanese mail is ASCII with escapes (RFC 1468).
fn japanese_mail<R: Read + Seek>(input: &mut Input<R>) -> io::Result<Encoding> {
    let guess = guess(input, 0, Iso2022JpDetection::Allow)?;
    Ok(if guess == ISO_2022_JP { Encoding::Other(guess) } else { Encoding::Utf8 })
}

fn by_letters<R: Read + Seek>(
    input: &mut Input<R>,
    first: u64,
) -> io::Result<&'static encoding_rs::Encoding> {
    guess(input, first, Iso2022JpDetection::Deny)
}

fn guess<R: Read + Seek>(
    input: &mut Input<R>,
    from: u64,
    japanese_mail: Iso2022JpDetection,
) -> io::Result<&'static encoding_rs::Encoding> {
    let mut detector = EncodingDetector::new(japanese_mail);
    let mut left = LETTERS;
    input.seek(SeekFrom::Start(from))?;
    while left > 0 {
        let piece = input.fill_buf()?;
        let length = piece.len().min(left);
        if length == 0 {
            break;
        }
        detector.feed(&piece[..length], false);
        input.consume(length);
        left -= length;
    }
    detector.feed(&[], input.left() == 0);
    Ok(detector.guess(None, Utf8Detection::Deny))
}

/// Letters, digits and what ASCII has are at least half of any text.
fn refuse_signs<R: Read + Seek>(text: &mut Utf8<'_, R>) -> Result<(), CheckError> {
    let piece = String::from_utf8_lossy(text.fill_buf()?);
    let is_usual = |letter: &char| letter.is_ascii() || letter.is_alphanumeric();
    let (all, usual) = (piece.chars().count(), piece.chars().filter(is_usual).count());
    if usual * 2 >= all {
        Ok(())
    } else {
        Err(Flaw::Malformed("it is no text: it has hardly any letters in any encoding".to_owned()).into())
    }
}
