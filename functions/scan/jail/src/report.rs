//! The frame of a report: its length in four bytes, little-endian, and its bytes; nothing else.

use crate::Ended;
use std::io::{self, Write};

/// The longest report, in bytes.
pub const MAX_REPORT: usize = 64 * 1024;

/// What is wrong with a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadReport {
    /// It ends early.
    #[error("the report is torn")]
    Torn,
    /// It is longer than [`MAX_REPORT`].
    #[error("the report is too long")]
    TooLong,
    /// Something follows it.
    #[error("something follows the report")]
    Trailing,
}

/// Writes a report.
pub(crate) fn write(mut to: impl Write, report: &[u8]) -> io::Result<()> {
    // A length that does not fit is refused by the reader as too long.
    to.write_all(&u32::try_from(report.len()).unwrap_or(u32::MAX).to_le_bytes())?;
    to.write_all(report)
}

/// Whether the report is known to be malformed, whatever bytes follow.
pub(crate) fn is_decided(frame: &[u8]) -> bool {
    match frame.split_first_chunk() {
        None => false,
        Some((length, rest)) => {
            let length = u32::from_le_bytes(*length) as usize;
            length > MAX_REPORT || rest.len() > length
        }
    }
}

/// The report of a process that exited with `code`.
pub(crate) fn of_exited(code: i32, frame: Vec<u8>) -> Result<Vec<u8>, Ended> {
    match read(frame) {
        // The parent stops reading such a report, so the child may have failed for that reason alone.
        Err(bad @ (BadReport::TooLong | BadReport::Trailing)) => Err(bad.into()),
        _ if code != 0 => Err(Ended::Exited(code)),
        read => Ok(read?),
    }
}

/// Parses everything that the child wrote.
fn read(mut frame: Vec<u8>) -> Result<Vec<u8>, BadReport> {
    let Some((length, rest)) = frame.split_first_chunk() else { return Err(BadReport::Torn) };
    let length = u32::from_le_bytes(*length) as usize;
    if length > MAX_REPORT {
        return Err(BadReport::TooLong);
    }
    match rest.len() {
        found if found < length => Err(BadReport::Torn),
        found if found > length => Err(BadReport::Trailing),
        _ => {
            frame.drain(..4);
            Ok(frame)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framed(report: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        write(&mut frame, report).unwrap();
        frame
    }

    proptest! {
        #[test]
        fn only_the_whole_frame_is_a_report(report in prop::collection::vec(any::<u8>(), 0..300), cut in 0_usize..300) {
            let frame = framed(&report);
            prop_assert_eq!(read(frame.clone()), Ok(report));
            prop_assert!(!is_decided(&frame));
            let torn = &frame[..cut.min(frame.len() - 1)];
            prop_assert_eq!(read(torn.to_vec()), Err(BadReport::Torn));
            prop_assert!(!is_decided(torn));
            let trailing = [frame, vec![0]].concat();
            prop_assert!(is_decided(&trailing));
            prop_assert_eq!(read(trailing), Err(BadReport::Trailing));
        }

        #[test]
        fn no_bytes_bring_the_reader_down(frame in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = is_decided(&frame);
            if let Ok(report) = read(frame.clone()) {
                prop_assert_eq!(framed(&report), frame);
            }
        }
    }

    #[test]
    fn only_a_whole_report_and_a_good_exit_count() {
        let whole = || framed(b"clean");
        assert_eq!(of_exited(0, whole()), Ok(b"clean".to_vec()));
        assert_eq!(of_exited(1, whole()), Err(Ended::Exited(1)));
        assert_eq!(of_exited(1, Vec::new()), Err(Ended::Exited(1)));
        assert_eq!(of_exited(0, Vec::new()), Err(Ended::Report(BadReport::Torn)));
        assert_eq!(of_exited(1, [whole(), whole()].concat()), Err(Ended::Report(BadReport::Trailing)));
    }

    #[test]
    fn the_longest_report_passes_and_one_byte_more_does_not() {
        let longest = vec![7; MAX_REPORT];
        assert_eq!(read(framed(&longest)), Ok(longest));
        let longer = framed(&vec![7; MAX_REPORT + 1]);
        assert!(is_decided(&longer[..4]));
        assert_eq!(read(longer), Err(BadReport::TooLong));
    }
}
