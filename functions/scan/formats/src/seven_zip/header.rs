//! How large a 7z header is, unpacked, before anything of it is read: its library makes room for as
//! many members as the header has bytes, and a compressed header can be of any size (7zFormat.txt).

use crate::refusal::{Exceeded, Why};

/// Some 130 bytes for each of the 10,000 members that an archive may have anyway. The library takes
/// about as many for each byte.
const LONGEST: u64 = 1 << 20;

const START: usize = 32;
const ENCODED_HEADER: u8 = 0x17;
const PACK_INFO: u8 = 0x06;
const UNPACK_INFO: u8 = 0x07;
const SIZE: u8 = 0x09;
const CRC: u8 = 0x0a;
const FOLDER: u8 = 0x0b;
const UNPACK_SIZE: u8 = 0x0c;
const END: u8 = 0;

/// 7-Zip takes no more coders and streams either.
const MOST_STREAMS: u64 = 32;

/// Checks the start header and the size of the header that it points to. Returns what follows that.
pub(super) fn check(bytes: &[u8]) -> Result<&[u8], Why> {
    let start = bytes.get(..START).ok_or_else(cut_off)?;
    let number = |at: usize| start[at..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
    let stated = start[8..].first_chunk().map_or(0, |four| u32::from_le_bytes(*four));
    // Without a checksum the library looks for a header anywhere; other programs might find another.
    if crc32fast::hash(&start[12..]) != stated {
        return Err(Why::broken("the checksum of its first header is wrong"));
    }
    let (offset, size) = (number(12), number(20));
    let begin = offset.checked_add(START as u64);
    let end = begin.and_then(|begin| begin.checked_add(size));
    let (Some(begin), Some(end)) = (begin, end) else { return Err(cut_off()) };
    let behind = usize::try_from(end).ok().and_then(|end| bytes.get(end..)).ok_or_else(cut_off)?;
    if size > LONGEST {
        return Err(Why::Limit(Exceeded::WindowBytes(LONGEST)));
    }
    let header = &bytes[..bytes.len() - behind.len()];
    let header = usize::try_from(begin).ok().and_then(|begin| header.get(begin..)).ok_or_else(cut_off)?;
    match header {
        [ENCODED_HEADER, rest @ ..] if unpacked_size(rest)? > LONGEST => {
            Err(Why::Limit(Exceeded::WindowBytes(LONGEST)))
        }
        _ => Ok(behind),
    }
}

fn cut_off() -> Why {
    Why::broken("it is cut off")
}

/// How large the compressed header says that it is: the largest of its coders' outputs.
fn unpacked_size(streams: &[u8]) -> Result<u64, Why> {
    let mut input = Input(streams);
    input.expect(PACK_INFO)?;
    let _position = input.number()?;
    let packed = input.count()?;
    let mut id = input.byte()?;
    if id == SIZE {
        for _ in 0..packed {
            input.number()?;
        }
        id = input.byte()?;
    }
    if id == CRC {
        input.checksums(packed)?;
        id = input.byte()?;
    }
    if id != END {
        return Err(malformed());
    }
    input.expect(UNPACK_INFO)?;
    input.expect(FOLDER)?;
    // Several folders would be several headers.
    input.expect(1)?;
    input.expect(0)?;
    let outputs = folder(&mut input)?;
    input.expect(UNPACK_SIZE)?;
    let mut most = 0;
    for _ in 0..outputs {
        most = input.number()?.max(most);
    }
    Ok(most)
}

/// Skips the description of a folder's coders and answers how many outputs they have.
fn folder(input: &mut Input<'_>) -> Result<u64, Why> {
    let (mut inputs, mut outputs) = (0, 0);
    for _ in 0..input.count()? {
        let flags = input.byte()?;
        input.skip(u64::from(flags & 0x0f))?;
        let (ins, outs) = if flags & 0x10 != 0 { (input.count()?, input.count()?) } else { (1, 1) };
        inputs += ins;
        outputs += outs;
        if flags & 0x20 != 0 {
            let properties = input.number()?;
            input.skip(properties)?;
        }
    }
    let bound = u64::saturating_sub(outputs, 1);
    for _ in 0..bound * 2 {
        input.number()?;
    }
    let free = u64::saturating_sub(inputs, bound);
    if free > 1 {
        for _ in 0..free {
            input.number()?;
        }
    }
    Ok(outputs)
}

fn malformed() -> Why {
    Why::broken("its header is malformed")
}

struct Input<'b>(&'b [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Result<u8, Why> {
        let (first, rest) = self.0.split_first().ok_or_else(malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    fn expect(&mut self, wanted: u8) -> Result<(), Why> {
        if self.byte()? == wanted { Ok(()) } else { Err(malformed()) }
    }

    fn skip(&mut self, count: u64) -> Result<(), Why> {
        let count = usize::try_from(count).map_err(|_| malformed())?;
        self.0 = self.0.get(count..).ok_or_else(malformed)?;
        Ok(())
    }

    /// A number of 1 to 9 bytes: the leading ones of the first say how many follow.
    fn number(&mut self) -> Result<u64, Why> {
        let first = self.byte()?;
        let following = first.leading_ones();
        let mut value = 0;
        for index in 0..following {
            value |= u64::from(self.byte()?) << (8 * index);
        }
        if following < 7 {
            value |= u64::from(first & (0x7f >> following)) << (8 * following);
        }
        Ok(value)
    }

    fn count(&mut self) -> Result<u64, Why> {
        let count = self.number()?;
        if count > MOST_STREAMS { Err(malformed()) } else { Ok(count) }
    }

    fn checksums(&mut self, count: u64) -> Result<(), Why> {
        let mut defined = count;
        if self.byte()? == 0 {
            defined = 0;
            for _ in 0..count.div_ceil(8) {
                defined += u64::from(self.byte()?.count_ones());
            }
        }
        self.skip(4 * defined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_as_7_zip_writes_them() {
        for (bytes, value) in [
            (&[0x7f][..], 0x7f),
            (&[0x80, 0x80], 0x80),
            (&[0xbf, 0xff], 0x3fff),
            (&[0xc1, 0x34, 0x12], 0x1_1234),
            (&[0xff, 1, 2, 3, 4, 5, 6, 7, 8], 0x0807_0605_0403_0201),
            (&[0xfe, 1, 2, 3, 4, 5, 6, 7], 0x0007_0605_0403_0201),
        ] {
            assert_eq!(Input(bytes).number().ok(), Some(value), "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpacked_size(&bytes);
            let _ = check(&bytes);
        }
    }
}
