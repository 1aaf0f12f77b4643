//! Asking for a scan again when the first request may have been lost.

use super::{
    Changed, Registry, RegistryError, Transaction,
    row::{DUE_AT, number, object_key, string},
};
use crate::{record::Record, state::State, timestamp::Timestamp};
use aws_sdk_dynamodb::types::Update;

impl Registry {
    /// Notes on an object that waits for its scan that this is asked for again, unless someone else just did: only
    /// who gets [`Changed::Done`] sends the message. The sweep looks at it again at `due_at`. One call:
    /// TransactWriteItems.
    ///
    /// The object's `version` stays, as a scan that is at work goes on.
    ///
    /// # Errors
    /// [`RegistryError`] when it is not known that it was noted.
    pub async fn requeue(
        &self,
        record: &Record,
        now: Timestamp,
        due_at: Timestamp,
    ) -> Result<Changed, RegistryError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(object_key(&record.object)))
            .update_expression("SET queued_at = :now, queued_times = :times, #due_at = :due_at")
            .condition_expression("#state = :scanning AND queued_times = :seen")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#due_at", DUE_AT)
            .expression_attribute_values(":scanning", string(State::Scanning))
            .expression_attribute_values(":now", number(now.as_millis()))
            .expression_attribute_values(":seen", number(record.queued_times))
            .expression_attribute_values(":times", number(record.queued_times + 1))
            .expression_attribute_values(":due_at", number(due_at.as_millis()))
            .build()?;
        self.changed(Transaction::default().update(update)).await
    }
}
