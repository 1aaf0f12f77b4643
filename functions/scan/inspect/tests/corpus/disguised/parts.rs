//! Places in each format that readers of it pass over.

/// The PNG with a chunk behind its header, which is 8 + 25 bytes long.
pub(super) fn png_chunk(png: &[u8], name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let checksum = crc32fast::hash(&[name, content].concat()).to_be_bytes();
    [&png[..33], &length, name, content, &checksum, &png[33..]].concat()
}

/// The JPEG with a segment behind its first marker, in as many pieces as its length makes it.
pub(super) fn jpeg_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, content, &jpeg[2..]].concat()
}

/// The GIF with a comment before its end. A comment is in pieces of up to 255 bytes.
pub(super) fn gif_comment(gif: &[u8], content: &[u8]) -> Vec<u8> {
    let pieces = content.chunks(255).flat_map(|piece| [&[piece.len() as u8], piece].concat());
    let comment: Vec<u8> = [0x21, 0xfe].into_iter().chain(pieces).chain([0]).collect();
    // Behind the header and its table of colors, so that it is near the beginning.
    let table = if gif[10] & 0x80 == 0 { 0 } else { 3 << ((gif[10] & 7) + 1) };
    [&gif[..13 + table], &comment, &gif[13 + table..]].concat()
}

/// The RIFF file with a chunk at its end.
pub(super) fn wav_chunk(riff: &[u8], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    let blank = vec![0; riff.len() % 2];
    let padding = vec![0; content.len() % 2];
    let mut file = [riff, &blank, b"note", &length, content, &padding].concat();
    let size = u32::try_from(file.len() - 8).unwrap().to_le_bytes();
    file[4..8].copy_from_slice(&size);
    file
}

/// A box for room that is not used.
pub(super) fn free_box(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
    [&length, b"free", content].concat()
}

/// An ID3v2.3 tag with one private frame.
pub(super) fn id3(content: &[u8]) -> Vec<u8> {
    let frame = u32::try_from(content.len() + 2).unwrap();
    let size = frame + 10;
    let seven_bits = [21, 14, 7, 0].map(|shift| (size >> shift & 0x7f) as u8);
    [b"ID3\x03\0\0", &seven_bits[..], b"PRIV", &frame.to_be_bytes(), b"\0\0", b"x\0", content].concat()
}
