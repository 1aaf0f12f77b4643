//! LZMA alone, which has no signature: properties that can be, a window and a size, and coded data whose
//! first byte is always zero, and whose first bit says that a literal follows.

use crate::numbers::u32_at;
use lzma_rust2::LzmaReader;
use std::io::{ErrorKind, Read};

/// Where the coded data begins.
const HEADER: usize = 13;

/// How many bytes must decode if nothing else distinguishes it from other data. Other data hardly ever decodes beyond
/// a few bytes: most distances point before the start.
const TRIED: u64 = 4096;

/// Fewer bytes are not a file, and decode by chance.
const LEAST: u64 = 16;

struct Header {
    properties: u8,
    window: u32,
    size: Option<u64>,
}

fn header(bytes: &[u8]) -> Option<Header> {
    let size = bytes.get(5..)?.first_chunk().map(|eight| u64::from_le_bytes(*eight))?;
    let header =
        Header { properties: bytes[0], window: u32_at(bytes, 1)?, size: (size != u64::MAX).then_some(size) };
    let has_size = header.size.is_none_or(|size| (1..1 << 56).contains(&size));
    let starts = matches!(bytes[HEADER..], [0, 0..=0x7f, _, _, _, ..]);
    (header.properties < 225 && has_size && starts).then_some(header)
}

/// Decoders differ in which windows they take, and some take any. What no encoder writes must decode.
pub(crate) fn is_lzma(bytes: &[u8]) -> bool {
    header(bytes).is_some_and(|header| header.is_usual() || header.decodes(&bytes[HEADER..]))
}

/// The same behind a byte that says whether there is a filter for programs.
pub(crate) fn is_lzma86(bytes: &[u8]) -> bool {
    let [0 | 1, rest @ ..] = bytes else { return false };
    header(rest).is_some_and(|header| header.decodes(&rest[HEADER..]))
}

impl Header {
    /// Whether the window and the size are such as encoders write.
    fn is_usual(&self) -> bool {
        let window = self.window;
        let is_power =
            window.is_power_of_two() || (window.is_multiple_of(3) && (window / 3).is_power_of_two());
        window >= 4096 && (is_power || window == u32::MAX) && self.size.is_none_or(|size| size < 1 << 38)
    }

    fn decodes(&self, coded: &[u8]) -> bool {
        let size = self.size.unwrap_or(u64::MAX);
        // Nothing but zeros decodes to zeros.
        if size < LEAST || coded.iter().take(5).all(|byte| *byte == 0) {
            return false;
        }
        // All distances within what is tried are within this window. A size that is too large is not
        // believed: programs keep what they have where it ends.
        let stated = if size < 1 << 38 { size } else { u64::MAX };
        let Ok(mut decoder) = LzmaReader::new_with_props(coded, stated, self.properties, 1 << 16, None)
        else {
            return false;
        };
        let wanted = size.min(TRIED);
        let (mut decoded, mut buffer) = (0_u64, [0; 256]);
        loop {
            match decoder.read(&mut buffer) {
                Ok(0) => return decoded >= LEAST && (stated == u64::MAX || decoded == stated),
                Ok(count) => decoded += count as u64,
                Err(error) => return decoded >= LEAST && error.kind() == ErrorKind::UnexpectedEof,
            }
            if decoded >= wanted {
                return true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The letters, ten times, as `xz` packs them.
    const UNSIZED: &[u8] = b"\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x30\x98\x88\x98\x3e\xcb\xe2\x6f\x34\xb3\x4c\x11\x5f\x19\xe4\xbd\x17\x3a\x38\x01\x66\xa2\xd1\x59\x70\x9a\x5c\x21\xf0\x5a\xe7\xff\xff\xf0\x51\x80\x00";

    fn with(window: u32, size: u64) -> Vec<u8> {
        [&UNSIZED[..1], &window.to_le_bytes(), &size.to_le_bytes(), &UNSIZED[13..]].concat()
    }

    #[test]
    fn any_window_is_one_if_the_data_decodes() {
        for window in
            [0, 1, 2, 3, 5, 1000, 1024, 2048, 4095, 4096, 1 << 23, (1 << 23) + 1, u32::MAX - 1, u32::MAX]
        {
            for size in [u64::MAX, 260] {
                let file = with(window, size);
                assert!(is_lzma(&file), "{window} {size}");
                for filter in [0, 1] {
                    assert!(is_lzma86(&[&[filter][..], &file].concat()));
                }
                assert!(!is_lzma86(&[&[2][..], &file].concat()));
            }
        }
        // What is more than there is ends where it ends.
        assert!(is_lzma(&with(7, 1 << 40)) && is_lzma(&with(1 << 23, 1 << 40)));
        for (window, size) in [(7, 0), (7, 15), (7, 1 << 60)] {
            assert!(!is_lzma(&with(window, size)), "{window} {size}");
        }
        assert!(!is_lzma(&[0; 100]) && !is_lzma(b"") && !is_lzma86(b""));
        let table: Vec<u8> = (1..200_u32).flat_map(u32::to_le_bytes).collect();
        assert!(!(0..100).any(|from| is_lzma(&table[from..]) || is_lzma86(&table[from..])));
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_asked(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = (is_lzma(&bytes), is_lzma86(&bytes));
        }
    }
}
