//! Text as UTF-8, whichever encoding it is in.

use super::encoding::{Encoding, PIECE, Text};
use crate::{
    flaw::{CheckError, malformed},
    input::Input,
};
use std::io::{self, BufRead, Read, Seek, SeekFrom};

/// Text as UTF-8, piece by piece, without its byte order mark and without zeros.
pub(crate) struct Utf8<'a, R> {
    input: &'a mut Input<R>,
    decoder: Decoder,
    /// Whether what is no character is an error; it is U+FFFD otherwise.
    is_strict: bool,
    raw: Vec<u8>,
    piece: String,
    used: usize,
    is_over: bool,
}

enum Decoder {
    Library(encoding_rs::Decoder),
    /// With the length of what is left over of the last piece, which is in `raw`.
    Utf32(fn([u8; 4]) -> u32),
}

impl<'a, R: Read + Seek> Utf8<'a, R> {
    /// The whole text.
    pub(crate) fn new(input: &'a mut Input<R>, text: Text) -> io::Result<Self> {
        input.seek(SeekFrom::Start(text.mark as u64))?;
        Ok(Self::here(input, text))
    }

    /// The same, and what is no character is an error.
    pub(crate) fn strict(input: &'a mut Input<R>, text: Text) -> io::Result<Self> {
        Ok(Self { is_strict: true, ..Self::new(input, text)? })
    }

    /// From where the input stands.
    pub(crate) fn here(input: &'a mut Input<R>, text: Text) -> Self {
        let library = |encoding: &'static encoding_rs::Encoding| {
            Decoder::Library(encoding.new_decoder_without_bom_handling())
        };
        let decoder = match text.encoding {
            Encoding::Utf8 => library(encoding_rs::UTF_8),
            Encoding::Utf16Le => library(encoding_rs::UTF_16LE),
            Encoding::Utf16Be => library(encoding_rs::UTF_16BE),
            Encoding::Utf32Le => Decoder::Utf32(u32::from_le_bytes),
            Encoding::Utf32Be => Decoder::Utf32(u32::from_be_bytes),
            Encoding::Other(other) => library(other),
        };
        let (raw, piece) = (Vec::new(), String::new());
        Self { input, decoder, is_strict: false, raw, piece, used: 0, is_over: false }
    }

    /// Decodes the next piece.
    fn next(&mut self) -> Result<(), CheckError> {
        let place = self.input.position();
        let read = self.input.by_ref().take(PIECE).read_to_end(&mut self.raw)?;
        self.is_over = read == 0;
        (self.used, self.piece) = (0, String::new());
        let had_errors = match &mut self.decoder {
            Decoder::Library(decoder) => {
                let most = decoder.max_utf8_buffer_length(self.raw.len());
                self.piece.reserve(most.ok_or_else(|| malformed("a length is absurd"))?);
                let (_, _, had_errors) = decoder.decode_to_string(&self.raw, &mut self.piece, self.is_over);
                self.raw.clear();
                had_errors
            }
            Decoder::Utf32(number) => {
                let (characters, rest) = self.raw.as_chunks::<4>();
                let mut had_errors = self.is_over && !rest.is_empty();
                self.piece.extend(characters.iter().map(|character| {
                    char::from_u32(number(*character)).unwrap_or_else(|| {
                        had_errors = true;
                        char::REPLACEMENT_CHARACTER
                    })
                }));
                self.raw.drain(..characters.len() * 4);
                had_errors
            }
        };
        if had_errors && self.is_strict {
            return Err(malformed(format!("it is no text: not all is Unicode soon after byte {place}")));
        }
        if !self.is_strict {
            self.piece.retain(|character| character != '\0');
        }
        Ok(())
    }
}

impl<R: Read + Seek> BufRead for Utf8<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.used == self.piece.len() && !self.is_over {
            self.next().map_err(|error| match error {
                CheckError::Io(error) => error,
                CheckError::Flaw(flaw) => io::Error::new(io::ErrorKind::InvalidData, flaw),
            })?;
        }
        Ok(self.piece.as_bytes().get(self.used..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.used += count;
    }
}

impl<R: Read + Seek> Read for Utf8<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let count = from.len().min(into.len());
        into[..count].copy_from_slice(&from[..count]);
        self.consume(count);
        Ok(count)
    }
}
