//! Writes ZIP files, right ones and wrong ones: every field can be set.

/// A member, as its own header and as the directory describe it.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) name_inside: Vec<u8>,
    pub(crate) content: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) method_inside: u16,
    pub(crate) crc: u32,
    pub(crate) size: u32,
    pub(crate) size_inside: u32,
    pub(crate) attributes: u32,
    pub(crate) extra: Vec<u8>,
    pub(crate) extra_inside: Vec<u8>,
    /// Where its header is said to be, if not where it is.
    pub(crate) header: Option<u32>,
}

/// A stored member.
pub(crate) fn stored(name: &str, content: &[u8]) -> Entry {
    let size = u32::try_from(content.len()).unwrap();
    Entry {
        name: name.into(),
        name_inside: name.into(),
        content: content.to_vec(),
        flags: 0,
        method: 0,
        method_inside: 0,
        crc: crc32fast::hash(content),
        size,
        size_inside: size,
        attributes: 0,
        extra: Vec::new(),
        extra_inside: Vec::new(),
        header: None,
    }
}

/// A deflated member.
pub(crate) fn deflated(name: &str, content: &[u8]) -> Entry {
    use std::io::Write;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    Entry { content: encoder.finish().unwrap(), method: 8, method_inside: 8, ..stored(name, content) }
}

fn number(bytes: &mut Vec<u8>, values: &[(u32, usize)]) {
    for (value, length) in values {
        bytes.extend_from_slice(&value.to_le_bytes()[..*length]);
    }
}

/// The archive of these members.
pub(crate) fn archive(entries: &[Entry]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let at = u32::try_from(bytes.len()).unwrap();
        let packed = u32::try_from(entry.content.len()).unwrap();
        let length = |name: &[u8]| u32::try_from(name.len()).unwrap();
        bytes.extend_from_slice(b"PK\x03\x04");
        let (flags, method) = (u32::from(entry.flags), u32::from(entry.method_inside));
        number(&mut bytes, &[(20, 2), (flags, 2), (method, 2), (0, 4), (entry.crc, 4), (packed, 4)]);
        number(&mut bytes, &[(entry.size_inside, 4), (length(&entry.name_inside), 2)]);
        number(&mut bytes, &[(length(&entry.extra_inside), 2)]);
        bytes.extend_from_slice(&entry.name_inside);
        bytes.extend_from_slice(&entry.extra_inside);
        bytes.extend_from_slice(&entry.content);

        directory.extend_from_slice(b"PK\x01\x02");
        let method = u32::from(entry.method);
        number(&mut directory, &[(0x0314, 2), (20, 2), (flags, 2), (method, 2), (0, 4), (entry.crc, 4)]);
        number(&mut directory, &[(packed, 4), (entry.size, 4), (length(&entry.name), 2)]);
        number(&mut directory, &[(length(&entry.extra), 2), (0, 2), (0, 4), (entry.attributes, 4)]);
        number(&mut directory, &[(entry.header.unwrap_or(at), 4)]);
        directory.extend_from_slice(&entry.name);
        directory.extend_from_slice(&entry.extra);
    }
    let (start, size) = (u32::try_from(bytes.len()).unwrap(), u32::try_from(directory.len()).unwrap());
    let count = u32::try_from(entries.len()).unwrap();
    bytes.extend_from_slice(&directory);
    bytes.extend_from_slice(b"PK\x05\x06");
    number(&mut bytes, &[(0, 4), (count, 2), (count, 2), (size, 4), (start, 4), (0, 2)]);
    bytes
}
