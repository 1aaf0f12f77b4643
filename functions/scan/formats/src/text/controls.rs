//! Control codes in text: those that honest programs write, and odd ones.

/// Counts the control codes of a text as it goes by.
#[derive(Debug, Default)]
pub(crate) struct Controls {
    seen: u64,
    odd: u64,
    zeros: u64,
    /// Where the first odd one is.
    first: Option<u64>,
    escapes: u64,
    last: u8,
    /// What the end of it would be taken for padding, if it is the end: odd ones, and zeros.
    padding: u64,
}

const BACKSPACE: u8 = 8;
const END_OF_FILE: u8 = 0x1a;
const ESCAPE: u8 = 0x1b;

/// Layout: tab, line feed, vertical tab, form feed, return.
fn is_layout(byte: u8) -> bool {
    matches!(byte, 9..=13)
}

fn is_printable(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7f
}

impl Controls {
    /// Looks at the next bytes, in any encoding that has the control codes of ASCII.
    pub(crate) fn see(&mut self, bytes: &[u8]) {
        for (at, byte) in bytes.iter().copied().enumerate() {
            if is_printable(byte) {
                // Colours and the like (ECMA-48, section 5.4).
                if self.last == ESCAPE && byte < 0x7f {
                    self.odd -= 1;
                    self.escapes += 1;
                }
                self.padding = 0;
            } else if is_layout(byte) {
                self.padding = 0;
            } else {
                self.control(byte, self.seen + at as u64);
            }
            self.last = byte;
        }
        self.seen += bytes.len() as u64;
    }

    fn control(&mut self, byte: u8, place: u64) {
        // Manuals print letters twice, and progress goes back several places.
        if byte == BACKSPACE && (is_printable(self.last) || self.last == BACKSPACE) {
            self.padding = 0;
            return;
        }
        // CP/M and DOS end text so, and fill the last block with more of it or with zeros.
        let is_padding = byte == END_OF_FILE || (byte == 0 && self.padding > 0);
        self.padding = if is_padding { self.padding + 1 } else { 0 };
        self.odd += 1;
        self.zeros += u64::from(byte == 0);
        self.first.get_or_insert(place);
    }

    /// How many bytes were seen.
    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// How many odd ones there are, if this is the end.
    pub(crate) fn odd(&self) -> u64 {
        self.odd - self.padding
    }

    /// How many of them are zeros.
    pub(crate) fn zeros(&self) -> u64 {
        self.zeros
    }

    /// Whether terminals are controlled.
    pub(crate) fn has_escapes(&self) -> bool {
        self.escapes > 0
    }

    /// How many bytes stand before the first odd one.
    pub(crate) fn first(&self) -> Option<u64> {
        self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odd(text: &[u8]) -> u64 {
        let mut controls = Controls::default();
        // Nothing depends on where a piece ends.
        text.chunks(3).for_each(|piece| controls.see(piece));
        controls.odd()
    }

    #[test]
    fn what_programs_write_is_not_odd() {
        for text in [
            &b"a\tb\r\nc\x0b\x0c"[..],
            b"\x1b[32mgreen\x1b[0m",
            b"N\x08NA\x08A",
            b"10 %\x08\x08\x08\x0820 %",
            b"a,b\r\n\x1a",
            b"a,b\r\n\x1a\x1a\x1a\0\0",
            b"Gr\x81\xe1e",
            b"",
        ] {
            assert_eq!(odd(text), 0, "{text:?}");
        }
        for (text, found) in [
            (&b"\x08a"[..], 1),
            (b"a\x1ab", 1),
            (b"a\x1a\0b", 2),
            (b"a\0\0", 2),
            (b"\x1b", 1),
            (b"\x1b\x1b[m", 1),
            (b"\x1b\x80", 1),
            (b"\x01\x02\x7f", 3),
        ] {
            assert_eq!(odd(text), found, "{text:?}");
        }
    }
}
