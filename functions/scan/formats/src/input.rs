//! The bytes of one file, read from front to back and now and then elsewhere. Seeking is free until
//! something is read, so that a walk of many small jumps costs no more than reading the file.

use crate::flaw::{CheckError, Flaw, malformed};
use std::io::{self, BufRead, Read, Seek, SeekFrom};

/// What is read ahead where reading goes on, and after a jump, in bytes.
const AHEAD: usize = 1 << 16;
const AFTER_JUMP: usize = 1 << 10;

/// A file and the place at which it is read.
pub(crate) struct Input<R> {
    inner: R,
    len: u64,
    /// Where the next read begins.
    at: u64,
    /// Holds `filled` bytes of the file, from `start` on.
    buffer: Box<[u8]>,
    start: u64,
    filled: usize,
}

impl<'b> Input<io::Cursor<&'b [u8]>> {
    /// Starts at the beginning of `bytes`.
    pub(crate) fn of_slice(bytes: &'b [u8]) -> Self {
        let buffer = vec![0; AHEAD.min(bytes.len())].into_boxed_slice();
        Self { inner: io::Cursor::new(bytes), len: bytes.len() as u64, at: 0, buffer, start: 0, filled: 0 }
    }
}

impl<R: Read + Seek> Input<R> {
    /// Starts at the beginning of `inner`.
    pub(crate) fn new(mut inner: R) -> io::Result<Self> {
        let len = inner.seek(SeekFrom::End(0))?;
        Ok(Self { inner, len, at: 0, buffer: vec![0; AHEAD].into_boxed_slice(), start: 0, filled: 0 })
    }

    /// The length of the file in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Where the next read begins.
    pub(crate) fn position(&self) -> u64 {
        self.at
    }

    /// How many bytes follow.
    pub(crate) fn left(&self) -> u64 {
        self.len.saturating_sub(self.at)
    }

    /// Goes to a place that must be within the file or right behind it.
    pub(crate) fn go_to(&mut self, place: u64) -> Result<(), CheckError> {
        if place > self.len {
            return Err(malformed("it is cut off"));
        }
        self.at = place;
        Ok(())
    }

    /// Moves `count` bytes on, which must be there.
    pub(crate) fn skip(&mut self, count: u64) -> Result<(), CheckError> {
        self.go_to(self.at.checked_add(count).ok_or_else(|| malformed("a length is absurd"))?)
    }

    /// Reads exactly `N` bytes.
    pub(crate) fn take_bytes<const N: usize>(&mut self) -> Result<[u8; N], CheckError> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Shows the next `count` bytes to `see`, piece by piece, and moves behind them.
    pub(crate) fn each(&mut self, mut count: u64, mut see: impl FnMut(&[u8])) -> Result<(), CheckError> {
        while count > 0 {
            let buffer = self.fill_buf()?;
            if buffer.is_empty() {
                return Err(malformed("it is cut off"));
            }
            let length = usize::try_from(count).map_or(buffer.len(), |count| count.min(buffer.len()));
            see(&buffer[..length]);
            self.consume(length);
            count -= length as u64;
        }
        Ok(())
    }

    /// Reads up to `count` bytes from `place` on, and goes back to where it was.
    pub(crate) fn peek_at(&mut self, place: u64, count: usize) -> io::Result<Vec<u8>> {
        let back = std::mem::replace(&mut self.at, place);
        // If they are not all in the buffer, it begins with them, so that going back reads nothing again.
        let end = self.start + self.filled as u64;
        let is_near = (self.start..=end).contains(&place);
        if is_near && count <= AHEAD && place + count as u64 > end && end < self.len {
            self.fill(AHEAD)?;
        }
        let mut bytes = Vec::new();
        let read = self.by_ref().take(count as u64).read_to_end(&mut bytes);
        self.at = back;
        read.map(|_| bytes)
    }

    /// Fills the buffer from here on, with up to `wanted` bytes.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        self.inner.seek(SeekFrom::Start(self.at))?;
        self.filled = 0;
        self.start = self.at;
        let wanted = wanted.min(self.buffer.len());
        self.filled = self.inner.read(&mut self.buffer[..wanted])?;
        Ok(())
    }

    /// Moves behind the zero bytes that stand here.
    pub(crate) fn skip_zeros(&mut self) -> Result<(), CheckError> {
        loop {
            let buffer = self.fill_buf()?;
            let zeros = buffer.iter().take_while(|byte| **byte == 0).count();
            let is_end = zeros < buffer.len() || buffer.is_empty();
            self.consume(zeros);
            if is_end {
                return Ok(());
            }
        }
    }

    /// The rest must be nothing, or only the zero bytes that some cameras and disks pad with.
    pub(crate) fn nothing_follows(&mut self) -> Result<(), CheckError> {
        let rest = self.left();
        self.skip_zeros()?;
        if self.left() == 0 { Ok(()) } else { Err(Flaw::Trailing(rest).into()) }
    }
}

impl<R: Read + Seek> BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.len {
            return Ok(&[]);
        }
        let end = self.start + self.filled as u64;
        if !(self.start..end).contains(&self.at) {
            self.fill(if self.at == end { AHEAD } else { AFTER_JUMP })?;
        }
        // Within the buffer now, so the difference is small.
        let from = usize::try_from(self.at - self.start).unwrap_or(self.filled);
        Ok(&self.buffer[from..self.filled])
    }

    fn consume(&mut self, count: usize) {
        self.at += count as u64;
    }
}

impl<R: Read + Seek> Read for Input<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let buffer = self.fill_buf()?;
        let count = buffer.len().min(into.len());
        into[..count].copy_from_slice(&buffer[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: Read + Seek> Seek for Input<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at =
            place.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a seek before the start"))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn reads_what_is_there_wherever_it_jumps() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
        let mut input = Input::new(Cursor::new(&bytes)).unwrap();
        for place in [0, 5, 70_000, 69_999, 199_999, 200_000, 4_096, 0, 131_072] {
            let expected = &bytes[place..bytes.len().min(place + 9_000)];
            assert_eq!(input.peek_at(place as u64, 9_000).unwrap(), expected, "{place}");
        }
        assert_eq!(input.position(), 0);
        input.go_to(199_999).unwrap();
        assert_eq!(input.take_bytes().unwrap(), [bytes[199_999]]);
        assert!(input.take_bytes::<1>().is_err());
        assert!(input.skip(1).is_err() && input.skip(u64::MAX).is_err() && input.go_to(200_001).is_err());
        let mut seen = 0;
        input.rewind().unwrap();
        input.each(200_000, |piece| seen += piece.len()).unwrap();
        assert_eq!(seen, 200_000);
        assert!(input.each(1, |_| ()).is_err());
        assert!(input.peek_at(u64::MAX, 9).unwrap().is_empty());
    }
}
