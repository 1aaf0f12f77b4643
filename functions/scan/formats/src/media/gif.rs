//! GIF: blocks up to the trailer (<https://www.w3.org/Graphics/GIF/spec-gif89a.txt>).

use super::{CheckError, Found, Input, malformed};
use std::io::{Read, Seek};

/// Goes behind the trailer.
pub(super) fn check<R: Read + Seek>(input: &mut Input<R>, found: &mut Found) -> Result<(), CheckError> {
    found.media_type = "image/gif";
    let header: [u8; 13] = input.take_bytes()?;
    let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]));
    found.picture(side(header[6], header[7]), side(header[8], header[9]));
    input.skip(color_table(header[10]))?;
    let mut has_image = false;
    loop {
        let label = match input.take_bytes()? {
            [0x3b] if has_image => return Ok(()),
            [0x3b] => return Err(malformed("a GIF holds no image")),
            [0x21] => Some(input.take_bytes::<1>()?[0]),
            [0x2c] => {
                has_image = true;
                let [_, _, _, _, a, b, c, d, packed] = input.take_bytes()?;
                found.picture(side(a, b), side(c, d));
                found.frame();
                input.skip(color_table(packed) + 1)?;
                None
            }
            [_] => return Err(malformed("a GIF block is of no known kind")),
        };
        // Comments, plain text and what applications add are cut into pieces of at most 255 bytes.
        let mut pieces = label.filter(|label| matches!(label, 0xfe | 0x01 | 0xff)).map(|_| Vec::new());
        loop {
            match input.take_bytes()? {
                [0] => break,
                [length] => {
                    let start = input.position();
                    input.skip(u64::from(length))?;
                    if let Some(pieces) = &mut pieces {
                        pieces.push(start..input.position());
                    }
                }
            }
        }
        if let Some(pieces) = pieces.filter(|pieces| pieces.len() > 1) {
            found.cut("comment", pieces);
        }
    }
}

/// The size in bytes of the color table that a packed field announces.
fn color_table(packed: u8) -> u64 {
    if packed & 0x80 == 0 { 0 } else { 3 << ((packed & 7) + 1) }
}
