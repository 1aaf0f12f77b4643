//! FIFO queues: which messages may be received, and which were sent already.

use super::{Message, Sent, deliver};
use crate::{
    attributes::{Attributes, Redrive},
    fifo::sequence_number,
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// How long a deduplication id counts, whether or not the message is deleted meanwhile
/// (SQS API reference, `SendMessage`, `MessageDeduplicationId`).
const DEDUPLICATION: i64 = 5 * 60 * 1000;

/// The message that was sent with this deduplication id in the last five minutes.
pub(super) fn earlier(
    transaction: &Transaction<'_>,
    queue: &str,
    attributes: &Attributes,
    group: Option<&str>,
    id: &str,
    now: i64,
) -> rusqlite::Result<Option<Sent>> {
    let query = "SELECT message_id, seq FROM deduplication
        WHERE queue = ?1 AND id = ?2 AND sent > ?3 AND (?4 IS NULL OR message_group = ?4)";
    let group = group.filter(|_| attributes.deduplicates_by_group());
    transaction
        .query_row(query, params![queue, id, now - DEDUPLICATION, group], |row| {
            Ok(Sent { id: row.get(0)?, sequence_number: Some(sequence_number(row.get(1)?)) })
        })
        .optional()
}

/// Keeps the deduplication id of a message, and forgets those that count no more.
pub(super) fn remember(
    transaction: &Transaction<'_>,
    queue: &str,
    group: Option<&str>,
    id: &str,
    (seq, message_id): (i64, &str),
    now: i64,
) -> rusqlite::Result<()> {
    transaction.execute(
        "DELETE FROM deduplication WHERE queue = ?1 AND sent <= ?2",
        params![queue, now - DEDUPLICATION],
    )?;
    transaction.execute(
        "INSERT INTO deduplication (queue, message_group, id, message_id, seq, sent)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![queue, group.unwrap_or_default(), id, message_id, seq, now],
    )?;
    Ok(())
}

/// Hands out the oldest messages of the groups of which none is in flight; of one group as many as
/// there is room for, in order (SQS Developer Guide, "FIFO queue delivery logic"). A message that
/// was received too often goes to the dead-letter queue when it is its turn; its group goes on.
pub(super) fn take(
    transaction: &Transaction<'_>,
    queue: &str,
    max: usize,
    redrive: Option<&Redrive>,
    visible_at: i64,
    now: i64,
) -> rusqlite::Result<(Vec<Message>, bool)> {
    // An older message that is delayed keeps its group as well: the younger ones come after it.
    let ready: Vec<(i64, u64)> = transaction
        .prepare_cached(
            "SELECT seq, receives FROM messages AS message WHERE queue = ?1 AND visible_at <= ?2
             AND NOT EXISTS (
                 SELECT 1 FROM messages AS other
                 WHERE other.queue = ?1 AND other.message_group IS message.message_group
                 AND other.visible_at > ?2 AND (other.receipt IS NOT NULL OR other.seq < message.seq)
             ) ORDER BY seq",
        )?
        .query_map(params![queue, now], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let (mut messages, mut redriven) = (Vec::new(), false);
    for (seq, receives) in ready {
        if messages.len() >= max {
            break;
        }
        if let Some(redrive) = redrive.filter(|redrive| receives >= redrive.max_receives)
            && bury(transaction, seq, queue, redrive)?
        {
            redriven = true;
        } else {
            messages.push(deliver(transaction, seq, visible_at, now)?);
        }
    }
    Ok((messages, redriven))
}

/// Moves a message to the dead-letter queue, unless there is none; it keeps its id and its group.
fn bury(transaction: &Transaction<'_>, seq: i64, queue: &str, redrive: &Redrive) -> rusqlite::Result<bool> {
    let moved = transaction.execute(
        "UPDATE messages SET queue = ?1, source = ?2, receives = 0, first_received = NULL, receipt = NULL
         WHERE seq = ?3 AND EXISTS (SELECT 1 FROM queues WHERE name = ?1)",
        params![redrive.dead_letter_queue, queue, seq],
    )?;
    Ok(moved > 0)
}

/// Whether the delivery that has this handle is over, because the message became visible again.
pub(super) fn is_over(
    connection: &Connection,
    queue: &str,
    receipt: &str,
    now: i64,
) -> rusqlite::Result<bool> {
    let query = "SELECT visible_at <= ?3 FROM messages WHERE queue = ?1 AND receipt = ?2";
    let over = connection.query_row(query, params![queue, receipt, now], |row| row.get(0)).optional()?;
    Ok(over.unwrap_or(false))
}

#[cfg(test)]
mod tests;
