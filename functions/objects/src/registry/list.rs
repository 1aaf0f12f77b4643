//! A tenant's published objects, newest first, a page at a time.

use super::{
    Registry, RegistryError,
    row::{self, BY_TENANT, LISTED, listed_key, string},
};
use crate::{
    id::{ObjectId, ObjectRef, TenantId},
    record::Record,
    state::State,
};

/// A page of a list.
#[derive(Debug)]
pub struct Page {
    /// The objects.
    pub records: Vec<Record>,
    /// The object behind which the next page begins, if there is one.
    pub next: Option<ObjectId>,
}

impl Registry {
    /// The page of published objects of `tenant` behind the object `after`, of at most `limit`. One call: Query of an
    /// index that lags behind the table.
    ///
    /// # Errors
    /// [`RegistryError`] when DynamoDB does not answer or a row is malformed.
    pub async fn list(
        &self,
        tenant: &TenantId,
        after: Option<ObjectId>,
        limit: i32,
    ) -> Result<Page, RegistryError> {
        // Made of the caller's tenant, so that a forged cursor leads nowhere but into the caller's own list.
        let after = after.map(|id| listed_key(&ObjectRef::new(tenant.clone(), id)));
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_TENANT)
            .key_condition_expression("#listed = :tenant")
            .expression_attribute_names("#listed", LISTED)
            .expression_attribute_values(":tenant", string(tenant))
            .scan_index_forward(false)
            .limit(limit)
            .set_exclusive_start_key(after)
            .send()
            .await?;
        let mut records = answer.items().iter().map(row::record).collect::<Result<Vec<_>, _>>()?;
        let next = answer.last_evaluated_key().and(records.last()).map(|record| record.object.id);
        // An object that is recalled is in the index until its bytes are gone, and the index lags behind the
        // table: what is known not to be published must not be shown.
        records.retain(|record| record.state == State::Published);
        Ok(Page { records, next })
    }
}
