//! How long one object may be inspected. Each object has its own time, so that it cannot use up that of others.

use anyhow::{Context as _, ensure};
use std::time::{Duration, SystemTime};

/// The time of any object, however small: what a few kilobytes unpack to may take seconds.
const BASE: Duration = Duration::from_secs(10);
/// An object gets another second for so many of its bytes. The shipped rules scan the hardest content twenty times as
/// fast.
const BYTES_PER_SECOND: u64 = 1 << 20;
/// Kept back from an invocation's time, to record how the inspection ended.
const RESERVE: Duration = Duration::from_secs(5);

/// One invocation's time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Invocation {
    began: SystemTime,
    deadline: SystemTime,
}

/// How long an inspection may take now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// All the time that an object of its size gets. An object that needs more is over a limit.
    Whole(Duration),
    /// Less, because the invocation ends. If the object needs more, nothing is known about it.
    Part(Duration),
}

impl Invocation {
    /// The invocation that begins now and is ended at `deadline`.
    pub(crate) fn until(deadline: SystemTime) -> Self {
        Self { began: SystemTime::now(), deadline }
    }

    /// When it is ended.
    pub(crate) fn deadline(self) -> SystemTime {
        self.deadline
    }

    /// Whether there is time to begin with another object.
    pub(crate) fn has_time(self) -> bool {
        self.has_time_at(SystemTime::now())
    }

    fn has_time_at(self, now: SystemTime) -> bool {
        self.left(now) >= RESERVE
    }

    /// The time for an object of `size` bytes, from now on.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn share(self, size: u64) -> anyhow::Result<Share> {
        self.share_at(size, SystemTime::now()).context("no time left in this invocation")
    }

    fn share_at(self, size: u64, now: SystemTime) -> anyhow::Result<Share> {
        let all = self.left(self.began);
        let wanted = BASE + Duration::from_secs(size / BYTES_PER_SECOND);
        // A quarter is for fetching it: an object that wanted more than the rest would never get it.
        let wanted = wanted.min(all.mul_f64(0.75));
        let left = self.left(now);
        ensure!(!left.is_zero(), "it is over");
        Ok(if left >= wanted { Share::Whole(wanted) } else { Share::Part(left) })
    }

    fn left(self, now: SystemTime) -> Duration {
        self.deadline.duration_since(now).unwrap_or_default().saturating_sub(RESERVE)
    }
}

impl Share {
    /// How long it is.
    pub(crate) fn time(self) -> Duration {
        match self {
            Self::Whole(time) | Self::Part(time) => time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const BEGAN: SystemTime = SystemTime::UNIX_EPOCH;

    fn invocation(timeout: u64) -> Invocation {
        Invocation { began: BEGAN, deadline: BEGAN + seconds(timeout) }
    }

    fn share(timeout: u64, passed: u64, size: u64) -> Option<Share> {
        invocation(timeout).share_at(size, BEGAN + seconds(passed)).ok()
    }

    #[test]
    fn no_object_is_begun_with_behind_what_is_kept_back() {
        for (passed, has_time) in [(0, true), (290, true), (291, false), (300, false), (500, false)] {
            assert_eq!(invocation(300).has_time_at(BEGAN + seconds(passed)), has_time, "{passed}");
        }
    }

    #[test]
    fn t10_an_object_has_a_base_and_time_for_its_size() {
        assert_eq!(share(300, 0, 1), Some(Share::Whole(seconds(10))));
        assert_eq!(share(300, 20, 100 << 20), Some(Share::Whole(seconds(110))));
        assert_eq!(share(300, 290, 1), Some(Share::Part(seconds(5))));
        assert_eq!(share(300, 295, 1), None);
        assert_eq!(share(300, 500, 1), None);
    }

    #[test]
    fn t10_no_object_wants_more_than_an_invocation_can_give() {
        for (timeout, size) in [(15, 1), (20, 1), (300, 5 << 30), (900, 5 << 30)] {
            let quarter = (timeout - 5) / 4;
            assert!(matches!(share(timeout, quarter, size), Some(Share::Whole(_))), "{timeout} s for {size}");
        }
    }
}
