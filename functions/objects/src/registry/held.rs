//! What a tenant has held: which objects, how many bytes, and their end.

use super::{
    Change, Changed, Registry, RegistryError, Transaction, Usage, Written,
    change::{due_attributes, superseded},
    row::{
        self, BY_TENANT, DUE_AT, DUE_SHARD, HELD_UNTIL, HELD_VERSION, LISTED, Sweep, held_list, number,
        string,
    },
    usage::HELD_BYTES,
};
use crate::{id::TenantId, record::Record, timestamp::Timestamp};
use aws_sdk_dynamodb::types::AttributeValue;

/// On which terms an object's bytes are held.
#[derive(Clone, Debug)]
pub struct HeldTerms {
    /// Until when.
    pub until: Timestamp,
    /// How many bytes the tenant may have held, with these.
    pub most_bytes: u64,
    /// Which version of what lies at the held key they are, if that is known.
    pub version_id: Option<String>,
}

/// What became of a change with which an object's bytes begin to be held.
#[must_use]
#[derive(Debug)]
pub enum Holding {
    /// What becomes of any change.
    Changed(Changed),
    /// The tenant has no room for it; nothing was written.
    Full,
}

impl Registry {
    /// Takes a step, as [`Registry::change`] does, with which the object's bytes begin to be held. One call:
    /// TransactWriteItems.
    ///
    /// # Errors
    /// As [`Registry::change`].
    pub async fn change_and_hold(
        &self,
        change: Change<'_>,
        terms: &HeldTerms,
    ) -> Result<Holding, RegistryError> {
        let (record, usage) = (change.record(), change.usage());
        let transaction = self.step(change.with(held_attributes(record, terms)))?;
        self.begin_holding(transaction, record, usage, terms).await
    }

    /// The bytes of a recalled object begin to be held: it leaves its tenant's list of published objects for
    /// that of held ones. One call: TransactWriteItems.
    ///
    /// # Errors
    /// As [`Registry::change`].
    pub async fn hold_recalled(&self, record: &Record, terms: &HeldTerms) -> Result<Holding, RegistryError> {
        let due = due_attributes(record, Sweep::Uploads, terms.until);
        let set = held_attributes(record, terms).chain(due).collect();
        let transaction = self.amendment(record, set, Vec::new())?;
        self.begin_holding(transaction, record, Usage::default(), terms).await
    }

    async fn begin_holding(
        &self,
        transaction: Transaction,
        record: &Record,
        usage: Usage,
        HeldTerms { most_bytes, .. }: &HeldTerms,
    ) -> Result<Holding, RegistryError> {
        let Some(room) = most_bytes.checked_sub(record.declared.size) else { return Ok(Holding::Full) };
        let usage = usage
            .holding(record.declared.size)
            .update(&self.table, &record.object.tenant)
            .condition_expression("attribute_not_exists(#held) OR #held <= :room")
            .expression_attribute_names("#held", HELD_BYTES)
            .expression_attribute_values(":room", number(room))
            .build()?;
        match self.write(transaction.update(usage)).await? {
            Written::All => Ok(Holding::Changed(Changed::Done)),
            // The object is the first item.
            Written::Refused(refused) if refused.item == 0 => superseded(&refused).map(Holding::Changed),
            Written::Refused(_) => Ok(Holding::Full),
        }
    }

    /// The objects that `tenant` has held longest, up to `limit`. One call: Query of an index that lags behind
    /// the table.
    ///
    /// # Errors
    /// [`RegistryError`] when DynamoDB does not answer or a row is malformed.
    pub async fn held_longest(&self, tenant: &TenantId, limit: i32) -> Result<Vec<Record>, RegistryError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_TENANT)
            .key_condition_expression("#listed = :held")
            .expression_attribute_names("#listed", LISTED)
            .expression_attribute_values(":held", string(held_list(tenant)))
            .limit(limit)
            .send()
            .await?;
        Ok(answer.items().iter().map(row::record).collect::<Result<_, _>>()?)
    }

    /// The bytes of this object are held no more, or those of a recalled one never were. One call:
    /// TransactWriteItems.
    ///
    /// # Errors
    /// As [`Registry::change`].
    pub async fn let_go(&self, record: &Record) -> Result<Changed, RegistryError> {
        let mut remove = vec![LISTED, HELD_UNTIL, HELD_VERSION];
        // An object that was scanned twice may still wait for the sweep of published bytes.
        if record.scans <= 1 {
            remove.extend([DUE_SHARD, DUE_AT]);
        }
        let transaction = self.amendment(record, Vec::new(), remove)?;
        if record.held_until.is_none() {
            return self.changed(transaction).await;
        }
        let usage = Usage::letting_go(record.declared.size).update(&self.table, &record.object.tenant);
        self.changed(transaction.update(usage.build()?)).await
    }
}

fn held_attributes(
    record: &Record,
    terms: &HeldTerms,
) -> impl Iterator<Item = (&'static str, AttributeValue)> {
    let version = terms.version_id.as_ref().map(|version| (HELD_VERSION, string(version)));
    [(HELD_UNTIL, number(terms.until.as_millis())), (LISTED, string(held_list(&record.object.tenant)))]
        .into_iter()
        .chain(version)
}
