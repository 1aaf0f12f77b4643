//! Archives as real programs write them, archives made to mislead, and anything else: what the walk
//! shows, and what it refuses. `tests/archives` has what `tar`, `zip`, `7z`, `bsdtar`, `xz`, `zstd`,
//! `bzip2` and Python's `zipfile` and `py7zr` made of one folder.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod hostile;
mod real;
mod seven_zip;
mod streams;
mod tar_files;
mod zip_files;
mod zip_writer;

use airlock_formats::{Budget, Facts, Format, Limits, Member, Refusal, Scratch, Unpacker, Visitor, Why};
use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

const LIMITS: Limits = Limits {
    depth: 4,
    members: 1_000,
    member_bytes: 16 << 20,
    total_bytes: 32 << 20,
    multiple: 1,
    floor_bytes: 8 << 20,
    ratio: 100,
    path_bytes: 256,
    window_bytes: 32 << 20,
    pixels: 1 << 20,
    frames: 100,
};

/// What a walk showed: paths and contents, and what was refused.
#[derive(Default)]
struct Seen {
    members: Vec<(String, Vec<u8>)>,
    decoded: Vec<(String, Vec<u8>)>,
    facts: String,
    refusals: Vec<Refusal>,
    spent: u64,
}

impl Seen {
    fn paths(&self) -> Vec<&str> {
        self.members.iter().map(|(path, _)| path.as_str()).collect()
    }

    fn reasons(&self) -> Vec<String> {
        self.refusals.iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn only_refusal(&self) -> &Why {
        assert_eq!(self.refusals.len(), 1, "{:?} beside {:?}", self.reasons(), self.paths());
        &self.refusals[0].why
    }
}

impl Visitor for Seen {
    fn member(&mut self, member: Member<'_>, unpacker: &mut Unpacker) -> ControlFlow<()> {
        self.members.push((member.path.to_owned(), member.bytes.to_vec()));
        match Format::of(member.bytes) {
            Some(format) => unpacker.walk(format, member.name, member.bytes, self).flow,
            None => ControlFlow::Continue(()),
        }
    }

    fn decoded(&mut self, path: &str, bytes: &[u8], _: &mut Unpacker) -> ControlFlow<()> {
        self.decoded.push((path.to_owned(), bytes.to_vec()));
        ControlFlow::Continue(())
    }

    fn facts(&mut self, _: &str, facts: &Facts, _: &mut Unpacker) -> ControlFlow<()> {
        self.facts.push_str(facts.text());
        ControlFlow::Continue(())
    }

    fn refused(&mut self, refusal: Refusal) {
        self.refusals.push(refusal);
    }
}

fn walked_as(format: Format, name: &str, bytes: &[u8], limits: Limits) -> Seen {
    let budget = Budget::new(limits, bytes.len() as u64, Instant::now() + Duration::from_secs(30));
    let mut unpacker = Unpacker::new(Scratch::new(tempfile::tempfile().unwrap()), budget);
    let mut seen = Seen::default();
    let _walked = unpacker.walk(format, name, bytes, &mut seen);
    seen.spent = unpacker.budget().spent();
    seen
}

#[track_caller]
fn walked(name: &str, bytes: &[u8]) -> Seen {
    walked_as(Format::of(bytes).unwrap_or_else(|| panic!("{name} is no archive")), name, bytes, LIMITS)
}
