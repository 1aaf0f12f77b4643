//! Audit records: who did what to an object, and when. Never a URL.

use super::{
    Registry,
    row::{PK, SK, item, number, partition, string},
};
use crate::{id::UserId, record::Record, timestamp::Timestamp};
use aws_sdk_dynamodb::{error::BuildError, types::Put};
use uuid::Uuid;

/// Who acted.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    /// A user of the object's tenant.
    User(&'a UserId),
    /// A function, on its own account.
    Function(&'static str),
}

impl Registry {
    /// The audit record of `action` on the object of `record`, to be put in the transaction that acts. It stands in
    /// the object's partition, sorted by time.
    pub(super) fn audit(
        &self,
        record: &Record,
        action: &str,
        actor: Actor<'_>,
        at: Timestamp,
    ) -> Result<Put, BuildError> {
        let (kind, name) = match actor {
            Actor::User(user) => ("user", user.as_str()),
            Actor::Function(name) => ("function", name),
        };
        let row = item([
            (PK, string(partition(&record.object))),
            (SK, string(format_args!("audit#{}", Uuid::now_v7()))),
            ("action", string(action)),
            ("actor", string(name)),
            ("actor_kind", string(kind)),
            ("at", number(at.as_millis())),
            ("object_version", number(record.version)),
        ]);
        Put::builder().table_name(&self.table).set_item(Some(row)).build()
    }
}
