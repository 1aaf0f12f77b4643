//! Records as rows of the table: the one place that knows the names of attributes.

use crate::{
    file_name::FileName,
    id::{ObjectId, TenantId},
    record::{Claim, Pin, Record},
    timestamp::Timestamp,
};
use aws_sdk_dynamodb::types::AttributeValue;
use std::{collections::HashMap, str::FromStr};

/// A row as DynamoDB has it.
pub type Item = HashMap<String, AttributeValue>;

/// The partition key.
pub const PK: &str = "pk";
/// The sort key.
pub const SK: &str = "sk";
/// The sort key of the row that is the object itself; its audit records stand beside it.
pub const OBJECT: &str = "object";

/// The index from which a tenant's published objects are listed, and in which a rescan finds them; see
/// [`LISTED`].
pub const BY_TENANT: &str = "by-tenant";
/// Partition key of [`BY_TENANT`]: the tenant, on objects that are published, and on those that are recalled
/// until their bytes are gone; [`held_list`] on those that are held. Other rows are not in it.
pub const LISTED: &str = "listed";
/// Sort key of [`BY_TENANT`].
pub const OBJECT_ID: &str = "object_id";

/// The index of rows that need attention when their time comes.
pub const DUE: &str = "due";
/// Partition key of [`DUE`].
pub const DUE_SHARD: &str = "due_shard";
/// Sort key of [`DUE`]: milliseconds since the epoch.
pub const DUE_AT: &str = "due_at";
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
    pub fn shard_of(self, id: ObjectId) -> String {
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
pub const HELD_UNTIL: &str = "held_until";
/// Which version of what lies at its held key the object's bytes are.
pub const HELD_VERSION: &str = "held_version";
/// When the invocation that scans the object ends at the latest.
pub const SCAN_UNTIL: &str = "scan_until";
/// The message for which it is scanned.
pub const SCAN_MESSAGE: &str = "scan_message";
/// How often a scan of it began.
pub const SCANS: &str = "scans";

/// The rule set of the latest verdict.
pub const RULES: &str = "rules";

/// When DynamoDB may forget the row: seconds since the epoch. Never on objects or audit records.
pub const TTL: &str = "ttl";

/// The key of an object's row. The tenant is part of it: a row of another tenant cannot be named.
pub fn object_key(tenant: &TenantId, id: ObjectId) -> (String, String) {
    (partition(tenant, id), OBJECT.to_owned())
}

/// The key of an object in [`BY_TENANT`], for a page of that index to begin behind it.
pub fn listed_key(tenant: &TenantId, id: ObjectId) -> Item {
    let (pk, sk) = object_key(tenant, id);
    let fields = [(PK, string(pk)), (SK, string(sk)), (LISTED, string(tenant)), (OBJECT_ID, string(id))];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The partition of an object and its audit records.
pub fn partition(tenant: &TenantId, id: ObjectId) -> String {
    format!("{tenant}#{id}")
}

/// Reads a partition back into what it names.
///
/// # Errors
/// [`RowError`] when the partition is not one of an object.
pub fn parse_partition(pk: &str) -> Result<(TenantId, ObjectId), RowError> {
    let (tenant, id) = pk.split_once('#').ok_or(RowError(PK))?;
    Ok((tenant.parse().map_err(|_| RowError(PK))?, id.parse().map_err(|_| RowError(PK))?))
}

/// The partition of [`BY_TENANT`] with what a tenant has held, oldest first. No tenant has a `#` in its name.
pub fn held_list(tenant: &TenantId) -> String {
    format!("{tenant}#held")
}

/// A row of the table is not what this version writes.
#[derive(Debug, thiserror::Error)]
#[error("attribute {0} of a registry row is missing or malformed")]
pub struct RowError(pub &'static str);

/// A string attribute.
pub fn string(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A number attribute.
pub fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Reads an attribute that may be absent.
///
/// # Errors
/// [`RowError`] when it is present and malformed.
pub fn optional<T: FromStr>(item: &Item, name: &'static str) -> Result<Option<T>, RowError> {
    item.get(name)
        .map(|value| match value {
            AttributeValue::S(text) | AttributeValue::N(text) => text.parse().map_err(|_| RowError(name)),
            _ => Err(RowError(name)),
        })
        .transpose()
}

/// Reads an attribute that must be there.
///
/// # Errors
/// [`RowError`] when it is absent or malformed.
pub fn required<T: FromStr>(item: &Item, name: &'static str) -> Result<T, RowError> {
    optional(item, name)?.ok_or(RowError(name))
}

fn time(item: &Item, name: &'static str) -> Result<Option<Timestamp>, RowError> {
    Ok(optional(item, name)?.map(Timestamp::from_millis))
}

impl Record {
    /// The row of a new object. It wants attention when it expires.
    pub fn to_new_item(&self) -> Item {
        let (pk, sk) = object_key(&self.tenant, self.id);
        let required = [
            (PK, string(pk)),
            (SK, string(sk)),
            (OBJECT_ID, string(self.id)),
            ("user_id", string(&self.user)),
            ("state", string(self.state)),
            ("version", number(self.version)),
            ("file_name", string(&self.file_name)),
            ("content_type", string(&self.content_type)),
            ("size", number(self.size)),
            ("created_at", number(self.created_at.as_millis())),
            ("expires_at", number(self.expires_at.as_millis())),
            (DUE_SHARD, string(Sweep::Uploads.shard_of(self.id))),
            (DUE_AT, number(self.expires_at.as_millis())),
        ];
        let optional = [("sha256", self.sha256.map(string))];
        let optional = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
        required.into_iter().chain(optional).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Reads an object's row.
    ///
    /// # Errors
    /// [`RowError`] names the attribute that is missing or malformed.
    pub fn from_item(item: &Item) -> Result<Self, RowError> {
        let (tenant, id) = parse_partition(&required::<String>(item, PK)?)?;
        let etag: Option<String> = optional(item, "etag")?;
        let version_id = optional(item, "version_id")?;
        let verdict: Option<String> = optional(item, "verdict")?;
        Ok(Self {
            tenant,
            id,
            user: required(item, "user_id")?,
            state: required(item, "state")?,
            version: required(item, "version")?,
            file_name: FileName::kept(required(item, "file_name")?).map_err(|_| RowError("file_name"))?,
            content_type: required(item, "content_type")?,
            size: required(item, "size")?,
            sha256: optional(item, "sha256")?,
            created_at: time(item, "created_at")?.ok_or(RowError("created_at"))?,
            expires_at: time(item, "expires_at")?.ok_or(RowError("expires_at"))?,
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
                .map_err(|_| RowError("verdict"))?,
            held_until: time(item, HELD_UNTIL)?,
            held_version: optional(item, HELD_VERSION)?,
        })
    }
}
