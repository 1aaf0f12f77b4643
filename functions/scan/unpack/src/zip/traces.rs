//! What a ZIP leaves at the end of a file that is something else. Programs look for a ZIP from the
//! end, and repair what its records say: wrong places, saturated numbers, missing records. So no
//! number is believed here; a record is there or it is not.

use memchr::memmem;
use std::ops::Range;

/// How far from the end programs look: `unzip` goes back 66,000 bytes, others a little less.
pub const ZIP_WITHIN: usize = 66_000;

const END: usize = 22;
const ENTRY: &[u8] = b"PK\x01\x02";

/// The places of all records of a ZIP in `tail`, which is the end of a file. An end record counts
/// only if `has_entry` says that the file has an entry of a directory anywhere: four bytes alone
/// occur in large files by chance, and without an entry no program shows a member.
pub fn zip_traces(tail: &[u8], has_entry: impl FnOnce() -> bool) -> Vec<Range<usize>> {
    let mut ends = Vec::new();
    let mut others = Vec::new();
    for at in memmem::find_iter(tail, b"PK") {
        match tail[at..] {
            // Any end record, whatever it says: its comment need not even fit.
            [_, _, 5, 6, ..] if at + END <= tail.len() => ends.push(at..at + END),
            _ if is_record(&tail[at..]) => others.push(at..at + 4),
            _ => {}
        }
    }
    if !ends.is_empty() && (!others.is_empty() || has_entry()) {
        others.append(&mut ends);
    }
    others
}

/// Whether `bytes` hold an entry of a directory.
pub fn has_zip_entry(bytes: &[u8]) -> bool {
    memmem::find(bytes, ENTRY).is_some()
}

/// The other records that tell a program of a ZIP: an entry of the directory, the zip64 end record
/// and its locator. Only what no program repairs is looked at.
fn is_record(bytes: &[u8]) -> bool {
    match bytes {
        // The compression method, the length of the name and the half of the attributes that
        // no program sets.
        [_, _, 1, 2, _, _, _, _, _, _, method, 0, rest @ ..] => {
            matches!(method, 0..=20 | 93..=99) && rest.get(16..18).is_some_and(|length| length != [0, 0])
        }
        // Its size: at least 44, and less than a file has.
        [_, _, 6, 6, rest @ ..] => rest.get(2..8).is_some_and(|size| size == [0; 6]),
        // The number of disks.
        [_, _, 6, 7, rest @ ..] => rest.get(12..16).is_some_and(|disks| disks[1..] == [0; 3]),
        _ => false,
    }
}

/// The directory and the end record that lie in front of and at `end`, the place of an end record, if
/// they do lie there. Two ZIPs that are equal in this have the same members.
pub fn zip_directory(bytes: &[u8], end: usize) -> Option<&[u8]> {
    let record = bytes.get(end..end + END)?;
    let size = u32::from_le_bytes([record[12], record[13], record[14], record[15]]);
    let start = end.checked_sub(usize::try_from(size).ok()?)?;
    bytes.get(start..end + END).filter(|directory| directory.starts_with(ENTRY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn records_are_found_whatever_they_say() {
        let count = |tail: &[u8], has_entry| zip_traces(tail, || has_entry).len();
        let end = [&b"PK\x05\x06\0\0\0\0"[..], &[0xff; 14]].concat();
        assert_eq!((count(&end, true), count(&end, false), count(&end[..21], true)), (1, 0, 0));
        let entry = [&b"PK\x01\x02\x14\0\x14\0\0\0\x08\0"[..], &[7; 16], b"\x01\0", &[0; 20]].concat();
        assert_eq!(count(&entry, false), 1);
        assert_eq!(count(&[&entry[..], &end].concat(), false), 2);
        assert_eq!(count(&[&b"PK\x06\x06\x2c\0\0\0\0\0\0\0"[..], &[9; 44]].concat(), false), 1);
        assert_eq!(count(&[&b"PK\x06\x07"[..], &[9; 12], &[1, 0, 0, 0]].concat(), false), 1);
        assert_eq!(count(b"PK, PK\x01\x02, PK\x06\x06, PK\x06\x07 and PK\x05\x06", true), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_looked_through(bytes in prop::collection::vec(prop::sample::select(b"PK\x01\x02\x05\x06\x07\0".to_vec()), 0..200)) {
            for place in zip_traces(&bytes, || true) {
                prop_assert!(place.end <= bytes.len());
                let _ = zip_directory(&bytes, place.start);
            }
        }
    }
}
