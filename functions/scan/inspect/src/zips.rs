//! Archives that open as ZIP as well. A program that looks for a ZIP from the end of a file finds one
//! that lies inside, too: the last member of a tar, say, or what a compressed file holds as it is.
//! That ZIP was walked as a member, and is no second file. Any other was not.

use airlock_unpack::{Format, ZIP_WITHIN, has_zip_member, zip_directory, zip_traces};
use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    ops::Range,
};

/// What was walked so far.
#[derive(Default)]
pub(crate) struct SeenZips {
    /// Where the members of the archive that is walked lie in memory. Those that were unpacked lie
    /// elsewhere than the archive.
    places: Vec<Range<usize>>,
    /// The directories of all ZIPs in the object.
    directories: HashSet<u64>,
    hasher: RandomState,
}

/// The members of the archive that is around the one that is walked.
pub(crate) struct Outside(Vec<Range<usize>>);

fn place(bytes: &[u8]) -> Range<usize> {
    let range = bytes.as_ptr_range();
    range.start.addr()..range.end.addr()
}

impl SeenZips {
    /// Notes a member: if its end is that of a ZIP, this is found out when it is looked at itself.
    pub(crate) fn saw(&mut self, member: &[u8]) {
        self.places.push(place(member));
    }

    /// Begins with the members of an archive.
    pub(crate) fn enter(&mut self) -> Outside {
        Outside(std::mem::take(&mut self.places))
    }

    /// Forgets them: other content may come to lie in their place.
    pub(crate) fn leave(&mut self, outside: Outside) {
        self.places = outside.0;
    }

    /// Whether an archive that was walked as `format` opens as another ZIP than those within it. A ZIP
    /// does not: its walk ends at the last end record. It is noted.
    pub(crate) fn is_zip_too(&mut self, format: Format, archive: &[u8]) -> bool {
        let from = archive.len().saturating_sub(ZIP_WITHIN);
        let traces = zip_traces(&archive[from..], || has_zip_member(archive));
        let traces = traces.into_iter().map(|trace| trace.start + from..trace.end + from);
        let is_end = |trace: &Range<usize>| archive[trace.start..].starts_with(b"PK\x05\x06");
        if format == Format::Zip {
            let directory = traces.filter(is_end).last().and_then(|end| zip_directory(archive, end.start));
            self.directories.extend(directory.map(|directory| self.hasher.hash_one(directory)));
            return false;
        }
        let base = place(archive).start;
        traces.into_iter().any(|trace| match format {
            // Members lie in it as they are.
            Format::Tar => !self
                .places
                .iter()
                .any(|member| member.start <= base + trace.start && base + trace.end <= member.end),
            // Of a ZIP in compressed data only pieces can be found; a program needs an end record.
            _ => is_end(&trace) && !self.has_directory(zip_directory(archive, trace.start)),
        })
    }

    fn has_directory(&self, directory: Option<&[u8]>) -> bool {
        directory.is_some_and(|directory| self.directories.contains(&self.hasher.hash_one(directory)))
    }
}
