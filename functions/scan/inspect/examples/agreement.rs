//! Says of many files what an inspection finds, and what it sees in them: for `tests/agreement`, which compares that with
//! what other programs unpack. Reads a line for each from standard input, `<declared type> TAB <path>`, and writes one,
//! `<path> TAB <outcome> TAB <reason> TAB <checksum>:<length>,…` of all members at any depth.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "../tests/inspect/inspected.rs"]
mod inspected;

use airlock_formats::{Budget, Facts, Format, Member, Refusal, Scratch, Unpacker, Visitor};
use airlock_inspect::LIMITS;
use inspected::inspected;
use std::{
    fs, io,
    ops::ControlFlow,
    path::Path,
    time::{Duration, Instant},
};

/// The members that a walk shows.
#[derive(Default)]
struct Seen(Vec<String>);

impl Visitor for Seen {
    fn member(&mut self, member: Member<'_>, unpacker: &mut Unpacker) -> ControlFlow<()> {
        self.0.push(format!("{:08x}:{}", crc32fast::hash(member.bytes), member.bytes.len()));
        match Format::of(member.bytes) {
            Some(format) => unpacker.walk(format, member.name, member.bytes, self).flow,
            None => ControlFlow::Continue(()),
        }
    }

    fn decoded(&mut self, _: &str, _: &[u8], _: &mut Unpacker) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn facts(&mut self, _: &str, _: &Facts, _: &mut Unpacker) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn refused(&mut self, _: Refusal) {}
}

fn main() {
    for line in io::stdin().lines() {
        let line = line.unwrap();
        let (declared, path) = line.split_once('\t').unwrap();
        let bytes = fs::read(path).unwrap();
        let name = Path::new(path).file_name().unwrap().to_str().unwrap();
        let found = inspected(declared, name, &bytes);
        let budget = Budget::new(LIMITS, bytes.len() as u64, Instant::now() + Duration::from_secs(60));
        let mut unpacker = Unpacker::new(Scratch::new(tempfile::tempfile().unwrap()), budget);
        let mut seen = Seen::default();
        if let Some(format) = Format::of(&bytes) {
            drop(unpacker.walk(format, name, &bytes, &mut seen));
        }
        let reason = found.reason.unwrap_or_default().replace(['\t', '\n'], " ");
        println!("{path}\t{:?}\t{reason}\t{}", found.outcome, seen.0.join(","));
    }
}
