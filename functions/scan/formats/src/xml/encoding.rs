//! The encoding of an XML document, and the document as UTF-8 (XML 1.0, section 4.3.3 and appendix F).

use crate::refusal::Why;
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::io::{self, BufRead, Read};

/// What is decoded at a time, in bytes.
const PIECE: usize = 1 << 16;
/// How far behind the start a declaration may end.
const DECLARATION_WITHIN: usize = 1024;
/// `<?xm` in the encodings of IBM's mainframes.
const EBCDIC: &[u8] = b"\x4c\x6f\xa7\x94";

/// Whether XML may begin like this, in any encoding: mark and white space, then markup.
pub(crate) fn may_start(bytes: &[u8]) -> bool {
    let (_, mark) = marked(bytes);
    let space = |byte: &&u8| matches!(byte, 0 | b'\t' | b'\n' | b'\r' | b' ');
    let mut rest = bytes.get(mark..).unwrap_or_default().iter().skip_while(space).filter(|byte| **byte != 0);
    let is_markup =
        |next: &u8| matches!(next, b'?' | b'!' | b'_' | b':' | 0x80..) || next.is_ascii_alphabetic();
    bytes.starts_with(EBCDIC) || (rest.next() == Some(&b'<') && rest.next().is_some_and(is_markup))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Units {
    Known(&'static Encoding),
    /// Four bytes each, the last of them first or not.
    Four {
        is_little: bool,
    },
}

/// What the mark in front says, and the mark's length.
fn marked(bytes: &[u8]) -> (Option<Units>, usize) {
    match bytes {
        [0, 0, 0xfe, 0xff, ..] => (Some(Units::Four { is_little: false }), 4),
        [0xff, 0xfe, 0, 0, ..] => (Some(Units::Four { is_little: true }), 4),
        [0xef, 0xbb, 0xbf, ..] => (Some(Units::Known(UTF_8)), 3),
        [0xff, 0xfe, ..] => (Some(Units::Known(UTF_16LE)), 2),
        [0xfe, 0xff, ..] => (Some(Units::Known(UTF_16BE)), 2),
        _ => (None, 0),
    }
}

/// How the document is written. A mark counts before the place of the first character's zeros, and that before the
/// declaration, as for the parsers of browsers and Office.
fn units(bytes: &[u8]) -> Result<(Units, usize), Why> {
    if let (Some(units), mark) = marked(bytes) {
        return Ok((units, mark));
    }
    let units = match bytes {
        [0, 0, 0, b'<', ..] => Units::Four { is_little: false },
        [b'<', 0, 0, 0, ..] => Units::Four { is_little: true },
        [0, b'<', 0, _, ..] => Units::Known(UTF_16BE),
        [b'<', 0, _, 0, ..] => Units::Known(UTF_16LE),
        _ if bytes.starts_with(EBCDIC) => {
            return Err(Why::Unsupported("an encoding of mainframes".to_owned()));
        }
        _ => Units::Known(declared(bytes)?),
    };
    Ok((units, 0))
}

/// The encoding that the declaration of a document in some extension of ASCII names.
fn declared(bytes: &[u8]) -> Result<&'static Encoding, Why> {
    let Some(label) = label(bytes) else { return Ok(UTF_8) };
    match Encoding::for_label_no_replacement(label) {
        // It would look otherwise. Programs that keep their text in UTF-16 forget to change what it says.
        Some(found) if found == UTF_16LE || found == UTF_16BE => Ok(UTF_8),
        Some(found) => Ok(found),
        None if is_of_dos(label) => Ok(WINDOWS_1252),
        None => {
            let label: String = String::from_utf8_lossy(label).chars().take(40).collect();
            Err(Why::Unsupported(format!("the encoding {label:?}")))
        }
    }
}

/// Code pages of DOS: not in the library, and ASCII in what XML itself is written in.
fn is_of_dos(label: &[u8]) -> bool {
    let label = label.to_ascii_lowercase();
    let number = [&b"cp"[..], b"ibm"].iter().find_map(|prefix| label.strip_prefix(*prefix));
    matches!(number, Some([b'4' | b'7' | b'8', tens, ones]) if tens.is_ascii_digit() && ones.is_ascii_digit())
        || label.starts_with(b"iso646-us")
        || label.starts_with(b"ucs-")
        || label == b"iso-10646-ucs-2"
}

fn label(bytes: &[u8]) -> Option<&[u8]> {
    let start = bytes.trim_ascii_start();
    let start = &start[..start.len().min(DECLARATION_WITHIN)];
    let declaration = start.strip_prefix(b"<?xml")?;
    let declaration = &declaration[..memchr::memmem::find(declaration, b"?>")?];
    let behind = memchr::memmem::find(declaration, b"encoding")? + b"encoding".len();
    let value = declaration.get(behind..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first()?;
    let end = memchr::memchr(*quote, value).filter(|_| matches!(quote, b'"' | b'\''))?;
    Some(value[..end].trim_ascii())
}

enum Form {
    Known(Decoder),
    Four { is_little: bool },
}

/// A document as UTF-8, piece by piece and without its mark.
pub(crate) struct Text<'b> {
    rest: &'b [u8],
    form: Form,
    piece: String,
    given: usize,
    is_over: bool,
    /// Whether the document is in UTF-8 already.
    pub(crate) is_plain: bool,
    /// Whether everything so far was characters of XML, in the encoding that the document has.
    pub(crate) is_text: bool,
}

impl<'b> Text<'b> {
    /// Starts at the beginning of `bytes`.
    ///
    /// # Errors
    ///
    /// If they are in an encoding that cannot be read here.
    pub(crate) fn new(bytes: &'b [u8]) -> Result<Self, Why> {
        let (units, mark) = units(bytes)?;
        let (form, is_plain) = match units {
            Units::Known(encoding) => {
                (Form::Known(encoding.new_decoder_without_bom_handling()), encoding == UTF_8)
            }
            Units::Four { is_little } => (Form::Four { is_little }, false),
        };
        let rest = bytes.get(mark..).unwrap_or_default();
        Ok(Self { rest, form, piece: String::new(), given: 0, is_over: false, is_plain, is_text: true })
    }

    fn next_piece(&mut self) {
        let length = self.rest.len().min(PIECE);
        let (now, later) = self.rest.split_at(length);
        self.piece.clear();
        self.given = 0;
        match &mut self.form {
            Form::Known(decoder) => {
                let room = decoder.max_utf8_buffer_length(now.len()).unwrap_or(PIECE * 3);
                self.piece.reserve(room);
                let (result, read, had_errors) =
                    decoder.decode_to_string(now, &mut self.piece, later.is_empty());
                self.is_text &= !had_errors;
                self.rest = self.rest.get(read..).unwrap_or_default();
                self.is_over = self.rest.is_empty() && result == CoderResult::InputEmpty;
            }
            Form::Four { is_little } => {
                let (units, cut) = now.as_chunks::<4>();
                let value = if *is_little { u32::from_le_bytes } else { u32::from_be_bytes };
                let read = units.iter().map(|unit| char::from_u32(value(*unit)));
                self.is_text &=
                    (cut.is_empty() || !later.is_empty()) && read.clone().all(|found| found.is_some());
                self.piece.extend(read.map(|found| found.unwrap_or(char::REPLACEMENT_CHARACTER)));
                self.rest = later;
                self.is_over = later.is_empty();
            }
        }
        let is_control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
        self.is_text &= !self.piece.as_bytes().iter().any(is_control);
    }
}

impl BufRead for Text<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.given == self.piece.len() && !self.is_over {
            self.next_piece();
        }
        Ok(self.piece.as_bytes().get(self.given..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.given += count;
    }
}

impl Read for Text<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<(String, bool), String> {
        let mut text = Text::new(bytes).map_err(|why| why.to_string())?;
        let mut read = String::new();
        text.read_to_string(&mut read).unwrap();
        Ok((read, text.is_text))
    }

    #[test]
    fn the_mark_the_zeros_and_the_declaration_say_the_encoding() {
        let text = "<?xml version='1.0'?><a>ü</a>";
        let wide = |big: bool| -> Vec<u8> {
            text.encode_utf16()
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect()
        };
        let four = |big: bool| -> Vec<u8> {
            let bytes = |found: char| {
                if big { u32::from(found).to_be_bytes() } else { u32::from(found).to_le_bytes() }
            };
            text.chars().flat_map(bytes).collect()
        };
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            wide(true),
            wide(false),
            [&b"\xff\xfe"[..], &wide(false)].concat(),
            [&b"\xfe\xff"[..], &wide(true)].concat(),
            four(true),
            four(false),
            [&b"\xff\xfe\0\0"[..], &four(false)].concat(),
            [&b"\0\0\xfe\xff"[..], &four(true)].concat(),
        ] {
            assert!(may_start(&bytes));
            assert_eq!(read(&bytes), Ok((text.to_owned(), true)), "{bytes:?}");
        }
        for (label, bytes, character) in [
            ("ISO-8859-1", &b"\xfc"[..], "ü"),
            (" windows-1251 ", b"\xe0", "а"),
            ("Shift_JIS", b"\x83\x41", "ア"),
            ("EUC-JP", b"\xa5\xa2", "ア"),
            ("GB2312", b"\xc4\xe3", "你"),
            ("big5", b"\xa7\x41", "你"),
            ("utf-16", b"\xc3\xbc", "ü"),
            ("IBM850", b"a", "a"),
        ] {
            let document =
                [format!("<?xml version='1.0' encoding = \"{label}\" ?><a>").as_bytes(), bytes].concat();
            let (text, is_text) = read(&document).unwrap();
            assert!(is_text && text.ends_with(&format!("<a>{character}")), "{text}");
        }
        for label in ["utf-7", "ISO-2022-KR", "x"] {
            let document = format!("<?xml version='1.0' encoding='{label}'?><a/>");
            assert!(read(document.as_bytes()).unwrap_err().contains("the encoding"), "{label}");
        }
        assert!(may_start(EBCDIC) && read(EBCDIC).is_err());
    }

    #[test]
    fn what_is_no_character_is_noticed() {
        for bytes in
            [&b"<a>\xff</a>"[..], b"<a>\0</a>", b"<a>\x1b</a>", b"\xff\xfe<\0a\0\0\xd8", b"<\0\0\0a\0\0\0\0"]
        {
            assert!(!read(bytes).unwrap().1, "{bytes:?}");
        }
        let long = ["<a>", &"ü".repeat(PIECE), "</a>"].concat();
        assert_eq!(read(long.as_bytes()), Ok((long.clone(), true)));
        for other in [&b""[..], b"<", b"text", b" <3", b"{\"a\": \"<a>\"}", b"\0\0\0"] {
            assert!(!may_start(other));
        }
    }
}
