//! What streams are packed with (ISO 32000-2, section 7.4), decoded piece by piece, so that the one who reads decides how
//! much is enough. Like viewers, a decoder that meets an error ends there and keeps what it has.

use flate2::read::DeflateDecoder;
use std::io::{self, BufRead, BufReader, Read};
use weezl::{BitOrder, LzwStatus, decode};

/// How many filters a stream may go through.
pub(super) const MOST_FILTERS: usize = 8;

/// The longest row of a picture or a table that a predictor works on, in bytes.
const LONGEST_ROW: usize = 1 << 24;

/// One filter with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Flate(Predictor),
    Lzw(Predictor, bool),
    Ascii85,
    AsciiHex,
    RunLength,
    /// A picture, which stays as it is.
    Picture,
    /// Named, and known to nobody.
    Unknown(String),
}

/// What was done to each row before it was packed (section 7.4.4.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Predictor {
    pub(super) kind: i64,
    pub(super) colors: i64,
    pub(super) bits: i64,
    pub(super) columns: i64,
}

/// `packed`, unpacked by `filters` in their order, up to a picture.
pub(super) fn unpacked<'a>(packed: &'a [u8], filters: &[Filter]) -> Box<dyn Read + 'a> {
    let mut reader: Box<dyn Read + 'a> = Box::new(packed);
    for (at, filter) in filters.iter().enumerate() {
        reader = match filter {
            Filter::Flate(predictor) => {
                // The two bytes in front and the sum behind are not looked at, which is how broken streams are read.
                let skipped = if at == 0 && !has_zlib_header(packed) { 0 } else { 2 };
                predictor.undo(Box::new(Lenient(DeflateDecoder::new(Skip(BufReader::new(reader), skipped)))))
            }
            Filter::Lzw(predictor, early) => predictor.undo(Box::new(Lzw::new(reader, *early))),
            Filter::Ascii85 => Box::new(Stage::new(reader, ascii_85)),
            Filter::AsciiHex => Box::new(Stage::new(reader, ascii_hex)),
            Filter::RunLength => Box::new(Stage::new(reader, run_length)),
            Filter::Picture | Filter::Unknown(_) => return reader,
        };
    }
    reader
}

fn has_zlib_header(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & 0x0f == 8 && first >> 4 <= 7)
}

/// Drops the first bytes.
struct Skip<R>(R, usize);

impl<R: Read> Read for Skip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.1 > 0 {
            if self.0.read(&mut [0])? == 0 {
                return Ok(0);
            }
            self.1 -= 1;
        }
        self.0.read(into)
    }
}

/// Ends at an error.
struct Lenient<R>(R);

impl<R: Read> Read for Lenient<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(self.0.read(into).unwrap_or(0))
    }
}

struct Lzw<'a> {
    inner: BufReader<Box<dyn Read + 'a>>,
    decoder: decode::Decoder,
    is_over: bool,
}

impl<'a> Lzw<'a> {
    fn new(inner: Box<dyn Read + 'a>, early: bool) -> Self {
        let decoder = if early {
            decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8)
        } else {
            decode::Decoder::new(BitOrder::Msb, 8)
        };
        Self { inner: BufReader::new(inner), decoder, is_over: false }
    }
}

impl Read for Lzw<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.is_over {
            let packed = self.inner.fill_buf()?;
            let is_end = packed.is_empty();
            let result = self.decoder.decode_bytes(packed, into);
            self.inner.consume(result.consumed_in);
            let is_stuck = result.consumed_in == 0 && result.consumed_out == 0;
            self.is_over = !matches!(result.status, Ok(LzwStatus::Ok)) || is_end || is_stuck;
            if result.consumed_out > 0 {
                return Ok(result.consumed_out);
            }
        }
        Ok(0)
    }
}

/// Takes some bytes and puts what they mean behind `out`. `None` is the end.
type Step = fn(&mut dyn FnMut() -> Option<u8>, &mut Vec<u8>) -> Option<()>;

/// A filter that works in steps of a few bytes.
struct Stage<'a> {
    inner: BufReader<Box<dyn Read + 'a>>,
    step: Step,
    out: Vec<u8>,
    given: usize,
    is_over: bool,
}

impl<'a> Stage<'a> {
    fn new(inner: Box<dyn Read + 'a>, step: Step) -> Self {
        Self { inner: BufReader::new(inner), step, out: Vec::new(), given: 0, is_over: false }
    }
}

impl Read for Stage<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.out.len() {
            self.given = 0;
            self.out.clear();
            let inner = &mut self.inner;
            let mut next = || {
                let byte = inner.fill_buf().ok()?.first().copied()?;
                inner.consume(1);
                Some(byte)
            };
            while !self.is_over && self.out.len() < 4096 {
                self.is_over = (self.step)(&mut next, &mut self.out).is_none();
            }
        }
        let count = self.out.get(self.given..).unwrap_or_default().read(into)?;
        self.given += count;
        Ok(count)
    }
}

/// Five letters are four bytes, and `z` is four zeros (section 7.4.3).
fn ascii_85(next: &mut dyn FnMut() -> Option<u8>, out: &mut Vec<u8>) -> Option<()> {
    let mut digits = [84_u32; 5];
    let mut count = 0;
    let is_last = loop {
        match next() {
            Some(byte @ b'!'..=b'u') => {
                digits[count] = u32::from(byte - b'!');
                count += 1;
                if count == 5 {
                    break false;
                }
            }
            Some(b'z') if count == 0 => {
                out.extend([0; 4]);
                return Some(());
            }
            None | Some(b'~') => break true,
            Some(_) => {}
        }
    };
    let value = digits.iter().fold(0_u32, |sum, digit| sum.wrapping_mul(85).wrapping_add(*digit));
    out.extend(&value.to_be_bytes()[..count.saturating_sub(1)]);
    (!is_last).then_some(())
}

fn ascii_hex(next: &mut dyn FnMut() -> Option<u8>, out: &mut Vec<u8>) -> Option<()> {
    let mut digit = || loop {
        match next()? {
            b'>' => return None,
            byte => {
                if let Some(value) = char::from(byte).to_digit(16) {
                    return Some(value);
                }
            }
        }
    };
    let (high, low) = (digit()?, digit());
    out.extend(u8::try_from(high << 4 | low.unwrap_or(0)).ok());
    low.map(drop)
}

fn run_length(next: &mut dyn FnMut() -> Option<u8>, out: &mut Vec<u8>) -> Option<()> {
    match next()? {
        128 => None,
        count @ 0..128 => (0..=count).try_for_each(|_| {
            out.push(next()?);
            Some(())
        }),
        count => {
            let byte = next()?;
            out.resize(out.len() + 257 - usize::from(count), byte);
            Some(())
        }
    }
}

impl Predictor {
    fn undo<'a>(self, inner: Box<dyn Read + 'a>) -> Box<dyn Read + 'a> {
        let number = |value: i64, most: usize| usize::try_from(value).unwrap_or(0).clamp(1, most);
        let (colors, bits) = (number(self.colors, 64), number(self.bits, 32));
        let row = (number(self.columns, LONGEST_ROW) * colors * bits).div_ceil(8).min(LONGEST_ROW);
        let pixel = (colors * bits).div_ceil(8);
        match self.kind {
            10.. => Box::new(Rows { inner, row: vec![0; row], given: row, pixel, is_png: true }),
            // Of other depths only pictures are.
            2 if bits == 8 => Box::new(Rows { inner, row: vec![0; row], given: row, pixel, is_png: false }),
            _ => inner,
        }
    }
}

/// Rows of bytes that say how they differ from what is before and above them (PNG, section 9).
struct Rows<'a> {
    inner: Box<dyn Read + 'a>,
    row: Vec<u8>,
    given: usize,
    pixel: usize,
    is_png: bool,
}

impl Rows<'_> {
    fn fill(&mut self) -> io::Result<()> {
        let mut kind = [1];
        if self.is_png && self.inner.read(&mut kind)? == 0 {
            self.row.clear();
            return Ok(());
        }
        let mut packed = Vec::with_capacity(self.row.len());
        (&mut self.inner).take(self.row.len() as u64).read_to_end(&mut packed)?;
        let above = std::mem::take(&mut self.row);
        for (at, byte) in packed.iter().enumerate() {
            let left = at.checked_sub(self.pixel);
            let a = left.map_or(0, |left| self.row[left]);
            let of_above = |at: usize| above.get(at).copied().unwrap_or(0);
            let (b, c) = (of_above(at), left.map_or(0, of_above));
            let predicted = match kind[0] {
                1 => a,
                2 => b,
                3 => u16::midpoint(a.into(), b.into()).to_le_bytes()[0],
                4 => paeth(a, b, c),
                _ => 0,
            };
            self.row.push(byte.wrapping_add(predicted));
        }
        self.given = 0;
        Ok(())
    }
}

fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let estimate = i16::from(a) + i16::from(b) - i16::from(c);
    [a, b, c].into_iter().min_by_key(|near| (estimate - i16::from(*near)).abs()).unwrap_or(a)
}

impl Read for Rows<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given >= self.row.len() {
            // A row that was cut short is the last.
            self.fill()?;
        }
        let count = self.row.get(self.given..).unwrap_or_default().read(into)?;
        self.given += count;
        Ok(count)
    }
}
