//! Audit records: who did what to an object, and when. Never a URL.

use super::row::{Item, PK, SK, number, partition, string};
use crate::{id::UserId, record::Record, timestamp::Timestamp};
use aws_sdk_dynamodb::types::{Put, builders::PutBuilder};
use uuid::Uuid;

/// Who acted.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    /// A user of the object's tenant.
    User(&'a UserId),
    /// A function, on its own account.
    Function(&'static str),
}

/// The audit record of `action` on the object of `record`, to be put in the transaction that acts.
/// It stands in the object's partition, sorted by time.
pub fn audit_put(table: &str, record: &Record, action: &str, actor: Actor<'_>, at: Timestamp) -> PutBuilder {
    let (kind, name) = match actor {
        Actor::User(user) => ("user", user.as_str()),
        Actor::Function(name) => ("function", name),
    };
    let item: Item = [
        (PK, string(partition(&record.tenant, record.id))),
        (SK, string(format_args!("audit#{}", Uuid::now_v7()))),
        ("action", string(action)),
        ("actor", string(name)),
        ("actor_kind", string(kind)),
        ("at", number(at.as_millis())),
        ("object_version", number(record.version)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    Put::builder().table_name(table).set_item(Some(item))
}
