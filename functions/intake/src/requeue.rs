//! Asking for a scan again when the first request may have been lost.

use airlock_objects::{
    record::Record,
    registry::{
        Registry, RegistryError, Transaction,
        row::{DUE_AT, PK, SK, number, object_key, string},
    },
    state::State,
    timestamp::Timestamp,
};
use aws_sdk_dynamodb::types::Update;

/// Notes on a scanning object that its scan is asked for again, unless someone else just did. One
/// call. Answers whether the caller now has to send the message.
pub(crate) async fn note(
    registry: &Registry,
    record: &Record,
    now: Timestamp,
    due_at: Timestamp,
) -> Result<bool, RegistryError> {
    let (pk, sk) = object_key(&record.tenant, record.id);
    let update = Update::builder()
        .table_name(registry.table())
        .key(PK, string(pk))
        .key(SK, string(sk))
        .update_expression("SET queued_at = :now, queued_times = :times, #due_at = :due_at")
        .condition_expression("#state = :scanning AND queued_times = :seen")
        .expression_attribute_names("#state", "state")
        .expression_attribute_names("#due_at", DUE_AT)
        .expression_attribute_values(":scanning", string(State::Scanning))
        .expression_attribute_values(":now", number(now.as_millis()))
        .expression_attribute_values(":seen", number(record.queued_times))
        .expression_attribute_values(":times", number(record.queued_times + 1))
        .expression_attribute_values(":due_at", number(due_at.as_millis()))
        .build()
        .map_err(RegistryError::unavailable)?;
    Ok(registry.write(Transaction::default().update(update)).await?.is_ok())
}
