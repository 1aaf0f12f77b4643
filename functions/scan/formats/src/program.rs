//! Programs of DOS and Windows: two bytes at the start, which other files have too, and a header
//! that lies anywhere (Microsoft, "PE Format").

use crate::input::Input;
use std::io::{self, Read, Seek};

/// The type of the program that the input is, if it is one.
pub(crate) fn media_type<R: Read + Seek>(
    input: &mut Input<R>,
    head: &[u8],
) -> io::Result<Option<&'static str>> {
    if !head.starts_with(b"MZ") && !head.starts_with(b"ZM") {
        return Ok(None);
    }
    if let Some(place) = head.get(0x3c..0x40).and_then(|place| place.first_chunk()) {
        let header = input.peek_at(u64::from(u32::from_le_bytes(*place)), 4)?;
        match header.as_slice() {
            b"PE\0\0" => return Ok(Some("application/vnd.microsoft.portable-executable")),
            [b'N', b'E', ..] => return Ok(Some("application/x-ms-ne-executable")),
            [b'L', b'E' | b'X', 0, 0] => return Ok(Some("application/x-dosexec")),
            _ => {}
        }
    }
    let number = |at: usize| head.get(at..at + 2).map(|two| u16::from_le_bytes([two[0], two[1]]));
    let (Some(on_last_page), Some(pages), Some(header)) = (number(2), number(4), number(8)) else {
        return Ok(None);
    };
    let is_program = on_last_page < 512 && (1..=2048).contains(&pages) && (2..=4096).contains(&header);
    Ok(is_program.then_some("application/x-dosexec"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn the_header_decides_wherever_it_lies() {
        let found = |bytes: &[u8]| media_type(&mut Input::new(Cursor::new(bytes)).unwrap(), bytes).unwrap();
        let mut far = vec![0; 200_000];
        far[..2].copy_from_slice(b"MZ");
        far[0x3c..0x40].copy_from_slice(&150_000_u32.to_le_bytes());
        assert_eq!(found(&far), None);
        far[150_000..150_004].copy_from_slice(b"PE\0\0");
        assert_eq!(found(&far), Some("application/vnd.microsoft.portable-executable"));
        let dos = b"MZ\x40\0\x01\0\0\0\x02\0\0\0\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(found(dos), Some("application/x-dosexec"));
        assert_eq!(
            found(
                b"MZ \xe9tait une ville o\xf9 tout le monde se parlait sans cesse, et o\xf9 rien ne bougeait"
            ),
            None
        );
        assert_eq!(found(b"MZ"), None);
    }
}
