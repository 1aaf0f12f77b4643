//! Walks any archive within its limits: no panic, no more members and bytes
//! than allowed, and every path can be shown.
#![no_main]

use airlock_formats::{Budget, Facts, Format, Limits, Member, Refusal, Scratch, Unpacker, Visitor};
use libfuzzer_sys::fuzz_target;
use std::{
    fs::File,
    ops::ControlFlow,
    time::{Duration, Instant},
};

/// Small, so that one run is short, and above the size that stays in memory.
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
    pixels: 1 << 20,
    frames: 100,
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
            Some(format) => unpacker.walk(format, member.name, member.bytes, self).flow,
            None => ControlFlow::Continue(()),
        }
    }

    fn decoded(&mut self, path: &str, bytes: &[u8], unpacker: &mut Unpacker) -> ControlFlow<()> {
        self.bytes += bytes.len() as u64;
        assert!(self.bytes <= unpacker.budget().spent(), "what is shown has been charged");
        assert_path(path);
        ControlFlow::Continue(())
    }

    fn facts(&mut self, path: &str, _: &Facts, _: &mut Unpacker) -> ControlFlow<()> {
        assert_path(path);
        ControlFlow::Continue(())
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

/// Corrects the checksums of headers, as an attacker would: behind a wrong one nothing is read.
fn mend(archive: &mut [u8]) {
    if archive.starts_with(b"7z\xbc\xaf\x27\x1c") {
        mend_seven_zip(archive);
    } else if archive.starts_with(b"\xfd7zXZ\0") {
        mend_xz(archive);
    } else {
        let (blocks, _) = archive.as_chunks_mut::<512>();
        blocks.iter_mut().filter(|block| block[257..262] == *b"ustar").for_each(mend_tar);
    }
}

/// The header at the end, and the one at the start with the other's checksum (7zFormat.txt).
fn mend_seven_zip(archive: &mut [u8]) {
    let number = |at: usize| archive.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    let place = |number: u64| usize::try_from(number).ok();
    let start = number(12).and_then(place).and_then(|start| start.checked_add(32));
    let end = start.zip(number(20).and_then(place)).and_then(|(start, size)| start.checked_add(size));
    if let Some((start, end)) = start.zip(end)
        && let Some(header) = archive.get(start..end)
    {
        let sum = crc32fast::hash(header);
        archive[28..32].copy_from_slice(&sum.to_le_bytes());
    }
    if let Some(start) = archive.get(12..32) {
        let sum = crc32fast::hash(start);
        archive[8..12].copy_from_slice(&sum.to_le_bytes());
    }
}

/// The header of the stream and that of its first block (xz-file-format, 2.1.1 and 3.1).
fn mend_xz(archive: &mut [u8]) {
    let Some(size) = archive.get(12).map(|size| 4 * usize::from(*size)) else { return };
    for (header, sum) in [(6..8, 8), (12..12 + size, 12 + size)] {
        if archive.len() >= sum + 4 {
            let value = crc32fast::hash(&archive[header]);
            archive[sum..sum + 4].copy_from_slice(&value.to_le_bytes());
        }
    }
}

fn mend_tar(block: &mut [u8; 512]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

fn scratch() -> File {
    tempfile::tempfile().expect("a temporary file can be made")
}

fuzz_target!(|input: &[u8]| {
    let mut archive = input.to_vec();
    mend(&mut archive);
    let Some(format) = Format::of(&archive) else { return };
    let deadline = Instant::now() + Duration::from_secs(3600);
    let budget = Budget::new(LIMITS, archive.len() as u64, deadline);
    let limits = *budget.limits();
    let most = limits.total_bytes.min(archive.len() as u64 * LIMITS.ratio + LIMITS.floor_bytes);
    let mut unpacker = Unpacker::new(Scratch::new(scratch()), budget);
    let _walked = unpacker.walk(format, "object", &archive, &mut Seen::default());
    assert!(unpacker.budget().spent() <= most);
});
