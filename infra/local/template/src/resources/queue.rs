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

/// Texts of FIFO queues alone. SQS says whether they fit together and to the name.
const FIFO_TEXTS: &[&str] = &["DeduplicationScope", "FifoThroughputLimit"];

const WITHOUT_EFFECT: &[&str] =
    &["QueueName", "SqsManagedSseEnabled", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "Tags"];

pub(crate) fn read(logical_id: String, name: String, mut fields: Fields) -> Result<Queue, TemplateError> {
    let mut attributes = BTreeMap::new();
    for property in NUMBERS {
        if let Some(number) = fields.number::<u64>(property)? {
            attributes.insert((*property).to_owned(), number.to_string());
        }
    }
    if let Some(fifo) = fields.boolean("FifoQueue")? {
        // CloudFormation hands a false one on, and SQS does not know that attribute.
        if !fifo {
            return Err(TemplateError::wrong(&fields.path("FifoQueue"), "must be true or not be there"));
        }
        attributes.insert("FifoQueue".to_owned(), fifo.to_string());
    }
    if let Some(by_content) = fields.boolean("ContentBasedDeduplication")? {
        attributes.insert("ContentBasedDeduplication".to_owned(), by_content.to_string());
    }
    for property in FIFO_TEXTS {
        if let Some(value) = fields.string(property)? {
            attributes.insert((*property).to_owned(), value);
        }
    }
    if let Some(policy) = fields.take_raw("RedrivePolicy") {
        attributes.insert("RedrivePolicy".to_owned(), policy.to_string());
    }
    fields.finish(WITHOUT_EFFECT)?;
    Ok(Queue { logical_id, name, attributes })
}
