//! Records as rows of the table: the one place that knows the names of attributes.

use crate::{
    id::{ObjectId, ObjectRef, TenantId},
    record::{Claim, Pin, Record},
    timestamp::Timestamp,
};
use aws_sdk_dynamodb::types::AttributeValue;
use std::{collections::HashMap, str::FromStr};

/// A row as DynamoDB has it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The partition key.
pub(super) const PK: &str = "pk";
/// The sort key.
pub(super) const SK: &str = "sk";
/// The sort key of the row that is the object itself; its audit records stand beside it.
pub(super) const OBJECT: &str = "object";

/// The index from which a tenant's published objects are listed, and in which a rescan finds them; see
/// [`LISTED`].
pub(super) const BY_TENANT: &str = "by-tenant";
/// Partition key of [`BY_TENANT`]: the tenant, on objects that are published, and on those that are recalled
/// until their bytes are gone; [`held_list`] on those that are held. Other rows are not in it.
pub(super) const LISTED: &str = "listed";
/// Sort key of [`BY_TENANT`].
pub(super) const OBJECT_ID: &str = "object_id";

/// The index of rows that need attention when their time comes.
pub(super) const DUE: &str = "due";
/// Partition key of [`DUE`].
pub(super) const DUE_SHARD: &str = "due_shard";
/// Sort key of [`DUE`]: milliseconds since the epoch.
pub(super) const DUE_AT: &str = "due_at";
/// How many partitions each sweep has in the [`DUE`] index, so that it takes several times the writes of one.
const DUE_SHARDS: u8 = 8;

/// Who looks at a row when its time comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// Of uploads that nobody ended, scans that did not come to an end, and bytes that are held no longer.
    Uploads,
    /// Of bytes in the published bucket that no published object has.
    Published,
}

impl Sweep {
    /// Its partitions of the [`DUE`] index.
    pub(super) fn shards(self) -> impl Iterator<Item = String> {
        (0..DUE_SHARDS).map(move |number| self.shard(number))
    }

    /// The partition in which an object waits for it.
    pub(super) fn shard_of(self, id: ObjectId) -> String {
        self.shard(id.as_bytes()[15] % DUE_SHARDS)
    }

    fn shard(self, number: u8) -> String {
        match self {
            Self::Uploads => number.to_string(),
            Self::Published => format!("published-{number}"),
        }
    }
}

/// When the object's bytes are held no longer.
pub(super) const HELD_UNTIL: &str = "held_until";
/// Which version of what lies at its held key the object's bytes are.
pub(super) const HELD_VERSION: &str = "held_version";
/// When the invocation that scans the object ends at the latest.
pub(super) const SCAN_UNTIL: &str = "scan_until";
/// The message for which it is scanned.
pub(super) const SCAN_MESSAGE: &str = "scan_message";
/// How often a scan of it began.
pub(super) const SCANS: &str = "scans";

/// The rule set of the latest verdict.
pub(super) const RULES: &str = "rules";

/// When DynamoDB may forget the row: seconds since the epoch. Never on objects or audit records.
pub(super) const TTL: &str = "ttl";

/// The key of an object's row. The tenant is part of it: a row of another tenant cannot be named.
pub(super) fn object_key(object: &ObjectRef) -> Item {
    item([(PK, string(partition(object))), (SK, string(OBJECT))])
}

/// The key of an object in [`BY_TENANT`], for a page of that index to begin behind it.
pub(super) fn listed_key(object: &ObjectRef) -> Item {
    let mut key = object_key(object);
    key.extend(item([(LISTED, string(&object.tenant)), (OBJECT_ID, string(object.id))]));
    key
}

/// The partition of an object and its audit records.
pub(super) fn partition(ObjectRef { tenant, id }: &ObjectRef) -> String {
    format!("{tenant}#{id}")
}

/// Reads the partition of a row back into the object that it names.
pub(super) fn object_of(item: &Item) -> Result<ObjectRef, RowError> {
    let pk: String = required(item, PK)?;
    let (tenant, id) = pk.split_once('#').ok_or(RowError::Attribute(PK))?;
    Ok(ObjectRef::new(
        tenant.parse().map_err(|_| RowError::Attribute(PK))?,
        id.parse().map_err(|_| RowError::Attribute(PK))?,
    ))
}

/// Attributes as a row, a key, or a part of one.
pub(super) fn item(attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The partition of [`BY_TENANT`] with what a tenant has held, oldest first. No tenant has a `#` in its name.
pub(super) fn held_list(tenant: &TenantId) -> String {
    format!("{tenant}#held")
}

/// A row of the table is not what this version writes.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// An attribute is missing or malformed.
    #[error("attribute {0} of a registry row is missing or malformed")]
    Attribute(&'static str),
    /// What was declared is not there, or is malformed.
    #[error("what a registry row says was declared cannot be read")]
    Declared(#[source] serde_dynamo::Error),
}

/// A string attribute.
pub(super) fn string(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A number attribute.
pub(super) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Reads an attribute that may be absent.
pub(super) fn optional<T: FromStr>(item: &Item, name: &'static str) -> Result<Option<T>, RowError> {
    item.get(name)
        .map(|value| match value {
            AttributeValue::S(text) | AttributeValue::N(text) => {
                text.parse().map_err(|_| RowError::Attribute(name))
            }
            _ => Err(RowError::Attribute(name)),
        })
        .transpose()
}

/// Reads an attribute that must be there.
pub(super) fn required<T: FromStr>(item: &Item, name: &'static str) -> Result<T, RowError> {
    optional(item, name)?.ok_or(RowError::Attribute(name))
}

fn time(item: &Item, name: &'static str) -> Result<Option<Timestamp>, RowError> {
    Ok(optional(item, name)?.map(Timestamp::from_millis))
}

/// The row of a new object. It wants attention when it expires.
pub(super) fn new_item(record: &Record) -> Result<Item, RowError> {
    let declared: Item = serde_dynamo::to_item(&record.declared).map_err(RowError::Declared)?;
    let mut row = object_key(&record.object);
    row.extend(declared);
    row.extend(item([
        (OBJECT_ID, string(record.object.id)),
        ("user_id", string(&record.user)),
        ("state", string(record.state)),
        ("version", number(record.version)),
        ("created_at", number(record.created_at.as_millis())),
        ("expires_at", number(record.expires_at.as_millis())),
        (DUE_SHARD, string(Sweep::Uploads.shard_of(record.object.id))),
        (DUE_AT, number(record.expires_at.as_millis())),
    ]));
    row.extend(item(record.sha256.map(|sum| ("sha256", string(sum)))));
    Ok(row)
}

/// Reads an object's row.
pub(super) fn record(item: &Item) -> Result<Record, RowError> {
    let etag: Option<String> = optional(item, "etag")?;
    let version_id = optional(item, "version_id")?;
    let verdict: Option<String> = optional(item, "verdict")?;
    Ok(Record {
        object: object_of(item)?,
        user: required(item, "user_id")?,
        state: required(item, "state")?,
        version: required(item, "version")?,
        declared: serde_dynamo::from_item(item.clone()).map_err(RowError::Declared)?,
        sha256: optional(item, "sha256")?,
        created_at: time(item, "created_at")?.ok_or(RowError::Attribute("created_at"))?,
        expires_at: time(item, "expires_at")?.ok_or(RowError::Attribute("expires_at"))?,
        finalized_at: time(item, "finalized_at")?,
        queued_at: time(item, "queued_at")?,
        queued_times: optional(item, "queued_times")?.unwrap_or(0),
        scans: optional(item, SCANS)?.unwrap_or(0),
        claim: optional(item, SCAN_MESSAGE)?
            .zip(time(item, SCAN_UNTIL)?)
            .map(|(message, until)| Claim { message, until }),
        scanned_at: time(item, "scanned_at")?,
        pin: etag.map(|etag| Pin { etag, version_id }),
        verdict: verdict
            .map(|json| serde_json::from_str(&json))
            .transpose()
            .map_err(|_| RowError::Attribute("verdict"))?,
        held_until: time(item, HELD_UNTIL)?,
        held_version: optional(item, HELD_VERSION)?,
    })
}
