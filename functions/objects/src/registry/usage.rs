//! What a tenant has pending and holds, counted in the transactions that change it, so that quotas
//! cannot drift.

use super::row::{PK, SK, number, string};
use crate::{id::TenantId, state::State};
use aws_sdk_dynamodb::types::{Update, builders::UpdateBuilder};

/// Uploads that are pending or being scanned.
pub const PENDING_COUNT: &str = "pending_count";
/// Their declared bytes.
pub const PENDING_BYTES: &str = "pending_bytes";
/// Bytes pending, being scanned, or published.
pub const HELD_BYTES: &str = "held_bytes";

/// The key of a tenant's usage row.
pub fn usage_key(tenant: &TenantId) -> (String, String) {
    (format!("{tenant}#usage"), "usage".to_owned())
}

/// A difference to a tenant's usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pending_count: i64,
    pending_bytes: i64,
    held_bytes: i64,
}

impl Usage {
    /// What one object of `size` bytes in `state` counts for.
    fn of(state: State, size: u64) -> Self {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        match state {
            State::Pending | State::Scanning => {
                Self { pending_count: 1, pending_bytes: size, held_bytes: size }
            }
            State::Published => Self { pending_count: 0, pending_bytes: 0, held_bytes: size },
            State::Rejected | State::Failed | State::Expired | State::Deleted => {
                Self { pending_count: 0, pending_bytes: 0, held_bytes: 0 }
            }
        }
    }

    /// What a new upload adds.
    pub fn of_new(size: u64) -> Self {
        Self::of(State::Pending, size)
    }

    /// What going from one state to another changes, or `None` if nothing.
    pub fn of_step(from: State, to: State, size: u64) -> Option<Self> {
        let (from, to) = (Self::of(from, size), Self::of(to, size));
        (from != to).then(|| Self {
            pending_count: to.pending_count - from.pending_count,
            pending_bytes: to.pending_bytes - from.pending_bytes,
            held_bytes: to.held_bytes - from.held_bytes,
        })
    }

    /// The update of the tenant's usage row.
    pub fn update(self, table: &str, tenant: &TenantId) -> UpdateBuilder {
        let (pk, sk) = usage_key(tenant);
        Update::builder()
            .table_name(table)
            .key(PK, string(pk))
            .key(SK, string(sk))
            .update_expression("ADD pending_count :count, pending_bytes :pending, held_bytes :held")
            .expression_attribute_values(":count", number(self.pending_count))
            .expression_attribute_values(":pending", number(self.pending_bytes))
            .expression_attribute_values(":held", number(self.held_bytes))
    }
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
                if let Some(step) = Usage::of_step(state, next, size) {
                    sum.pending_count += step.pending_count;
                    sum.pending_bytes += step.pending_bytes;
                    sum.held_bytes += step.held_bytes;
                }
                state = next;
            }
            prop_assert_eq!(sum, Usage::of(state, size));
        }
    }
}
