//! The limits of unpacking, and what is left of them: one budget for the whole object, however deeply its archives are
//! nested.

use crate::refusal::{Exceeded, Why};
use std::time::Instant;

/// What unpacking one object may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many archives may lie in each other, the object included.
    pub depth: u32,
    /// How many members, folders included, all archives may have together.
    pub members: u64,
    /// How large one member may be, in bytes, unless `multiple` allows more.
    pub member_bytes: u64,
    /// How large all members of all archives may be together, in bytes, unless `multiple` allows more.
    pub total_bytes: u64,
    /// How many times the object's size one member may have even if that is more than
    /// `member_bytes`, and all members twice as much: a large archive that compresses as text does
    /// is no bomb, and of a compressed tar every byte is unpacked twice.
    pub multiple: u64,
    /// How large they may be together whatever the object's size, in bytes: small files of text
    /// may compress a thousandfold.
    pub floor_bytes: u64,
    /// How many bytes each byte of the object allows on top of that.
    pub ratio: u64,
    /// How long a path may be within its archive, in bytes.
    pub path_bytes: usize,
    /// How much memory a decoder's window may take, in bytes.
    pub window_bytes: u64,
    /// How many pixels a picture may announce. A viewer takes three or four bytes for each.
    pub pixels: u64,
    /// How many pictures an animation may announce.
    pub frames: u64,
}

impl Limits {
    /// The limits for an object of that many bytes.
    #[must_use]
    pub fn of_object(self, object_bytes: u64) -> Self {
        let scaled = object_bytes.saturating_mul(self.multiple);
        Self {
            member_bytes: self.member_bytes.max(scaled),
            total_bytes: self.total_bytes.max(scaled.saturating_mul(2)),
            ..self
        }
    }
}

/// What is left for one object.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    by_ratio: u64,
    spent: u64,
    members: u64,
    deadline: Instant,
}

impl Budget {
    /// The whole budget of an object of that many bytes, to be spent before `deadline`.
    pub fn new(limits: Limits, object_bytes: u64, deadline: Instant) -> Self {
        let limits = limits.of_object(object_bytes);
        let by_ratio = object_bytes.saturating_mul(limits.ratio).saturating_add(limits.floor_bytes);
        Self { limits, by_ratio, spent: 0, members: 0, deadline }
    }

    /// The limits for this object.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The bytes unpacked so far.
    pub fn spent(&self) -> u64 {
        self.spent
    }

    /// When it ends.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(crate) fn charge(&mut self, bytes: u64) -> Result<(), Why> {
        self.announced(bytes)?;
        self.spent += bytes;
        self.on_time()
    }

    /// Refuses an announced size that is over the limits.
    pub(crate) fn announced(&self, bytes: u64) -> Result<(), Why> {
        let after = self.spent.saturating_add(bytes);
        if after > self.limits.total_bytes {
            return Err(Why::Limit(Exceeded::TotalBytes(self.limits.total_bytes)));
        }
        if after > self.by_ratio {
            return Err(Why::Limit(Exceeded::Ratio(self.by_ratio)));
        }
        Ok(())
    }

    pub(crate) fn announced_member(&self, bytes: u64) -> Result<(), Why> {
        if bytes > self.limits.member_bytes {
            return Err(Why::Limit(Exceeded::MemberBytes(self.limits.member_bytes)));
        }
        Ok(())
    }

    pub(crate) fn charge_member(&mut self) -> Result<(), Why> {
        self.announced_members(1)?;
        self.members += 1;
        self.on_time()
    }

    pub(crate) fn announced_members(&self, count: u64) -> Result<(), Why> {
        if self.members.saturating_add(count) > self.limits.members {
            return Err(Why::Limit(Exceeded::Members(self.limits.members)));
        }
        Ok(())
    }

    pub(crate) fn on_time(&self) -> Result<(), Why> {
        if Instant::now() >= self.deadline { Err(Why::Limit(Exceeded::Time)) } else { Ok(()) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    /// As tight as can be.
    pub(crate) const LIMITS: Limits = Limits {
        depth: 1,
        members: 1,
        member_bytes: 1,
        total_bytes: 1 << 30,
        multiple: 0,
        floor_bytes: 64_000_000,
        ratio: 1,
        path_bytes: 1,
        window_bytes: 1,
        pixels: 1,
        frames: 1,
    };

    proptest! {
        #[test]
        fn no_more_is_spent_than_floor_ratio_and_total_allow(
            object in 0..u64::MAX, floor in 0..1_000_000_u64, ratio in 0..1_000_u64, total in 0..10_000_000_u64,
            charges in prop::collection::vec(0..500_000_u64, 0..100),
        ) {
            let limits = Limits { total_bytes: total, floor_bytes: floor, ratio, ..LIMITS };
            let mut budget = Budget::new(limits, object, Instant::now() + Duration::from_secs(60));
            let most = total.min(object.saturating_mul(ratio).saturating_add(floor));
            let mut sum = 0;
            for bytes in charges {
                let fits = sum + bytes <= most;
                prop_assert_eq!(budget.charge(bytes).is_ok(), fits);
                sum += if fits { bytes } else { 0 };
                prop_assert_eq!(budget.spent(), sum);
            }
        }

        #[test]
        fn what_fits_into_the_floor_may_compress_to_nothing(size in 0..=64_000_000_u64, object in 0..100_u64) {
            let mut budget = Budget::new(LIMITS, object, Instant::now() + Duration::from_secs(60));
            prop_assert!(budget.charge(size).is_ok());
        }
    }
}
