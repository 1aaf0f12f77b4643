//! The source of macros: where it is, and how it is compressed ([MS-OVBA] 2.3.4.2 and 2.4.1).

use crate::refusal::{Exceeded, Why};

/// The longest source that is unpacked, in bytes. Modules have at most 65,534 lines.
const LONGEST: usize = 64 << 20;

/// A module: the name of its stream, and where its source begins there.
pub(super) struct Module {
    pub(super) stream: String,
    pub(super) source: usize,
}

/// Procedures that Office runs by itself, in lower case.
const AUTOMATIC: [&str; 12] = [
    "autoopen",
    "autoexec",
    "autoclose",
    "autoexit",
    "autonew",
    "auto_open",
    "auto_close",
    "document_open",
    "document_close",
    "document_new",
    "workbook_open",
    "presentation_open",
];

/// The first procedure in the source that runs by itself.
pub(super) fn automatic(source: &[u8]) -> Option<&'static str> {
    let source = source.to_ascii_lowercase();
    AUTOMATIC.into_iter().find(|name| memchr::memmem::find(&source, name.as_bytes()).is_some())
}

/// The modules that the stream `dir` of a project lists.
pub(super) fn modules(dir: &[u8]) -> Result<Vec<Module>, Why> {
    /// The version of the project says another length than it has; then the stream's name, and the offset.
    const VERSION: u16 = 0x09;
    const STREAM: u16 = 0x32;
    const OFFSET: u16 = 0x31;
    let dir = decompress(dir)?;
    let (mut rest, mut stream, mut found) = (dir.as_slice(), None, Vec::new());
    while let Some(([kind, kind_high, length @ ..], behind)) = rest.split_first_chunk::<6>() {
        let kind = u16::from_le_bytes([*kind, *kind_high]);
        let length = if kind == VERSION { 6 } else { u32::from_le_bytes(*length) };
        let Some((data, next)) =
            usize::try_from(length).ok().and_then(|length| behind.split_at_checked(length))
        else {
            break;
        };
        rest = next;
        if kind == STREAM {
            let units: Vec<u16> =
                data.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
            stream = Some(String::from_utf16_lossy(&units));
        } else if kind == OFFSET
            && let (Some(stream), Some(offset)) = (stream.take(), data.first_chunk())
        {
            let source = usize::try_from(u32::from_le_bytes(*offset)).unwrap_or(usize::MAX);
            found.push(Module { stream, source });
        }
    }
    Ok(found)
}

/// Unpacks as far as it goes. Each chunk becomes at most 4,096 bytes, of which a copy can make all but a few.
pub(super) fn decompress(container: &[u8]) -> Result<Vec<u8>, Why> {
    const CHUNK: usize = 4096;
    let mut unpacked = Vec::new();
    let mut rest = container.strip_prefix(b"\x01").unwrap_or_default();
    while let Some((header, behind)) = rest.split_first_chunk() {
        if unpacked.len() > LONGEST {
            return Err(Why::Limit(Exceeded::MemberBytes(LONGEST as u64)));
        }
        let header = u16::from_le_bytes(*header);
        let length = (usize::from(header & 0xfff) + 1).min(behind.len());
        let (chunk, next) = behind.split_at(length);
        rest = next;
        if header & 0x8000 == 0 {
            unpacked.extend_from_slice(&chunk[..length.min(CHUNK)]);
        } else {
            tokens(chunk, CHUNK, &mut unpacked);
        }
    }
    Ok(unpacked)
}

/// Bytes and copies of earlier bytes of the same chunk, eight after a byte that says which they are.
fn tokens(chunk: &[u8], most: usize, unpacked: &mut Vec<u8>) {
    let start = unpacked.len();
    let mut bytes = chunk.iter().copied();
    while let Some(flags) = bytes.next() {
        for bit in 0..8 {
            let done = unpacked.len() - start;
            let Some(first) = bytes.next().filter(|_| done < most) else { return };
            if flags >> bit & 1 == 0 {
                unpacked.push(first);
                continue;
            }
            let Some(second) = bytes.next() else { return };
            let token = usize::from(u16::from_le_bytes([first, second]));
            // The distance takes as many bits as it needs here, and the length the rest.
            let bits = (usize::BITS - done.saturating_sub(1).leading_zeros()).max(4);
            let (length, distance) = ((token & (0xffff >> bits)) + 3, (token >> (16 - bits)) + 1);
            if distance > done {
                return;
            }
            for _ in 0..length.min(most - done) {
                let copied = unpacked[unpacked.len() - distance];
                unpacked.push(copied);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_unpacked_as_the_specification_shows() {
        // [MS-OVBA] 3.2.1 to 3.2.3: none, some and many copies.
        let none = b"\x01\x19\xb0\0abcdefgh\0ijklmnop\0qrstuv.";
        assert_eq!(decompress(none).unwrap(), b"abcdefghijklmnopqrstuv.");
        let some =
            b"\x01/\xb0\x00#aaabcde\x82f\x00paghij\x018\x08akl\x000mnop\x06q\x02p\x04\x10rstuv\x10wxyz\x00<";
        assert_eq!(decompress(some).unwrap(), b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa");
        assert_eq!(decompress(b"\x01\x03\xb0\x02a\x45\0").unwrap(), [b'a'; 73]);
        assert_eq!(decompress(b"\x01\x01\x30ab\x00\xb0").unwrap(), b"ab");
        for broken in [&b""[..], b"\x02ab", b"\x01", b"\x01\xff", b"\x01\xff\xbf\x01\xff\xff", b"\x01\0\xb0"]
        {
            assert_eq!(decompress(broken).unwrap(), b"");
        }
        let bomb = [&b"\x01"[..], &b"\x03\xb0\x02a\xff\x0f".repeat(17_000)].concat();
        assert!(matches!(decompress(&bomb), Err(Why::Limit(_))));
    }

    #[test]
    fn a_project_lists_its_modules() {
        let record = |kind: u16, data: &[u8]| {
            [&kind.to_le_bytes()[..], &u32::try_from(data.len()).unwrap().to_le_bytes(), data].concat()
        };
        let version = [&b"\x09\0\x04\0\0\0"[..], &[1; 6]].concat();
        let dir = [version, record(0x32, b"A\0b\0"), record(0x31, &[7, 0, 0, 0]), record(0x2b, b"")].concat();
        let raw =
            [b"\x01", &(u16::try_from(dir.len() - 1).unwrap() | 0x3000).to_le_bytes()[..], &dir].concat();
        let found = modules(&raw).unwrap();
        assert_eq!((found[0].stream.as_str(), found[0].source, found.len()), ("Ab", 7, 1));
        assert_eq!(automatic(b"Sub Document_Open()"), Some("document_open"));
        assert_eq!(automatic(b"Sub Add()"), None);
    }
}
