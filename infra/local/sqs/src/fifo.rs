//! What makes a queue a FIFO queue, and what its messages need (SQS API reference, `CreateQueue`,
//! `SendMessage`).

use crate::{
    SqsError,
    attributes::{Attributes, FIFO},
    outgoing::Outgoing,
};
use sha2::{Digest, Sha256};

/// Only FIFO queues have this suffix, and all of them do.
const SUFFIX: &str = ".fifo";

const STANDARD_NAME: &str =
    "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
const FIFO_NAME: &str = "The name of a FIFO queue can only include alphanumeric characters, hyphens, or \
    underscores, must end with .fifo suffix and be 1 to 80 in length";
const NO_DEDUPLICATION: &str = "The queue should either have ContentBasedDeduplication enabled or \
    MessageDeduplicationId provided explicitly";
const OTHER_TYPE: &str = "The request include parameter that is not valid for this queue type";

pub(crate) fn is_fifo(queue: &str) -> bool {
    queue.ends_with(SUFFIX)
}

/// Checks that the name and all attributes are those of one type of queue.
pub(crate) fn check_queue(name: &str, attributes: &Attributes) -> Result<(), SqsError> {
    let fifo = attributes.get("FifoQueue").is_some();
    let base = if fifo { name.strip_suffix(SUFFIX).unwrap_or_default() } else { name };
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if base.is_empty() || name.len() > 80 || !base.bytes().all(valid) {
        let reason = if fifo { FIFO_NAME } else { STANDARD_NAME };
        return Err(SqsError::value("QueueName", name, reason));
    }
    if !fifo && let Some((other, ..)) = FIFO.iter().find(|(other, ..)| attributes.get(other).is_some()) {
        return Err(SqsError::UnknownAttribute((*other).to_owned()));
    }
    if attributes.get("FifoThroughputLimit") == Some("perMessageGroupId")
        && !attributes.deduplicates_by_group()
    {
        return Err(SqsError::value(
            "FifoThroughputLimit",
            "perMessageGroupId",
            "The value perMessageGroupId is allowed only when the value for DeduplicationScope is messageGroup",
        ));
    }
    match attributes.redrive() {
        Some(redrive) if is_fifo(&redrive.dead_letter_queue) != fifo => Err(SqsError::value(
            "RedrivePolicy",
            attributes.get("RedrivePolicy").unwrap_or_default(),
            "Dead-letter queue must be same type of queue as the source",
        )),
        _ => Ok(()),
    }
}

/// Checks what a message says of its group, and answers its deduplication id, which only a message
/// of a FIFO queue has.
pub(crate) fn check_message(
    queue: &str,
    attributes: &Attributes,
    message: &Outgoing<'_>,
) -> Result<Option<String>, SqsError> {
    for (name, given) in
        [("MessageGroupId", message.group), ("MessageDeduplicationId", message.deduplication_id)]
    {
        if let Some(id) = given.filter(|id| !is_id(id)) {
            let reason = format!(
                "{name} can only include alphanumeric and punctuation characters. 1 to 128 in length"
            );
            return Err(SqsError::value(name, id, &reason));
        }
    }
    if !is_fifo(queue) {
        // A group is no error: standard queues have it since they share fairly between tenants.
        return match message.deduplication_id {
            Some(id) => Err(SqsError::value("MessageDeduplicationId", id, OTHER_TYPE)),
            None => Ok(None),
        };
    }
    if message.group.is_none() {
        return Err(SqsError::Missing("MessageGroupId"));
    }
    // Only the queue as a whole may delay, else the order would not be that of sending.
    if let Some(delay) = message.delay.filter(|delay| !delay.is_zero()) {
        return Err(SqsError::value("DelaySeconds", &delay.as_secs().to_string(), OTHER_TYPE));
    }
    match message.deduplication_id {
        Some(id) => Ok(Some(id.to_owned())),
        None if attributes.get("ContentBasedDeduplication") == Some("true") => {
            Ok(Some(hex::encode(Sha256::digest(message.body))))
        }
        None => Err(SqsError::Parameter(NO_DEDUPLICATION)),
    }
}

fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte.is_ascii_punctuation())
}

/// A sequence number as SQS writes it: twenty digits, growing from message to message.
pub(crate) fn sequence_number(seq: i64) -> String {
    const FIRST: u128 = 18_800_000_000_000_000_000;
    (FIRST + u128::from(seq.unsigned_abs())).to_string()
}

#[cfg(test)]
mod tests;
