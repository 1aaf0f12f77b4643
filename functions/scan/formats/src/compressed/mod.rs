//! One compressed file: gzip, bzip2, xz, Zstandard. Each may consist of several pieces, which
//! make one file. Anything else that follows is refused.

use crate::{
    Format, path,
    refusal::{Exceeded, NameFault, Stop, Why},
    walk::{Names, Walk},
};
use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;
use std::io::{self, Read};

/// How many pieces a file may have, and for how many of its bytes one more: setting up a decoder
/// takes time that an empty piece does not pay for. Honest pieces are of up to 64 KiB (BGZF) or
/// 900 kB (pbzip2) before compression; a bzip2 decoder has megabytes to clear.
fn allowed_pieces(format: Format, bytes: u64) -> u64 {
    match format {
        Format::Bzip2 | Format::Xz => 2_000 + bytes / (16 << 10),
        _ => 10_000 + bytes / 1024,
    }
}

pub(crate) fn walk(walk: &mut Walk<'_>, format: Format, name: &str, bytes: &[u8]) -> Result<(), Stop> {
    walk.is(format.media_type());
    let raw_name = name.as_bytes();
    if let Err(why) = walk.enter(raw_name, false) {
        return walk.refuse(raw_name, why);
    }
    let other = if format == Format::Gzip { gzip_name(bytes) } else { None };
    if let Some(Err(why)) = other.map(checked) {
        return walk.refuse(other.unwrap_or_default(), why);
    }
    let window = walk.budget().limits().window_bytes;
    let mut content = Pieces::new(format, bytes, window);
    walk.packed(Names { main: raw_name, other }, &mut content, u64::MAX, fault, |_| Ok(()))
}

/// The name in the header of a gzip file (RFC 1952, section 2.3), which programs give the content if
/// they are asked to, and some unasked.
fn gzip_name(bytes: &[u8]) -> Option<&[u8]> {
    const HAS_EXTRA: u8 = 4;
    const HAS_NAME: u8 = 8;
    let flags = *bytes.get(3)?;
    let mut rest = bytes.get(10..).filter(|_| flags & HAS_NAME != 0)?;
    if flags & HAS_EXTRA != 0 {
        let (length, behind) = rest.split_first_chunk()?;
        rest = behind.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    rest.split(|byte| *byte == 0).next()
}

/// A name without folders, as the header has to have it.
fn checked(name: &[u8]) -> Result<(), Why> {
    // Some writers set the flag and leave the name empty.
    if name.is_empty() {
        return Ok(());
    }
    path::check(name).map_err(Why::Name)?;
    let has_folder = name.iter().any(|byte| matches!(byte, b'/' | b'\\'));
    if has_folder { Err(Why::Name(NameFault::Folder)) } else { Ok(()) }
}

/// What was wrong inside a `Read`, carried through it.
pub(crate) fn fault(error: io::Error) -> Why {
    match error.downcast::<Fault>() {
        Ok(Fault(why)) => why,
        Err(error) => Why::broken(error),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Fault(Why);

impl From<Why> for io::Error {
    fn from(why: Why) -> Self {
        Self::other(Fault(why))
    }
}

/// A decoder of one piece.
enum Piece<'b> {
    Gzip(Box<GzDecoder<&'b [u8]>>),
    Bzip2(Box<BzDecoder<&'b [u8]>>),
    Xz(Box<XzReader<&'b [u8]>>),
    Zstd(Box<StreamingDecoder<&'b [u8], ruzstd::decoding::FrameDecoder>>),
}

/// All pieces, one after the other.
pub(crate) struct Pieces<'b> {
    format: Format,
    rest: &'b [u8],
    piece: Option<Piece<'b>>,
    count: u64,
    allowed: u64,
    window: u64,
}

impl<'b> Pieces<'b> {
    pub(crate) fn new(format: Format, bytes: &'b [u8], window: u64) -> Self {
        let allowed = allowed_pieces(format, bytes.len() as u64);
        Self { format, rest: bytes, piece: None, count: 0, allowed, window }
    }

    /// The decoder of the next piece, or none if there is none.
    fn next(&mut self) -> io::Result<Option<Piece<'b>>> {
        if self.format == Format::Zstd {
            self.skip_frames()?;
        }
        // Tapes are padded with zeros, and xz files may be, in fours (xz-file-format, 2.2).
        if self.count > 0 && self.rest.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        self.count_piece()?;
        let rest = self.rest;
        if self.count > 1 && Format::of_stream(rest) != Some(self.format) {
            return Err(Why::Hidden("something follows its end").into());
        }
        Ok(Some(match self.format {
            Format::Gzip => Piece::Gzip(Box::new(GzDecoder::new(rest))),
            Format::Bzip2 => Piece::Bzip2(Box::new(BzDecoder::new(rest))),
            Format::Xz => {
                let kib = u32::try_from(self.window / 1024).unwrap_or(u32::MAX - 1);
                Piece::Xz(Box::new(XzReader::new_mem_limit(rest, false, kib)))
            }
            _ => Piece::Zstd(Box::new(self.zstd(rest)?)),
        }))
    }

    fn count_piece(&mut self) -> io::Result<()> {
        self.count += 1;
        if self.count > self.allowed {
            Err(Why::Limit(Exceeded::Pieces(self.allowed)).into())
        } else {
            Ok(())
        }
    }

    /// Frames that hold nothing (RFC 8878, section 3.1.2).
    fn skip_frames(&mut self) -> io::Result<()> {
        while let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, rest @ ..] = self.rest {
            self.count_piece()?;
            let size = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
            self.rest = rest.get(size..).ok_or_else(|| io::Error::from(Why::broken("it is cut off")))?;
        }
        Ok(())
    }

    fn zstd(&self, rest: &'b [u8]) -> io::Result<StreamingDecoder<&'b [u8], ruzstd::decoding::FrameDecoder>> {
        use ruzstd::decoding::errors::FrameDecoderError;
        StreamingDecoder::new_with_max_window_size(rest, self.window).map_err(|error| match error {
            FrameDecoderError::WindowSizeTooBig { .. } => {
                Why::Limit(Exceeded::WindowBytes(self.window)).into()
            }
            FrameDecoderError::DictNotProvided { .. } => {
                Why::Unsupported("a Zstandard dictionary".to_owned()).into()
            }
            other => Why::broken(other).into(),
        })
    }

    fn finish(&mut self, piece: Piece<'b>) -> io::Result<()> {
        self.rest = match piece {
            Piece::Gzip(decoder) => decoder.into_inner(),
            Piece::Bzip2(decoder) => decoder.into_inner(),
            Piece::Xz(decoder) => decoder.into_inner(),
            Piece::Zstd(decoder) => {
                let (rest, decoder) = decoder.into_parts();
                let stated = decoder.get_checksum_from_data();
                if stated.is_some() && stated != decoder.get_calculated_checksum() {
                    return Err(Why::broken("its checksum is wrong").into());
                }
                rest
            }
        };
        Ok(())
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(mut piece) = self.piece.take().map_or_else(|| self.next(), |piece| Ok(Some(piece)))?
            else {
                return Ok(0);
            };
            let read = match &mut piece {
                Piece::Gzip(decoder) => decoder.read(buffer),
                Piece::Bzip2(decoder) => decoder.read(buffer),
                Piece::Xz(decoder) => decoder.read(buffer).map_err(|error| match error.kind() {
                    io::ErrorKind::OutOfMemory => Why::Limit(Exceeded::WindowBytes(self.window)).into(),
                    _ => error,
                }),
                Piece::Zstd(decoder) => decoder.read(buffer),
            }?;
            if read > 0 {
                self.piece = Some(piece);
                return Ok(read);
            }
            self.finish(piece)?;
        }
    }
}
