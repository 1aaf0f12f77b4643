//! The `due` index: the rows that need attention when their time comes, and no others.

use super::{
    Changed, Registry, RegistryError,
    change::due_attributes,
    row::{DUE, DUE_AT, DUE_SHARD, Item, PK, Sweep, number, parse_partition, required, string},
};
use crate::{
    id::{ObjectId, TenantId},
    record::Record,
    timestamp::Timestamp,
};

impl Registry {
    /// Has `look` look at each object whose time has come for `sweep`, a page at a time. The index lags behind the
    /// table; only what the row itself says counts. Calls: Query, once for each page of each shard.
    ///
    /// # Errors
    /// [`RegistryError`] when DynamoDB does not answer or a row is malformed.
    pub async fn each_due(
        &self,
        sweep: Sweep,
        now: Timestamp,
        mut look: impl AsyncFnMut(TenantId, ObjectId),
    ) -> Result<(), RegistryError> {
        for shard in sweep.shards() {
            let mut from = None;
            loop {
                let (objects, next) = self.due(&shard, now, from).await?;
                for (tenant, id) in objects {
                    look(tenant, id).await;
                }
                from = next;
                if from.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn due(
        &self,
        shard: &str,
        now: Timestamp,
        from: Option<Item>,
    ) -> Result<(Vec<(TenantId, ObjectId)>, Option<Item>), RegistryError> {
        let answer = self
            .client()
            .query()
            .table_name(self.table())
            .index_name(DUE)
            .key_condition_expression("#shard = :shard AND #due_at <= :now")
            .expression_attribute_names("#shard", DUE_SHARD)
            .expression_attribute_names("#due_at", DUE_AT)
            .expression_attribute_values(":shard", string(shard))
            .expression_attribute_values(":now", number(now.as_millis()))
            .set_exclusive_start_key(from)
            .send()
            .await
            .map_err(RegistryError::unavailable)?;
        let objects = answer
            .items()
            .iter()
            .map(|row| parse_partition(&required::<String>(row, PK)?))
            .collect::<Result<_, _>>()?;
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
