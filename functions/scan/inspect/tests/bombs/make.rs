//! Makes archives that unpack without end, or claim to.

use flate2::{Compression, write::DeflateEncoder, write::GzEncoder};
use std::io::{Cursor, Write};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A ZIP of members, each of which is the same content.
pub(crate) fn zip_of(count: usize, name: &str, content: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for index in 0..count {
        writer.start_file(format!("{index}{name}"), options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A ZIP in a ZIP in a ZIP.
pub(crate) fn nested(depth: usize) -> Vec<u8> {
    let bottom = zip_of(1, ".txt", b"bottom", CompressionMethod::Stored);
    (0..depth).fold(bottom, |inner, _| zip_of(1, ".zip", &inner, CompressionMethod::Deflated))
}

/// Members whose compressed content is the headers of all following ones, quoted, and one kernel
/// that all share (David Fifield, "A better zip bomb", WOOT '19).
pub(crate) fn overlapping(count: usize, kernel_bytes: usize) -> Vec<u8> {
    let kernel = vec![b'a'; kernel_bytes];
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&kernel).unwrap();
    let mut crc = crc32fast::Hasher::new();
    crc.update(&kernel);
    // From the last member to the first; `tail` is its compressed content.
    let mut tail = encoder.finish().unwrap();
    let mut size = kernel_bytes;
    let mut directory = Vec::new();
    for index in (0..count).rev() {
        let name = format!("{index:04}");
        let numbers = |bytes: &mut Vec<u8>| {
            bytes.extend_from_slice(&[20, 0, 0, 0, 8, 0, 0, 0, 0, 0]);
            bytes.extend_from_slice(&crc.clone().finalize().to_le_bytes());
            bytes.extend_from_slice(&u32::try_from(tail.len()).unwrap().to_le_bytes());
            bytes.extend_from_slice(&u32::try_from(size).unwrap().to_le_bytes());
            bytes.extend_from_slice(&[4, 0, 0, 0]);
        };
        let mut header = b"PK\x03\x04".to_vec();
        numbers(&mut header);
        header.extend_from_slice(name.as_bytes());
        let mut entry = b"PK\x01\x02\x14\0".to_vec();
        numbers(&mut entry);
        entry.extend_from_slice(&[0; 10]);
        directory.push((entry, header.len() + tail.len(), name));

        let length = u16::try_from(header.len()).unwrap();
        let mut hash = crc32fast::Hasher::new();
        hash.update(&header);
        hash.combine(&crc);
        crc = hash;
        size += header.len();
        let quote = [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), &header].concat();
        tail = [quote, tail].concat();
    }
    // The first member is not quoted.
    let mut bytes = tail.split_off(5);
    let start = bytes.len();
    for (entry, from_end, name) in directory.iter().rev() {
        bytes.extend_from_slice(entry);
        bytes.extend_from_slice(&u32::try_from(start - from_end).unwrap().to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
    }
    let length = u32::try_from(bytes.len() - start).unwrap();
    let entries = u16::try_from(count).unwrap().to_le_bytes();
    bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    bytes.extend_from_slice(&[entries, entries].concat());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(start).unwrap().to_le_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes
}

/// A tar header of an empty file, or of one of that size.
pub(crate) fn tar_header(name: &str, size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).unwrap();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// A Zstandard frame of blocks that repeat one byte 128 Ki times, or of empty blocks.
pub(crate) fn zstd_blocks(count: usize, is_empty: bool) -> Vec<u8> {
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x38];
    // Block headers (RFC 8878, section 3.1.1.2): last, type (0 raw, 1 RLE), size.
    for index in 0..count {
        let last = u32::from(index + 1 == count);
        let header = if is_empty { last } else { last | 1 << 1 | (128 << 10) << 3 };
        bytes.extend_from_slice(&header.to_le_bytes()[..3]);
        if !is_empty {
            bytes.push(0);
        }
    }
    bytes
}

/// An empty xz file, and the start of one whose dictionary has 1.5 GiB.
pub(crate) const EMPTY_XZ: &[u8] =
    b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4F\0\0\0\0\x1c\xdfD!\x1f\xb6\xf3}\x01\0\0\0\0\x04YZ";

pub(crate) fn xz_with_large_dictionary() -> Vec<u8> {
    let mut header = [2, 0, 0x21, 1, 37, 0, 0, 0].to_vec();
    header.extend_from_slice(&crc32fast::hash(&header).to_le_bytes());
    [&EMPTY_XZ[..12], &header, &[0; 64]].concat()
}

/// A 7z whose header is compressed with that dictionary, to that size.
pub(crate) fn seven_zip(dictionary: u32, size: u32) -> Vec<u8> {
    let mut header = vec![0x17, 6, 0, 1, 9, 1, 0, 7, 11, 1, 0, 1, 0x23, 3, 1, 1, 5, 93];
    header.extend_from_slice(&dictionary.to_le_bytes());
    header.extend_from_slice(&[12, 0xf0]);
    header.extend_from_slice(&size.to_le_bytes());
    header.extend_from_slice(&[0, 0]);
    seven_zip_with(&header)
}

/// A 7z with that header.
pub(crate) fn seven_zip_with(header: &[u8]) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    let start = [&[0; 8], &length[..], &crc32fast::hash(header).to_le_bytes()].concat();
    [b"7z\xbc\xaf\x27\x1c\0\x04", &crc32fast::hash(&start).to_le_bytes()[..], &start, header].concat()
}
