//! How much memory a function uses, so that one over its limit ends as it would on Lambda.
//!
//! Best effort: counts the anonymous memory of a process and its descendants (not the pages of
//! files, which a debug build has more of, nor shared memory) a few times a second, on Linux only.

use std::{fs, time::Duration};

const PERIOD: Duration = Duration::from_millis(100);
const MIB: u64 = 1024 * 1024;

/// Waits until `process` and its descendants together use more than `limit` MiB; answers how
/// many. Elsewhere than on Linux it never returns.
pub(super) async fn exceeded(process: u32, limit: u64) -> u64 {
    let mut ticks = tokio::time::interval(PERIOD);
    loop {
        ticks.tick().await;
        let used = used(process) / MIB;
        if used > limit {
            return used;
        }
    }
}

/// Bytes of anonymous memory; a process that is gone has none.
fn used(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .and_then(|value| value.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0);
    kilobytes * 1024 + children(process).into_iter().map(used).sum::<u64>()
}

fn children(process: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn sees_its_own_memory() {
        let before = super::used(std::process::id());
        let block = std::hint::black_box(vec![1_u8; 64 * 1024 * 1024]);
        let after = super::used(std::process::id());
        assert!(after >= before + 60 * super::MIB, "{before} to {after} with {} more", block.len());
    }
}
