//! Queues and messages in a SQLite file. Every method is one transaction.

mod fifo;
mod schema;

use crate::{
    SqsError, arn,
    attributes::Attributes,
    fifo::{is_fifo, sequence_number},
    outgoing::Outgoing,
};
use md5::{Digest, Md5};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path, time::Duration};
use uuid::Uuid;

/// A message as a receive answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id, the same for all of its life.
    pub message_id: String,
    /// The handle that deletes this delivery of it.
    pub receipt_handle: String,
    /// The text that was sent.
    pub body: String,
    /// MD5 of the body, in hex.
    pub md5_of_body: String,
    /// `ApproximateReceiveCount`, `SentTimestamp` and the like.
    pub attributes: BTreeMap<String, String>,
    /// The attributes that the sender added; `Null` if none.
    pub message_attributes: Value,
}

/// How many messages a queue has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Can be received.
    pub visible: u64,
    /// Received, and neither deleted nor visible again.
    pub in_flight: u64,
    /// Sent, and not visible yet.
    pub delayed: u64,
}

/// What a look into a queue found, all at one instant: nothing becomes visible unseen in between.
pub(crate) struct Taken {
    pub(crate) messages: Vec<Message>,
    /// In how many milliseconds the next hidden message becomes visible.
    pub(crate) next_visible: Option<u64>,
    /// Messages went to the dead-letter queue, where someone may wait for them.
    pub(crate) redriven: bool,
}

/// What a sender learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) id: String,
    /// Only in a FIFO queue.
    pub(crate) sequence_number: Option<String>,
}

pub(crate) struct Store {
    connection: Connection,
}

impl Store {
    pub(crate) fn open(data: &Path) -> Result<Self, SqsError> {
        std::fs::create_dir_all(data)?;
        let connection = Connection::open(data.join("queues.sqlite"))?;
        schema::prepare(&connection)?;
        Ok(Self { connection })
    }

    pub(crate) fn create(&mut self, name: &str, attributes: &Attributes) -> Result<(), SqsError> {
        let attributes = match self.attributes(name) {
            Ok(existing) => existing.merged(attributes),
            Err(SqsError::NoQueue) => attributes.clone(),
            Err(error) => return Err(error),
        };
        crate::fifo::check_queue(name, &attributes)?;
        self.connection.execute(
            "INSERT INTO queues VALUES (?1, ?2) ON CONFLICT DO UPDATE SET attributes = ?2",
            params![name, attributes.to_json().to_string()],
        )?;
        Ok(())
    }

    pub(crate) fn drop_queue(&mut self, queue: &str) -> Result<(), SqsError> {
        match self.connection.execute("DELETE FROM queues WHERE name = ?1", [queue])? {
            0 => Err(SqsError::NoQueue),
            _ => Ok(()),
        }
    }

    pub(crate) fn names(&self, prefix: &str) -> Result<Vec<String>, SqsError> {
        let mut query = self.connection.prepare("SELECT name FROM queues ORDER BY name")?;
        let names = query.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        Ok(names.into_iter().filter(|name| name.starts_with(prefix)).collect())
    }

    pub(crate) fn attributes(&self, queue: &str) -> Result<Attributes, SqsError> {
        let query = "SELECT attributes FROM queues WHERE name = ?1";
        let text: Option<String> = self.connection.query_row(query, [queue], |row| row.get(0)).optional()?;
        let value = serde_json::from_str(&text.ok_or(SqsError::NoQueue)?).unwrap_or_default();
        Attributes::from_json(&value)
    }

    pub(crate) fn put(&mut self, queue: &str, message: &Outgoing<'_>, now: i64) -> Result<Sent, SqsError> {
        let attributes = self.attributes(queue)?;
        let max = attributes.number("MaximumMessageSize");
        if message.body.is_empty() {
            return Err(SqsError::Missing("MessageBody"));
        }
        if message.body.len() as u64 > max {
            return Err(SqsError::Invalid(format!("Message must be shorter than {max} bytes.")));
        }
        let deduplication_id = crate::fifo::check_message(queue, &attributes, message)?;
        let transaction = self.connection.transaction()?;
        if let Some(id) = &deduplication_id
            && let Some(earlier) = fifo::earlier(&transaction, queue, &attributes, message.group, id, now)?
        {
            return Ok(earlier);
        }
        let id = Uuid::new_v4().to_string();
        let visible_at = now + millis(message.delay.unwrap_or_else(|| attributes.seconds("DelaySeconds")));
        transaction.execute(
            "INSERT INTO messages
                 (queue, id, body, attributes, sent, visible_at, message_group, deduplication_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                queue,
                id,
                message.body,
                message.message_attributes.to_string(),
                now,
                visible_at,
                message.group,
                deduplication_id
            ],
        )?;
        let seq = transaction.last_insert_rowid();
        if let Some(deduplication_id) = &deduplication_id {
            fifo::remember(&transaction, queue, message.group, deduplication_id, (seq, &id), now)?;
        }
        transaction.commit()?;
        Ok(Sent { id, sequence_number: is_fifo(queue).then(|| sequence_number(seq)) })
    }

    pub(crate) fn take(
        &mut self,
        queue: &str,
        max: usize,
        hidden_for: Option<Duration>,
        now: i64,
    ) -> Result<Taken, SqsError> {
        let attributes = self.attributes(queue)?;
        let visible_at = now + millis(hidden_for.unwrap_or_else(|| attributes.seconds("VisibilityTimeout")));
        let transaction = self.connection.transaction()?;
        let oldest = now - millis(attributes.seconds("MessageRetentionPeriod"));
        transaction.execute("DELETE FROM messages WHERE queue = ?1 AND sent < ?2", params![queue, oldest])?;
        if is_fifo(queue) {
            let redrive = attributes.redrive();
            let (messages, redriven) =
                fifo::take(&transaction, queue, max, redrive.as_ref(), visible_at, now)?;
            let next_visible = next_visible(&transaction, queue, now)?;
            transaction.commit()?;
            return Ok(Taken { messages, next_visible, redriven });
        }
        let mut redriven = false;
        if let Some(redrive) = attributes.redrive() {
            let moved = transaction.execute(
                "UPDATE messages SET queue = ?1, source = ?2, receives = 0, first_received = NULL, receipt = NULL
                 WHERE queue = ?3 AND visible_at <= ?4 AND receives >= ?5
                 AND EXISTS (SELECT 1 FROM queues WHERE name = ?1)",
                params![redrive.dead_letter_queue, queue, queue, now, redrive.max_receives],
            )?;
            redriven = moved > 0;
        }
        let sequence: Vec<i64> = transaction
            .prepare_cached(
                "SELECT seq FROM messages WHERE queue = ?1 AND visible_at <= ?2 ORDER BY seq LIMIT ?3",
            )?
            .query_map(params![queue, now, max as u64], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let messages = sequence
            .into_iter()
            .map(|seq| deliver(&transaction, seq, visible_at, now))
            .collect::<Result<Vec<_>, _>>()?;
        let next_visible = next_visible(&transaction, queue, now)?;
        transaction.commit()?;
        Ok(Taken { messages, next_visible, redriven })
    }

    /// Deleting a message that is gone already is no error, nor is a handle of an earlier delivery;
    /// that one deletes nothing. In a FIFO queue a handle ends with its visibility time-out: the
    /// message is the next of its group again, so a late worker must not take it out of the order.
    pub(crate) fn delete(&mut self, queue: &str, receipt: &str, now: i64) -> Result<(), SqsError> {
        self.attributes(queue)?;
        if !is_handle(receipt) {
            return Err(SqsError::BadHandle);
        }
        if is_fifo(queue) && fifo::is_over(&self.connection, queue, receipt, now)? {
            return Err(SqsError::value("ReceiptHandle", receipt, "The receipt handle has expired."));
        }
        self.connection
            .execute("DELETE FROM messages WHERE queue = ?1 AND receipt = ?2", params![queue, receipt])?;
        Ok(())
    }

    pub(crate) fn hide(
        &mut self,
        queue: &str,
        receipt: &str,
        hidden: Duration,
        now: i64,
    ) -> Result<(), SqsError> {
        self.attributes(queue)?;
        if hidden > Duration::from_secs(43_200) {
            return Err(SqsError::Invalid("VisibilityTimeout must be within 0 to 43200.".to_owned()));
        }
        if !is_handle(receipt) {
            return Err(SqsError::BadHandle);
        }
        let changed = self.connection.execute(
            "UPDATE messages SET visible_at = ?1 WHERE queue = ?2 AND receipt = ?3 AND visible_at > ?4",
            params![now + millis(hidden), queue, receipt, now],
        )?;
        if changed == 0 { Err(SqsError::NotInFlight) } else { Ok(()) }
    }

    /// Moves what waits in a dead-letter queue back to where it came from, or to `target`. Moved
    /// messages are new ones, with an id and a retention of their own (SQS Developer Guide,
    /// "Configure a dead-letter queue redrive"). What is in flight stays, and what came from a queue
    /// that is gone.
    pub(crate) fn move_back(&mut self, queue: &str, target: Option<&str>, now: i64) -> Result<(), SqsError> {
        self.attributes(queue)?;
        if let Some(target) = target {
            self.attributes(target)?;
        }
        let transaction = self.connection.transaction()?;
        let waiting: Vec<i64> = transaction
            .prepare("SELECT seq FROM messages WHERE queue = ?1 AND visible_at <= ?2 ORDER BY seq")?
            .query_map(params![queue, now], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for seq in waiting {
            // A row of its own, so that it comes after what its group has in the queue by now.
            let moved = transaction.execute(
                "INSERT INTO messages
                     (queue, id, body, attributes, sent, visible_at, message_group, deduplication_id)
                 SELECT coalesce(?1, source), ?2, body, attributes, ?3, ?3, message_group, deduplication_id
                 FROM messages WHERE seq = ?4 AND coalesce(?1, source) IN (SELECT name FROM queues)",
                params![target, Uuid::new_v4().to_string(), now, seq],
            )?;
            if moved > 0 {
                transaction.execute("DELETE FROM messages WHERE seq = ?1", [seq])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    pub(crate) fn depth(&self, queue: &str, now: i64) -> Result<Depth, SqsError> {
        self.attributes(queue)?;
        let query = "SELECT count(*) FILTER (WHERE visible_at <= ?2),
                count(*) FILTER (WHERE visible_at > ?2 AND receipt IS NOT NULL),
                count(*) FILTER (WHERE visible_at > ?2 AND receipt IS NULL)
            FROM messages WHERE queue = ?1";
        let depth =
            |row: &Row<'_>| Ok(Depth { visible: row.get(0)?, in_flight: row.get(1)?, delayed: row.get(2)? });
        Ok(self.connection.query_row(query, params![queue, now], depth)?)
    }
}

/// Hands one message out: counts the delivery and gives it a handle of its own.
fn deliver(transaction: &Transaction<'_>, seq: i64, visible_at: i64, now: i64) -> rusqlite::Result<Message> {
    let receipt = format!("receipt-{}", Uuid::new_v4().simple());
    transaction
        .prepare_cached(
            "UPDATE messages SET receives = receives + 1, first_received = coalesce(first_received, ?1),
             visible_at = ?2, receipt = ?3 WHERE seq = ?4
             RETURNING id, body, attributes, sent, receives, first_received, source, message_group,
                 deduplication_id, queue",
        )?
        .query_row(params![now, visible_at, receipt, seq], |row| {
            let body: String = row.get(1)?;
            let number = |column| row.get::<_, i64>(column).map(|number| number.to_string());
            let mut attributes = BTreeMap::from([
                ("SenderId".to_owned(), "AIDALOCAL".to_owned()),
                ("SentTimestamp".to_owned(), number(3)?),
                ("ApproximateReceiveCount".to_owned(), number(4)?),
                ("ApproximateFirstReceiveTimestamp".to_owned(), number(5)?),
            ]);
            if let Some(source) = row.get::<_, Option<String>>(6)? {
                attributes.insert("DeadLetterQueueSourceArn".to_owned(), arn(&source));
            }
            for (name, column) in [("MessageGroupId", 7), ("MessageDeduplicationId", 8)] {
                if let Some(value) = row.get::<_, Option<String>>(column)? {
                    attributes.insert(name.to_owned(), value);
                }
            }
            if is_fifo(&row.get::<_, String>(9)?) {
                attributes.insert("SequenceNumber".to_owned(), sequence_number(seq));
            }
            Ok(Message {
                message_id: row.get(0)?,
                receipt_handle: receipt.clone(),
                md5_of_body: hex::encode(Md5::digest(&body)),
                body,
                attributes,
                message_attributes: serde_json::from_str(&row.get::<_, String>(2)?).unwrap_or_default(),
            })
        })
}

/// In how many milliseconds the next hidden message of a queue becomes visible.
fn next_visible(transaction: &Transaction<'_>, queue: &str, now: i64) -> rusqlite::Result<Option<u64>> {
    let query = "SELECT min(visible_at) FROM messages WHERE queue = ?1 AND visible_at > ?2";
    let next: Option<i64> = transaction.query_row(query, params![queue, now], |row| row.get(0))?;
    Ok(next.map(|next| next.abs_diff(now)))
}

fn is_handle(text: &str) -> bool {
    text.strip_prefix("receipt-").is_some_and(|id| id.len() == 32)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
