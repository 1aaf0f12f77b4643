//! Whatever an archive holds, it is walked within its limits: no panic, no more members and bytes
//! than allowed, and every path can be shown.
#![no_main]

use airlock_unpack::{Budget, Format, Limits, Member, Refusal, Scratch, Unpacker, Visitor};
use libfuzzer_sys::fuzz_target;
use std::{
    fs::File,
    ops::ControlFlow,
    time::{Duration, Instant},
};

/// Small, so that one run is short, and more than what stays in memory.
const LIMITS: Limits = Limits {
    depth: 4,
    members: 200,
    member_bytes: 2 << 20,
    total_bytes: 4 << 20,
    multiple: 1,
    floor_bytes: 3 << 20,
    ratio: 100,
    path_bytes: 256,
    window_bytes: 4 << 20,
};

/// What was shown so far.
#[derive(Default)]
struct Seen {
    members: u64,
    bytes: u64,
    refusals: u64,
}

impl Visitor for Seen {
    fn member(&mut self, member: Member<'_>, unpacker: &mut Unpacker) -> ControlFlow<()> {
        let size = member.bytes.len() as u64;
        self.members += 1;
        self.bytes += size;
        assert!(size <= unpacker.budget().limits().member_bytes);
        assert!(self.members <= LIMITS.members);
        assert!(self.bytes <= unpacker.budget().spent(), "what is shown has been charged");
        assert_path(member.path);
        assert_path(member.name);
        match Format::of(member.bytes) {
            Some(format) => unpacker.walk(format, member.name, member.bytes, self),
            None => ControlFlow::Continue(()),
        }
    }

    fn refused(&mut self, refusal: Refusal) {
        self.refusals += 1;
        assert!(self.refusals <= 4 * LIMITS.members + 1, "{refusal}");
        assert_path(&refusal.path);
        assert!(refusal.to_string().len() < 4096);
    }
}

fn assert_path(path: &str) {
    assert!(path.chars().count() <= 200 && !path.chars().any(char::is_control), "{path:?}");
}

/// Puts the checksums of a 7z file's headers right, as whoever means harm would.
fn mended(mut archive: Vec<u8>) -> Vec<u8> {
    if !archive.starts_with(b"7z\xbc\xaf\x27\x1c") || archive.len() < 32 {
        return archive;
    }
    let number = |at: usize| archive[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let start = 32_u64.saturating_add(number(12));
    let end = start.saturating_add(number(20));
    if let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end))
        && let Some(header) = archive.get(start..end)
    {
        let sum = crc32fast::hash(header);
        archive[28..32].copy_from_slice(&sum.to_le_bytes());
    }
    let sum = crc32fast::hash(&archive[12..32]);
    archive[8..12].copy_from_slice(&sum.to_le_bytes());
    archive
}

fn scratch() -> File {
    tempfile::tempfile().expect("a temporary file can be made")
}

fuzz_target!(|input: &[u8]| {
    let Some(format) = Format::of(input) else { return };
    let archive = mended(input.to_vec());
    let deadline = Instant::now() + Duration::from_secs(3600);
    let budget = Budget::new(LIMITS, archive.len() as u64, deadline);
    let limits = *budget.limits();
    let most = limits.total_bytes.min(archive.len() as u64 * LIMITS.ratio + LIMITS.floor_bytes);
    let mut unpacker = Unpacker::new(Scratch::new(scratch()), budget);
    let _: ControlFlow<()> = unpacker.walk(format, "object", &archive, &mut Seen::default());
    assert!(unpacker.budget().spent() <= most);
});
