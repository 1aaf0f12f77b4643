//! PDF: begins with its header, ends with its marker.

use super::problem::{Problem, malformed};
use std::io::{BufReader, Read, Seek, SeekFrom};

pub(super) const MEDIA_TYPE: &str = "application/pdf";

/// Where readers look for the end-of-file marker (ISO 32000-1, annex H, implementation note 18).
const END_WITHIN: u64 = 1024;

/// The end-of-file marker must be near the end, or the file is cut off or something follows it.
pub(super) fn check<R: Read + Seek>(input: &mut BufReader<R>, len: u64) -> Result<(), Problem> {
    input.seek(SeekFrom::Start(len.saturating_sub(END_WITHIN)))?;
    let mut end = Vec::new();
    input.take(END_WITHIN).read_to_end(&mut end)?;
    if end.windows(5).any(|bytes| bytes == b"%%EOF") {
        Ok(())
    } else {
        Err(malformed(format!("a PDF has %%EOF in its last {END_WITHIN} bytes")))
    }
}
