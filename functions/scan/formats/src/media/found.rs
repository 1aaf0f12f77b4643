//! What the reader of a picture, a sound or a video finds on its way.

use crate::{
    limits::Limits,
    refusal::{Exceeded, Stop, Why},
    walk::Walk,
};
use flate2::bufread::ZlibDecoder;
use std::{
    io::{self, BufReader, Read},
    ops::Range,
};

/// As much of a text as rules see in a fact. All of it is shown as another form as well.
const LONGEST_TEXT: u64 = 1 << 16;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The media type; empty if nothing makes it certain.
    pub(crate) media_type: &'static str,
    /// The pixels of the largest picture that it announces.
    pixels: u64,
    /// How many pictures it shows one after another.
    frames: u64,
    packed: Vec<Packed>,
}

/// A text or another piece that is not there as it is.
#[derive(Debug)]
struct Packed {
    place: &'static str,
    /// Where it lies, in as many pieces as the format made of it.
    pieces: Vec<Range<u64>>,
    is_compressed: bool,
}

impl Found {
    /// Notes a picture of this size.
    pub(crate) fn picture(&mut self, width: u32, height: u32) {
        self.pixels = self.pixels.max(u64::from(width) * u64::from(height));
    }

    /// Notes a picture of an animation.
    pub(crate) fn frame(&mut self) {
        self.frames += 1;
    }

    /// Notes what is compressed with zlib.
    pub(crate) fn compressed(&mut self, place: &'static str, piece: Range<u64>) {
        self.packed.push(Packed { place, pieces: vec![piece], is_compressed: true });
    }

    /// Notes what is cut into pieces.
    pub(crate) fn cut(&mut self, place: &'static str, pieces: Vec<Range<u64>>) {
        self.packed.push(Packed { place, pieces, is_compressed: false });
    }

    /// Refuses what announces more than the limits allow: a viewer makes room for all of it.
    pub(crate) fn hold_to_limits(&self, limits: &Limits) -> Result<(), Why> {
        if self.pixels > limits.pixels {
            return Err(Why::Limit(Exceeded::Pixels { has: self.pixels, most: limits.pixels }));
        }
        if self.frames > limits.frames {
            return Err(Why::Limit(Exceeded::Frames { has: self.frames, most: limits.frames }));
        }
        Ok(())
    }

    /// Shows what was packed or cut into pieces, and states its text.
    pub(crate) fn show(&self, walk: &mut Walk<'_>, bytes: &[u8]) -> Result<(), Stop> {
        for Packed { place, pieces, is_compressed } in &self.packed {
            let whole = || Pieces { bytes, pieces: pieces.iter(), now: &[] };
            let unpacked = || -> Box<dyn Read + '_> {
                if *is_compressed {
                    Box::new(ZlibDecoder::new(BufReader::new(whole())))
                } else {
                    Box::new(whole())
                }
            };
            let mut text = Vec::new();
            // What cannot be unpacked is refused below.
            drop(unpacked().take(LONGEST_TEXT).read_to_end(&mut text));
            walk.fact("media.text", &[("place", place), ("text", &String::from_utf8_lossy(&text))])?;
            walk.unpacked(place, &mut *unpacked(), Why::broken)?;
        }
        Ok(())
    }
}

/// Pieces of a file, read one after another.
struct Pieces<'p> {
    bytes: &'p [u8],
    pieces: std::slice::Iter<'p, Range<u64>>,
    now: &'p [u8],
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.now.is_empty() {
            let Some(piece) = self.pieces.next() else { return Ok(0) };
            let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
            self.now = self.bytes.get(place(piece.start)..place(piece.end)).unwrap_or_default();
        }
        self.now.read(into)
    }
}
