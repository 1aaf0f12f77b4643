//! RIFF files (WebP, WAV): one outer chunk whose size is the size of the file.

use super::problem::{Problem, malformed, nothing_follows, take};
use std::io::{BufReader, Read, Seek, SeekFrom};

/// The outer chunk must be all there is (RFC 9649, section 2.4, for WebP).
///
/// Recorders that write WAV to a pipe can't go back to fill in the size and leave 0 or the largest
/// number there: then it says nothing about the end.
pub(super) fn check<R: Read + Seek>(input: &mut BufReader<R>, len: u64) -> Result<(), Problem> {
    let [_, _, _, _, a, b, c, d, form @ ..] = take::<12>(input)?;
    let size = u32::from_le_bytes([a, b, c, d]);
    if form == *b"WAVE" && matches!(size, 0 | u32::MAX) {
        return Ok(());
    }
    let end = 8 + u64::from(size);
    if end > len {
        return Err(malformed("it is cut off"));
    }
    input.seek(SeekFrom::Start(end))?;
    nothing_follows(input)
}
