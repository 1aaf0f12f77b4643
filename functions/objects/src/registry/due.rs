//! The `due` index: the rows that need attention when their time comes, and no others.

use super::{
    Changed, Registry, RegistryError,
    change::due_attributes,
    row::{DUE, DUE_AT, DUE_SHARD, Item, Sweep, number, object_of, string},
};
use crate::{id::ObjectRef, record::Record, timestamp::Timestamp};
use serde::Serialize;
use std::time::Duration;

/// How much of an invocation's time one object may take at the most.
const FOR_ONE: Duration = Duration::from_secs(5);

/// How far a sweep got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SweepEnd {
    /// Through all that was due.
    All,
    /// To the end of its time; the rest is for the next run.
    OutOfTime,
}

impl Registry {
    /// Has `look` look at each object whose time has come for `sweep`, a page at a time, as long as there is time for
    /// one more before `deadline`. The index lags behind the table; only what the row itself says counts. Calls:
    /// Query, once for each page of each shard.
    ///
    /// # Errors
    /// [`RegistryError`] when DynamoDB does not answer or a row is malformed.
    pub async fn each_due(
        &self,
        sweep: Sweep,
        now: Timestamp,
        deadline: Timestamp,
        mut look: impl AsyncFnMut(ObjectRef),
    ) -> Result<SweepEnd, RegistryError> {
        for shard in sweep.shards() {
            let mut from = None;
            loop {
                let (objects, next) = self.due(&shard, now, from).await?;
                for object in objects {
                    if Timestamp::now() + FOR_ONE > deadline {
                        return Ok(SweepEnd::OutOfTime);
                    }
                    look(object).await;
                }
                from = next;
                if from.is_none() {
                    break;
                }
            }
        }
        Ok(SweepEnd::All)
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
