//! Archives that cannot be unpacked here: what they hold is not known, so who brings one inside
//! another archive cannot be answered "clean".

/// Signatures that no other file has by accident: what it is, where and which.
const SIGNATURES: [(&str, usize, &[u8]); 9] = [
    ("RAR", 0, b"Rar!\x1a\x07"),
    ("CAB", 0, b"MSCF\0\0\0\0"),
    ("lzip", 0, b"LZIP\x01"),
    ("LZ4", 0, b"\x04\x22\x4d\x18"),
    ("XAR", 0, b"xar!\0\x1c"),
    ("ACE", 7, b"**ACE**"),
    ("Debian package", 0, b"!<arch>\ndebian-binary"),
    ("RPM", 0, b"\xed\xab\xee\xdb"),
    ("ISO 9660", 32_769, b"CD001"),
];

/// The name of the format, if `bytes` are such an archive.
pub(crate) fn format(bytes: &[u8]) -> Option<&'static str> {
    let is_here = |at: usize, signature| bytes.get(at..).is_some_and(|rest| rest.starts_with(signature));
    if matches!(bytes, [_, _, b'-', b'l', b'h', b'0'..=b'7' | b'd', b'-', ..]) {
        return Some("LHA");
    }
    SIGNATURES.iter().find(|(_, at, signature)| is_here(*at, signature)).map(|(name, ..)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_known_by_what_they_start_with() {
        for (name, at, signature) in SIGNATURES {
            assert_eq!(format(&[&vec![b'x'; at], signature, b"more"].concat()), Some(name));
        }
        assert_eq!(format(b"\x20\x21-lh5-"), Some("LHA"));
        assert_eq!(format(b""), None);
        assert_eq!(format(b"a-lh of text"), None);
    }
}
