//! Archives that open as ZIP as well. A program that looks for a ZIP from the end of a file also finds one that is a
//! member: the last member of a tar, say, or the stored content of a compressed file. That ZIP was walked as a
//! member. Any other ZIP was not, so the archive is refused.

use crate::{Format, ZIP_WITHIN, has_zip_member, zip_directory, zip_traces};
use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    ops::Range,
};

/// How many ZIPs of those that were walked may show at the end of compressed data, and how long their
/// directories may be: all of this is hashed.
const MOST_ENDS: usize = 64;
const LONGEST_DIRECTORY: usize = 4 << 20;

/// What was walked so far.
#[derive(Default)]
pub struct SeenZips {
    /// Where the members of the archive that is walked lie in memory. Those that were unpacked lie
    /// elsewhere than the archive.
    places: Vec<Range<usize>>,
    /// The directories of all ZIPs in the object.
    directories: HashSet<u64>,
    hasher: RandomState,
}

/// The members of the archive that is around the one that is walked.
pub struct Outside(Vec<Range<usize>>);

fn place(bytes: &[u8]) -> Range<usize> {
    let range = bytes.as_ptr_range();
    range.start.addr()..range.end.addr()
}

impl SeenZips {
    /// Notes a member. Whether it ends as a ZIP is checked when it is inspected itself.
    pub fn saw(&mut self, member: &[u8]) {
        self.places.push(place(member));
    }

    /// Begins with the members of an archive.
    pub fn enter(&mut self) -> Outside {
        Outside(std::mem::take(&mut self.places))
    }

    /// Forgets them: their memory may be reused for other content.
    pub fn leave(&mut self, outside: Outside) {
        self.places = outside.0;
    }

    /// Whether an archive that was walked as `format` opens as another ZIP than those within it. A ZIP
    /// does not: its walk ends at the last end record. It is noted.
    pub fn is_zip_too(&mut self, format: Format, archive: &[u8]) -> bool {
        let from = archive.len().saturating_sub(ZIP_WITHIN);
        let traces = zip_traces(&archive[from..], || has_zip_member(archive));
        let mut traces = traces.into_iter().map(|trace| trace.start + from..trace.end + from);
        let is_end = |trace: &Range<usize>| archive[trace.start..].starts_with(b"PK\x05\x06");
        if format == Format::Zip {
            let directory = traces.rfind(is_end).and_then(|end| zip_directory(archive, end.start));
            self.directories.extend(directory.map(|directory| self.hasher.hash_one(directory)));
            return false;
        }
        if format == Format::Tar {
            // The members of a tar are stored as they are.
            let base = place(archive).start;
            let holds = |member: &Range<usize>, trace: &Range<usize>| {
                member.start <= base + trace.start && base + trace.end <= member.end
            };
            return traces.into_iter().any(|trace| !self.places.iter().any(|member| holds(member, &trace)));
        }
        // Of a ZIP in compressed data only pieces can be found; a program needs an end record.
        let ends: Vec<_> = traces.filter(is_end).collect();
        ends.len() > MOST_ENDS
            || ends.into_iter().any(|end| !self.has_directory(zip_directory(archive, end.start)))
    }

    fn has_directory(&self, directory: Option<&[u8]>) -> bool {
        let directory = directory.filter(|directory| directory.len() <= LONGEST_DIRECTORY);
        directory.is_some_and(|directory| self.directories.contains(&self.hasher.hash_one(directory)))
    }
}
