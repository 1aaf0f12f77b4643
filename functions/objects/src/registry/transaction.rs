//! All-or-nothing conditional writes, tried again when another writer was at the same rows.

use super::{Registry, RegistryError, row::Item};
use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, ConditionCheck, Put, TransactWriteItem, Update},
};
use std::time::Duration;

/// How often a transaction is tried before the registry counts as busy.
const TRIES: u32 = 8;

/// Items that are written together or not at all.
#[derive(Clone, Debug, Default)]
pub(super) struct Transaction {
    items: Vec<TransactWriteItem>,
}

/// What became of a transaction.
#[must_use]
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Written {
    /// All of it is written.
    All,
    /// Nothing is.
    Refused(Refused),
}

/// Which condition of a transaction did not hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refused {
    /// The position of the item, in the order in which items were added.
    pub(super) item: usize,
    /// The row as it is, if it exists and the item asked for it.
    pub(super) found: Option<Item>,
}

impl Transaction {
    /// Adds a put.
    pub(super) fn put(mut self, put: Put) -> Self {
        self.items.push(TransactWriteItem::builder().put(put).build());
        self
    }

    /// Adds an update.
    pub(super) fn update(mut self, update: Update) -> Self {
        self.items.push(TransactWriteItem::builder().update(update).build());
        self
    }

    /// Adds a condition on a row that is not written.
    pub(super) fn check(mut self, check: ConditionCheck) -> Self {
        self.items.push(TransactWriteItem::builder().condition_check(check).build());
        self
    }
}

impl Registry {
    /// Writes all of `transaction`, or answers which condition did not hold. One call: TransactWriteItems; more only
    /// when another writer is at the same rows at the same time. After an error it is not known whether it is written.
    pub(super) async fn write(&self, transaction: Transaction) -> Result<Written, RegistryError> {
        for attempt in 0..TRIES {
            let items = Some(transaction.items.clone());
            let sent = self.client.transact_write_items().set_transact_items(items).send().await;
            let Err(error) = sent else { return Ok(Written::All) };
            let Some(reasons) = cancellation(&error) else { return Err(error.into()) };
            if let Some(refused) = refused(reasons) {
                return Ok(Written::Refused(refused));
            }
            tokio::time::sleep(pause(attempt)).await;
        }
        Err(RegistryError::Busy)
    }
}

/// The reasons of a cancelled transaction, if each is a condition or a conflict with another writer.
fn cancellation(error: &SdkError<TransactWriteItemsError>) -> Option<&[CancellationReason]> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
    else {
        return None;
    };
    let known = ["None", "ConditionalCheckFailed", "TransactionConflict"];
    cancelled
        .cancellation_reasons()
        .iter()
        .all(|reason| reason.code().is_none_or(|code| known.contains(&code)))
        .then(|| cancelled.cancellation_reasons())
}

fn refused(reasons: &[CancellationReason]) -> Option<Refused> {
    let item = reasons.iter().position(|reason| reason.code() == Some("ConditionalCheckFailed"))?;
    Some(Refused { item, found: reasons[item].item.clone().filter(|row| !row.is_empty()) })
}

/// Full jitter over a doubling bound: 20 ms, 40 ms, … 640 ms.
fn pause(attempt: u32) -> Duration {
    let bound = 20u64 << attempt.min(5);
    let random = u64::from_le_bytes(
        uuid::Uuid::new_v4().to_u128_le().to_le_bytes()[..8].try_into().unwrap_or_default(),
    );
    Duration::from_millis(random % bound + 1)
}
