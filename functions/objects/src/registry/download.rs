//! Writing down who gets a download URL.

use super::{
    Actor, Changed, Registry, RegistryError, Transaction,
    row::{object_key, string},
};
use crate::{id::UserId, record::Record, state::State, timestamp::Timestamp};
use aws_sdk_dynamodb::types::ConditionCheck;

impl Registry {
    /// Writes down that `user` gets a URL for an object (never the URL), if the object is still published: once a
    /// DELETE has been answered, no URL is made. One call: TransactWriteItems.
    ///
    /// # Errors
    /// [`RegistryError`] when it is not known that it was written.
    pub async fn issue_url(
        &self,
        record: &Record,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Changed, RegistryError> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(object_key(&record.object)))
            .condition_expression("#state = :published")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":published", string(State::Published))
            .build()?;
        let audit = self.audit(record, "download_url_issued", Actor::User(user), now)?;
        self.changed(Transaction::default().check(check).put(audit)).await
    }
}
