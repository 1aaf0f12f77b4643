//! Archives that unpack without end, or claim to: each is decided in a moment and in little memory,
//! by a process that can open nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(clippy::print_stdout, reason = "the child answers on standard output")]

mod make;

use airlock_content::{
    Declared,
    policy::Policy,
    verdict::Outcome::{self, Clean, LimitsExceeded, Malicious, Mismatch},
};
use airlock_engine::EngineKind;
use airlock_inspect::{Bounds, Finding, LIMITS, engine, inspect};
use make::{EMPTY_XZ, gzip, tar_header, zip_of};
use rustix::{
    process::{Resource, Rlimit, setrlimit},
    time::{ClockId, clock_gettime},
};
use serde::{Deserialize, Serialize};
use std::{
    env,
    fs::File,
    io::{Seek, Write},
    process::Command,
    sync::LazyLock,
    time::Duration,
};
use zip::CompressionMethod::{Deflated, Stored};

/// The time in which the rules alone look at as many bytes as a small object may unpack to.
static RULES_ALONE: LazyLock<Duration> = LazyLock::new(|| {
    let (engine, zeros) = (engine(EngineKind::Yara).unwrap(), vec![0; 1 << 20]);
    let mut scanner = engine.scanner();
    let begun = thread_time();
    for _ in 0..LIMITS.total_bytes >> 20 {
        scanner.scan(&zeros, &declared("a.zip", 1 << 20), Duration::from_secs(60)).unwrap();
    }
    thread_time() - begun
});
/// How many times longer an inspection may take, which unpacks and identifies them, too. In a debug build only
/// the rules are fast.
const MOST_TIMES: u32 = if cfg!(debug_assertions) { 30 } else { 10 };
const MOST_MEMORY_KB: u64 = 256_000;

const OBJECT: &str = "AIRLOCK_TEST_OBJECT";
const SCRATCH: &str = "AIRLOCK_TEST_SCRATCH";
const FILE_NAME: &str = "AIRLOCK_TEST_FILE_NAME";

/// What the child answers.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    finding: Finding,
    processor_time: Duration,
    peak_kb: u64,
}

fn declared(file_name: &str, size: u64) -> Declared<'_> {
    let content_type = match file_name.rsplit_once('.').unwrap().1 {
        "zip" => "application/zip",
        "tar" => "application/x-tar",
        "gz" => "application/gzip",
        "7z" => "application/x-7z-compressed",
        other => panic!("{other}"),
    };
    Declared { content_type, file_name, size }
}

/// Not a test by itself: the process that inspects one object.
#[test]
fn child() {
    let Some(object) = env::var_os(OBJECT) else { return };
    let file_name = env::var(FILE_NAME).unwrap();
    let object = File::open(object).unwrap();
    let scratch = File::options().read(true).write(true).open(env::var_os(SCRATCH).unwrap()).unwrap();
    let [mut status, mut stat] =
        ["status", "stat"].map(|file| File::open(format!("/proc/self/{file}")).unwrap());
    let engine = engine(EngineKind::Yara).unwrap();
    // From here on nothing can be opened.
    setrlimit(Resource::Nofile, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
    let declared = declared(&file_name, object.metadata().unwrap().len());
    let before = processor_time(&mut stat);
    let bounds = Bounds { scratch, limits: LIMITS, timeout: Duration::from_secs(60) };
    let policy = Policy::parse("default", u64::MAX).unwrap();
    let finding = inspect(&mut engine.scanner(), &policy, &object, &declared, bounds);
    let processor_time = processor_time(&mut stat) - before;
    let status = reread(&mut status);
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kb = peak.trim().trim_end_matches(" kB").parse().unwrap();
    println!("\nANSWER {}", serde_json::to_string(&Answer { finding, processor_time, peak_kb }).unwrap());
}

fn reread(file: &mut File) -> String {
    file.rewind().unwrap();
    std::io::read_to_string(file).unwrap()
}

/// What this process has used so far: fields 14 and 15 of `/proc/self/stat`, in hundredths of a
/// second (proc_pid_stat(5)).
fn processor_time(stat: &mut File) -> Duration {
    let text = reread(stat);
    let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_ascii_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

/// What this thread has used so far.
fn thread_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

fn inspected(file_name: &str, bytes: &[u8]) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let (object, scratch) = (folder.path().join("object"), folder.path().join("scratch"));
    File::create(&object).unwrap().write_all(bytes).unwrap();
    File::create(&scratch).unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(OBJECT, &object)
        .env(SCRATCH, &scratch)
        .env(FILE_NAME, file_name)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let answer = text.lines().find_map(|line| line.strip_prefix("ANSWER "));
    let answer = answer.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(answer).unwrap()
}

#[track_caller]
fn assert_decided(what: &str, file_name: &str, bytes: &[u8], outcome: Outcome) {
    let Answer { finding, processor_time: time, peak_kb } = inspected(file_name, bytes);
    println!(
        "{what}: {} bytes, {:?} in {time:.1?} with {peak_kb} kB: {}",
        bytes.len(),
        finding.outcome,
        finding.reason.as_deref().unwrap_or_default()
    );
    assert_eq!(finding.outcome, outcome, "{what}: {finding:?}");
    let alone = *RULES_ALONE;
    assert!(time < alone * MOST_TIMES, "{what}: {time:?}, and the rules alone {alone:?}");
    assert!(peak_kb < MOST_MEMORY_KB, "{what}: {peak_kb} kB");
}

#[test]
fn honest_archives_pass_where_nothing_can_be_opened() {
    let text = b"2026-01-01 00:00:00 GET /index.html 200\n".repeat(100_000);
    let inner = zip_of(3, ".log", &text[..2_000_000], Deflated);
    assert_decided("text, 4 MB", "a.log.gz", &gzip(&text), Clean);
    assert_decided("texts in a ZIP in a ZIP", "a.zip", &zip_of(3, ".zip", &inner, Deflated), Clean);
    let mut tar = tar_header("a.zip", inner.len() as u64);
    tar.extend_from_slice(&inner);
    tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
    assert_decided("texts in a ZIP in a tar", "a.tar", &tar, Clean);
}

#[test]
fn zip_bombs() {
    assert_decided("overlapping ZIP", "a.zip", &make::overlapping(250, 21 << 20), Mismatch);
    assert_decided("1,000 nested ZIPs", "a.zip", &make::nested(1_000), LimitsExceeded);
    let many = zip_of(70_000, "", b"", Stored);
    assert_decided("70,000 members, zip64", "a.zip", &many, LimitsExceeded);
    // 100 × 100 × 100 members of 1 MB.
    let one = zip_of(100, ".txt", &vec![b'a'; 1 << 20], Deflated);
    let three = zip_of(100, ".zip", &zip_of(100, ".zip", &one, Deflated), Deflated);
    assert_decided("a million megabytes", "a.zip", &three, LimitsExceeded);
    let large = zip_of(20, ".txt", &vec![0; 100 << 20], Deflated);
    assert_decided("announced 2 GiB", "a.zip", &large, LimitsExceeded);
    let one = zip_of(1, ".txt", &vec![0; 130 << 20], Deflated);
    assert_decided("130 MiB in one member", "a.zip", &one, LimitsExceeded);
}

#[test]
fn tar_bombs() {
    let headers = gzip(&tar_header("a", 0).repeat(10_000));
    assert_decided("a million members", "a.tar.gz", &headers.repeat(100), LimitsExceeded);
    let mut plain = tar_header("a", 0).repeat(20_000);
    plain.extend_from_slice(&[0; 1024]);
    assert_decided("20,000 members of one name", "a.tar", &plain, Mismatch);
    let lying = [tar_header("a", 7 << 30), vec![0; 1024]].concat();
    assert_decided("a lying size", "a.tar", &lying, Mismatch);
}

#[test]
fn bombs_of_zeros() {
    let zeros = gzip(&vec![0; 10 << 20]);
    assert_decided("10 GiB of zeros", "a.gz", &zeros.repeat(1_024), LimitsExceeded);
    let thousand = gzip(&zeros.repeat(1_024));
    assert_decided("10 GiB of zeros, twice compressed", "a.gz.gz", &thousand, LimitsExceeded);
    let zstd = gzip(&make::zstd_blocks(80_000, false));
    assert_decided("10 GiB of zeros in Zstandard", "a.zst.gz", &zstd, LimitsExceeded);
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(&vec![0; 90 << 20]).unwrap();
    let bzip2 = gzip(&encoder.finish().unwrap().repeat(100));
    assert_decided("9 GiB of zeros in bzip2", "a.bz2.gz", &bzip2, LimitsExceeded);
    // As much as may be: all of it is scanned.
    let most = zip_of(20, ".txt", &vec![0; 12 << 20], Deflated);
    let filler = zip_of(1, ".bin", &noise(2_000_000), Stored);
    let mut tar = Vec::new();
    for (name, content) in [("a.zip", &most), ("b.zip", &filler)] {
        tar.extend_from_slice(&tar_header(name, content.len() as u64));
        tar.extend_from_slice(content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    assert_decided("240 MiB, which is allowed", "a.tar", &tar, Clean);
}

/// Bytes that do not compress.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn pieces_without_end() {
    assert_decided("500,000 empty gzip pieces", "a.gz", &gzip(b"").repeat(500_000), LimitsExceeded);
    let empty = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best()).finish().unwrap();
    for (what, name, piece) in [
        ("500,000 empty bzip2 pieces", "a.bz2.gz", empty.as_slice()),
        ("500,000 empty xz pieces", "a.xz.gz", EMPTY_XZ),
        ("500,000 skippable Zstandard frames", "a.zst.gz", b"\x50\x2a\x4d\x18\0\0\0\0"),
    ] {
        assert_decided(what, name, &gzip(&piece.repeat(500_000)), LimitsExceeded);
    }
    assert_decided(
        "5,000,000 empty Zstandard blocks",
        "a.zst.gz",
        &gzip(&make::zstd_blocks(5_000_000, true)),
        Clean,
    );
}

#[test]
fn memory_that_headers_ask_for() {
    assert_decided("xz, 1.5 GiB", "a.xz.gz", &gzip(&make::xz_with_large_dictionary()), LimitsExceeded);
    let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 1, 0, 0];
    assert_decided("Zstandard, 2 GiB", "a.zst.gz", &gzip(&zstd), LimitsExceeded);
    assert_decided("7z, dictionary of 1.5 GiB", "a.7z", &make::seven_zip(3 << 29, 1_000), LimitsExceeded);
    assert_decided("7z, header of 4 GiB", "a.7z", &make::seven_zip(1 << 20, u32::MAX), LimitsExceeded);
    let mut many = vec![1, 5, 0xcf, 0xff, 0xff];
    many.resize(1 << 20, 0);
    assert_decided("7z, a million files", "a.7z", &make::seven_zip_with(&many), Mismatch);
}

#[test]
fn what_is_found_before_the_end_counts() {
    let test_file =
        [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-", "TEST-FILE!$H+H*"].concat();
    let bomb = make::nested(20);
    let mut tar = Vec::new();
    for (name, content) in [("a.txt", test_file.as_bytes()), ("b.zip", &bomb)] {
        tar.extend_from_slice(&tar_header(name, content.len() as u64));
        tar.extend_from_slice(content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    assert_decided("a match and a bomb", "a.tar.gz", &gzip(&tar), Malicious);
}
