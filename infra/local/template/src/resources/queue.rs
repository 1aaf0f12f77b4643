//! `AWS::SQS::Queue`.

use crate::{Queue, TemplateError, fields::Fields};
use std::collections::BTreeMap;

/// Properties that are attributes of the same name.
const NUMBERS: &[&str] = &[
    "VisibilityTimeout",
    "MessageRetentionPeriod",
    "DelaySeconds",
    "ReceiveMessageWaitTimeSeconds",
    "MaximumMessageSize",
];

const WITHOUT_EFFECT: &[&str] =
    &["QueueName", "SqsManagedSseEnabled", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "Tags"];

pub(crate) fn read(logical_id: String, name: String, mut fields: Fields) -> Result<Queue, TemplateError> {
    let mut attributes = BTreeMap::new();
    for property in NUMBERS {
        if let Some(number) = fields.number::<u64>(property)? {
            attributes.insert((*property).to_owned(), number.to_string());
        }
    }
    if let Some(policy) = fields.take_raw("RedrivePolicy") {
        attributes.insert("RedrivePolicy".to_owned(), policy.to_string());
    }
    fields.finish(WITHOUT_EFFECT)?;
    Ok(Queue { logical_id, name, attributes })
}
