//! The claim to scan an object: one scan at a time, however often it is asked for.

use super::{
    Registry, RegistryError,
    row::{self, SCAN_MESSAGE, SCAN_UNTIL, SCANS, number, object_key, string},
};
use crate::{
    id::ObjectRef,
    record::{Claim, Record},
    state::State,
    timestamp::Timestamp,
};
use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};

/// What became of a claim.
#[derive(Debug)]
pub enum Claimed {
    /// The caller scans it. A scan that had the claim before cannot change the object.
    Granted(Box<Record>),
    /// Another message's scan is at work.
    Taken(Box<Record>),
    /// The object is not to be scanned.
    Nothing(Box<Record>),
    /// There is no such object.
    Unknown,
}

impl Registry {
    /// Claims an object that waits for its scan. One call: UpdateItem, which also reads the object.
    ///
    /// # Errors
    /// [`RegistryError`] when DynamoDB does not answer or the row is malformed.
    pub async fn claim(
        &self,
        object: &ObjectRef,
        claim: &Claim,
        now: Timestamp,
    ) -> Result<Claimed, RegistryError> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(object_key(object)))
            .update_expression(
                "SET #message = :message, #until = :until, #scans = if_not_exists(#scans, :none) + :one, \
                 #version = #version + :one",
            )
            .condition_expression(
                "#state = :scanning AND (attribute_not_exists(#until) OR #until < :now OR #message = :message)",
            )
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#version", "version")
            .expression_attribute_names("#message", SCAN_MESSAGE)
            .expression_attribute_names("#until", SCAN_UNTIL)
            .expression_attribute_names("#scans", SCANS)
            .expression_attribute_values(":scanning", string(State::Scanning))
            .expression_attribute_values(":message", string(&claim.message))
            .expression_attribute_values(":until", number(claim.until.as_millis()))
            .expression_attribute_values(":now", number(now.as_millis()))
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let error = match sent {
            Ok(answer) => {
                let record = row::record(&answer.attributes.unwrap_or_default())?;
                return Ok(Claimed::Granted(Box::new(record)));
            }
            Err(error) => error,
        };
        let Some(UpdateItemError::ConditionalCheckFailedException(refused)) = error.as_service_error() else {
            return Err(error.into());
        };
        let Some(found) = refused.item.as_ref().filter(|row| !row.is_empty()) else {
            return Ok(Claimed::Unknown);
        };
        let record = Box::new(row::record(found)?);
        Ok(match record.state {
            State::Scanning => Claimed::Taken(record),
            _ => Claimed::Nothing(record),
        })
    }
}
