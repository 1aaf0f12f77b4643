//! The `due` index: the rows that need attention when their time comes, and no others.

use super::{
    Changed, Registry, RegistryError,
    change::due_attributes,
    row::{DUE, DUE_AT, DUE_SHARD, Item, Sweep, number, object_of, string},
};
use crate::{id::ObjectRef, record::Record, timestamp::Timestamp};
use serde::Serialize;
use std::{fmt, time::Duration};

/// How much of an invocation's time one object may take at the most.
const FOR_ONE: Duration = Duration::from_secs(5);

/// How a run of a sweep ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SweepEnd {
    /// How many objects could not be settled; they come again with the next run.
    pub errors: usize,
    /// Whether time ran out before all that was due was looked at.
    pub out_of_time: bool,
}

impl Registry {
    /// Has `settle` settle each object whose time has come for `sweep`, a page at a time, as long as there is time for
    /// one more before `deadline`. One that fails does not keep the others waiting. The index lags behind the table;
    /// only what the row itself says counts. Calls: Query, once for each page of each shard.
    ///
    /// # Errors
    /// [`RegistryError`] when DynamoDB does not answer or a row is malformed.
    pub async fn each_due<E: fmt::Debug>(
        &self,
        sweep: Sweep,
        now: Timestamp,
        deadline: Timestamp,
        mut settle: impl AsyncFnMut(&ObjectRef) -> Result<(), E>,
    ) -> Result<SweepEnd, RegistryError> {
        let mut end = SweepEnd::default();
        for shard in sweep.shards() {
            let mut from = None;
            loop {
                let (objects, next) = self.due(&shard, now, from).await?;
                for object in objects {
                    if Timestamp::now() + FOR_ONE > deadline {
                        return Ok(SweepEnd { out_of_time: true, ..end });
                    }
                    if let Err(error) = settle(&object).await {
                        end.errors += 1;
                        let ObjectRef { tenant, id } = &object;
                        tracing::error!(tenant_id = %tenant, object_id = %id, ?error, "could not be settled");
                    }
                }
                from = next;
                if from.is_none() {
                    break;
                }
            }
        }
        Ok(end)
    }

    async fn due(
        &self,
        shard: &str,
        now: Timestamp,
        from: Option<Item>,
    ) -> Result<(Vec<ObjectRef>, Option<Item>), RegistryError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(DUE)
            .key_condition_expression("#shard = :shard AND #due_at <= :now")
            .expression_attribute_names("#shard", DUE_SHARD)
            .expression_attribute_names("#due_at", DUE_AT)
            .expression_attribute_values(":shard", string(shard))
            .expression_attribute_values(":now", number(now.as_millis()))
            .set_exclusive_start_key(from)
            .send()
            .await?;
        let objects = answer.items().iter().map(object_of).collect::<Result<_, _>>()?;
        Ok((objects, answer.last_evaluated_key))
    }

    /// Notes that no bytes of this object lie in the published bucket. If its bytes are held, it waits for
    /// the end of that from now on. One call: TransactWriteItems.
    ///
    /// # Errors
    /// As [`Registry::change`].
    pub async fn swept(&self, record: &Record) -> Result<Changed, RegistryError> {
        let transaction = match record.held_until {
            Some(until) => {
                self.amendment(record, due_attributes(record, Sweep::Uploads, until).into(), Vec::new())
            }
            None => self.amendment(record, Vec::new(), vec![DUE_SHARD, DUE_AT]),
        };
        self.changed(transaction?).await
    }
}
