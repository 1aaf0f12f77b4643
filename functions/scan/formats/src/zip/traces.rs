//! What a ZIP leaves at the end of a file that is something else. Programs look for a ZIP from the
//! end, and repair what its records say: wrong places, saturated numbers, missing records. So no
//! number is trusted here: only the presence of a record counts.

use memchr::memmem;
use std::ops::Range;

/// How far from the end programs look: `unzip` goes back 66,000 bytes, others a little less.
pub const ZIP_WITHIN: usize = 66_000;

const END: usize = 22;
const ENTRY: &[u8] = b"PK\x01\x02";
const HEADER: &[u8] = b"PK\x03\x04";

/// The places of all records of a ZIP in `tail`, which is the end of a file, if `has_member` says that
/// the file has a member anywhere: four bytes alone occur in large files by chance, and without a
/// member there is nothing to show.
pub fn zip_traces(tail: &[u8], has_member: impl FnOnce() -> bool) -> Vec<Range<usize>> {
    let record = |at: usize| match tail[at..] {
        // Any end record counts, whatever it says: even its comment need not fit.
        [_, _, 5, 6, ..] if at + END <= tail.len() => Some(at..at + END),
        // Of a member's header nothing shows anything but from the start of a file.
        [_, _, 3, 4, ..] => None,
        _ => is_record(&tail[at..]).then_some(at..at + 4),
    };
    let found: Vec<_> = memmem::find_iter(tail, b"PK").filter_map(record).collect();
    if !found.is_empty() && has_member() { found } else { Vec::new() }
}

/// What a ZIP that shows a member has somewhere. Looked for piece by piece, which overlap by
/// [`ZipMember::OVERLAP`] bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ZipMember {
    has_entry: bool,
    has_header: bool,
}

impl ZipMember {
    /// The bytes that must be seen together.
    pub const OVERLAP: usize = 46;

    /// Searches a piece. Signatures alone are not enough: every program that reads ZIPs contains them.
    pub fn look(&mut self, piece: &[u8]) {
        let find = |signature: &[u8]| memmem::find_iter(piece, signature).any(|at| is_record(&piece[at..]));
        self.has_entry |= find(ENTRY);
        self.has_header |= find(HEADER);
    }

    /// Whether there is an entry of a directory, and a header of a member.
    pub fn is_there(self) -> bool {
        self.has_entry && self.has_header
    }
}

/// Whether a member's header begins here, of any method that programs have.
pub fn is_zip_member_header(bytes: &[u8]) -> bool {
    bytes.starts_with(HEADER) && is_record(bytes)
}

/// Whether all of a file that has a ZIP's records at its end holds a member of it.
pub fn has_zip_member(bytes: &[u8]) -> bool {
    let mut member = ZipMember::default();
    member.look(bytes);
    member.is_there()
}

/// The other records of a ZIP: an entry of the directory, a member's header, the zip64 end record and
/// its locator. Only what no program repairs is looked at.
fn is_record(bytes: &[u8]) -> bool {
    match bytes {
        // The compression method, the length of the name and the half of the attributes that
        // no program sets.
        [_, _, 1, 2, _, _, _, _, _, _, method, 0, rest @ ..] => {
            matches!(method, 0..=20 | 93..=99) && rest.get(16..18).is_some_and(|length| length != [0, 0])
        }
        [_, _, 3, 4, _, _, _, _, method, 0, rest @ ..] => {
            matches!(method, 0..=20 | 93..=99) && rest.get(16..18).is_some_and(|length| length != [0, 0])
        }
        // Its size: at least 44, and less than a file has.
        [_, _, 6, 6, rest @ ..] => rest.get(2..8).is_some_and(|size| size == [0; 6]),
        // The record's disk, and how many there are.
        [_, _, 6, 7, 0, 0, 0, 0, rest @ ..] => matches!(rest.get(8..12), Some([0 | 1, 0, 0, 0])),
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
        let count = |tail: &[u8], has_member| zip_traces(tail, || has_member).len();
        let end = [&b"PK\x05\x06\0\0\0\0"[..], &[0xff; 14]].concat();
        assert_eq!((count(&end, true), count(&end, false), count(&end[..21], true)), (1, 0, 0));
        let entry = [&b"PK\x01\x02\x14\0\x14\0\0\0\x08\0"[..], &[7; 16], b"\x01\0", &[0; 20]].concat();
        assert_eq!((count(&entry, true), count(&entry, false)), (1, 0));
        assert_eq!(count(&[&entry[..], &end].concat(), true), 2);
        assert_eq!(count(&[&b"PK\x06\x06\x2c\0\0\0\0\0\0\0"[..], &[9; 44]].concat(), true), 1);
        assert_eq!(count(&[&b"PK\x06\x07\0\0\0\0"[..], &[9; 8], &[1, 0, 0, 0]].concat(), true), 1);
        assert_eq!(count(b"PK, PK\x01\x02, PK\x06\x06, PK\x06\x07 and PK\x05\x06", true), 0);
    }

    #[test]
    fn a_member_is_found_in_pieces() {
        let header = [&b"PK\x03\x04\x14\0\0\0\x08\0"[..], &[7; 16], b"\x01\0\0\0a"].concat();
        let entry = [&b"PK\x01\x02\x14\0\x14\0\0\0\x08\0"[..], &[7; 16], b"\x01\0", &[0; 20]].concat();
        assert!(has_zip_member(&[&header[..], &entry].concat()));
        assert!(!has_zip_member(&header) && !has_zip_member(&entry));
        assert!(!has_zip_member(b"the constants PK\x03\x04, PK\x01\x02 and PK\x05\x06 of a program"));
        let mut member = ZipMember::default();
        member.look(&entry);
        assert!(!member.is_there());
        member.look(&header);
        assert!(member.is_there());
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
