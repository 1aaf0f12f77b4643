//! What a tenant has pending, stored and held, counted in the transactions that change it, so that
//! quotas cannot drift.

use super::row::{PK, SK, number, string};
use crate::{id::TenantId, state::State};
use aws_sdk_dynamodb::types::{Update, builders::UpdateBuilder};

/// Uploads that are pending or being scanned.
pub(super) const PENDING_COUNT: &str = "pending_count";
/// Their declared bytes.
pub(super) const PENDING_BYTES: &str = "pending_bytes";
/// Bytes pending, being scanned, or published.
pub(super) const STORED_BYTES: &str = "stored_bytes";
/// Bytes of what was not accepted, kept for those who look into it.
pub(super) const HELD_BYTES: &str = "held_bytes";

/// A difference to a tenant's usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pending_count: i64,
    pending_bytes: i64,
    stored_bytes: i64,
    held_bytes: i64,
}

impl Usage {
    /// What one object of `size` bytes in `state` counts for.
    fn of(state: State, size: u64) -> Self {
        let size = signed(size);
        let nothing = Self::default();
        match state {
            State::Pending | State::Scanning => {
                Self { pending_count: 1, pending_bytes: size, stored_bytes: size, ..nothing }
            }
            State::Published => Self { stored_bytes: size, ..nothing },
            State::Rejected | State::Failed | State::Expired | State::Deleted => nothing,
        }
    }

    /// What a new upload adds.
    pub(super) fn of_new(size: u64) -> Self {
        Self::of(State::Pending, size)
    }

    /// What going from one state to another changes.
    pub(super) fn of_step(from: State, to: State, size: u64) -> Self {
        let (from, to) = (Self::of(from, size), Self::of(to, size));
        Self {
            pending_count: to.pending_count - from.pending_count,
            pending_bytes: to.pending_bytes - from.pending_bytes,
            stored_bytes: to.stored_bytes - from.stored_bytes,
            held_bytes: 0,
        }
    }

    /// The same, and `size` bytes more are held.
    pub(super) fn holding(self, size: u64) -> Self {
        Self { held_bytes: self.held_bytes + signed(size), ..self }
    }

    /// `size` bytes are held no more.
    pub(super) fn letting_go(size: u64) -> Self {
        Self { held_bytes: -signed(size), ..Self::default() }
    }

    /// Whether it changes nothing.
    pub(super) fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// The update of the tenant's usage row.
    pub(super) fn update(self, table: &str, tenant: &TenantId) -> UpdateBuilder {
        Update::builder()
            .table_name(table)
            .key(PK, string(format_args!("{tenant}#usage")))
            .key(SK, string("usage"))
            .update_expression(
                "ADD pending_count :count, pending_bytes :pending, stored_bytes :stored, held_bytes :held",
            )
            .expression_attribute_values(":count", number(self.pending_count))
            .expression_attribute_values(":pending", number(self.pending_bytes))
            .expression_attribute_values(":stored", number(self.stored_bytes))
            .expression_attribute_values(":held", number(self.held_bytes))
    }
}

fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn t02_whatever_way_an_object_goes_its_usage_ends_at_its_state(
            size in 0u64..=5 << 30,
            way in proptest::collection::vec(0usize..State::ALL.len(), 1..8),
        ) {
            let mut sum = Usage::of_new(size);
            let mut state = State::Pending;
            for next in way.into_iter().map(|index| State::ALL[index]) {
                let step = Usage::of_step(state, next, size);
                sum.pending_count += step.pending_count;
                sum.pending_bytes += step.pending_bytes;
                sum.stored_bytes += step.stored_bytes;
                state = next;
            }
            prop_assert_eq!(sum, Usage::of(state, size));
        }
    }
}
