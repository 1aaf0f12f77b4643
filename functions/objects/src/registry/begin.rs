//! A new upload: the object, the tenant's usage, its rate and the idempotency record, all in one transaction or not
//! at all.

use super::{
    PENDING_BYTES, PENDING_COUNT, Refused, Registry, RegistryError, STORED_BYTES, Transaction, Usage,
    Written,
    row::{self, Item, PK, RowError, SK, TTL, item, number, optional, required, string},
};
use crate::{
    id::{ObjectId, TenantId, UserId},
    record::Record,
};
use aws_sdk_dynamodb::{
    error::BuildError,
    types::{Put, ReturnValuesOnConditionCheckFailure::AllOld, Update},
};
use sha2::{Digest, Sha256};
use std::{str::FromStr, time::Duration};

/// How long an idempotency key is remembered.
const IDEMPOTENCY_SECONDS: i64 = 24 * 3600;
/// How long a caller waits for room that others have to make.
const WAIT_FOR_ROOM: Duration = Duration::from_secs(60);

/// What one tenant may have.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// Uploads that are pending or being scanned.
    pub pending_uploads: u64,
    /// Their declared bytes.
    pub pending_bytes: u64,
    /// Bytes that are pending, being scanned, or published.
    pub stored_bytes: u64,
    /// Uploads that are begun in a minute.
    pub uploads_per_minute: u64,
}

/// A client's own name for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// The text cannot be an idempotency key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 255 visible ASCII characters")]
pub struct NotAnIdempotencyKey;

impl FromStr for IdempotencyKey {
    type Err = NotAnIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, NotAnIdempotencyKey> {
        let visible = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        let valid = (1..=255).contains(&text.len()) && text.bytes().all(visible);
        if valid { Ok(Self(text.to_owned())) } else { Err(NotAnIdempotencyKey) }
    }
}

/// What became of a new upload.
#[derive(Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is in the registry.
    Created,
    /// The same request created this upload before.
    Replayed(ObjectId),
    /// The key was used for another request.
    KeyReused,
    /// The tenant has too much already.
    OverQuota(OverQuota),
    /// It has more bytes than the tenant may have at all.
    TooLarge {
        /// How many the tenant may have.
        most: u64,
    },
}

/// Which quota an upload does not fit into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverQuota {
    /// Too many are pending.
    #[error("{pending} uploads are pending, at most {most} may be")]
    Uploads {
        /// How many are.
        pending: u64,
        /// How many may be.
        most: u64,
    },
    /// Its bytes are too many with those of others.
    #[error(
        "{pending} of {most_pending} pending bytes and {stored} of {most_stored} stored bytes are used; this upload \
         does not fit"
    )]
    Bytes {
        /// Bytes that are pending.
        pending: u64,
        /// How many may be.
        most_pending: u64,
        /// Bytes that are stored.
        stored: u64,
        /// How many may be.
        most_stored: u64,
    },
    /// Too many were begun in this minute.
    #[error("at most {most} uploads a minute")]
    Rate {
        /// How many may be.
        most: u64,
        /// When the next minute begins.
        next_minute: Duration,
    },
}

impl OverQuota {
    /// When it is worth trying again.
    pub fn try_again_in(self) -> Duration {
        match self {
            Self::Uploads { .. } | Self::Bytes { .. } => WAIT_FOR_ROOM,
            Self::Rate { next_minute, .. } => next_minute,
        }
    }
}

impl Registry {
    /// Writes the new upload `record`, unless a quota or the idempotency key forbids it. One call:
    /// TransactWriteItems.
    ///
    /// # Errors
    /// [`RegistryError`] when it is not known that the upload was written.
    pub async fn begin(
        &self,
        record: &Record,
        quotas: &Quotas,
        key: Option<&IdempotencyKey>,
    ) -> Result<Begun, RegistryError> {
        let most = quotas.pending_bytes.min(quotas.stored_bytes);
        if record.declared.size > most {
            return Ok(Begun::TooLarge { most });
        }
        let fingerprint = fingerprint(record);
        // The key comes first: a replay is one even when the quota is used up meanwhile.
        let mut transaction = Transaction::default();
        if let Some(key) = key {
            transaction = transaction.put(self.remember(record, key, &fingerprint)?);
        }
        let first = usize::from(key.is_some());
        let transaction = transaction
            .update(self.count_usage(record, quotas)?)
            .update(self.count_rate(record, quotas)?)
            .put(self.new_object(record)?);
        let Written::Refused(Refused { item, found }) = self.write(transaction).await? else {
            return Ok(Begun::Created);
        };
        match item.checked_sub(first) {
            None => Ok(known(&found.unwrap_or_default(), &fingerprint)?),
            Some(0) => Ok(Begun::OverQuota(over_usage(&found.unwrap_or_default(), quotas)?)),
            Some(1) => {
                let next_minute = Duration::from_secs(left_of_minute(record.created_at.as_secs()));
                Ok(Begun::OverQuota(OverQuota::Rate { most: quotas.uploads_per_minute, next_minute }))
            }
            Some(_) => Err(RegistryError::Busy),
        }
    }

    fn new_object(&self, record: &Record) -> Result<Put, RegistryError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(row::new_item(record)?))
            .condition_expression("attribute_not_exists(pk)");
        Ok(put.build()?)
    }

    fn count_usage(&self, record: &Record, quotas: &Quotas) -> Result<Update, BuildError> {
        let size = record.declared.size;
        Usage::of_new(size)
            .update(&self.table, &record.object.tenant)
            .condition_expression(
                "attribute_not_exists(pk) OR \
                 (pending_count < :uploads AND pending_bytes <= :pending_room AND stored_bytes <= :stored_room)",
            )
            .expression_attribute_values(":uploads", number(quotas.pending_uploads))
            .expression_attribute_values(":pending_room", number(quotas.pending_bytes - size))
            .expression_attribute_values(":stored_room", number(quotas.stored_bytes - size))
            .return_values_on_condition_check_failure(AllOld)
            .build()
    }

    fn count_rate(&self, record: &Record, quotas: &Quotas) -> Result<Update, BuildError> {
        let minute = record.created_at.as_secs().div_euclid(60);
        Update::builder()
            .table_name(&self.table)
            .key(PK, string(format_args!("{}#rate", record.object.tenant)))
            .key(SK, string(minute))
            .update_expression("ADD uploads :one SET #ttl = :ttl")
            .condition_expression("attribute_not_exists(uploads) OR uploads < :max")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":ttl", number((minute + 5) * 60))
            .expression_attribute_values(":max", number(quotas.uploads_per_minute))
            .build()
    }

    fn remember(&self, record: &Record, key: &IdempotencyKey, fingerprint: &str) -> Result<Put, BuildError> {
        let now = record.created_at.as_secs();
        let row = item([
            (PK, string(idempotency_partition(&record.object.tenant, &record.user, key))),
            (SK, string("idempotency")),
            ("object_id", string(record.object.id)),
            ("fingerprint", string(fingerprint)),
            (TTL, number(now + IDEMPOTENCY_SECONDS)),
        ]);
        Put::builder()
            .table_name(&self.table)
            .set_item(Some(row))
            // DynamoDB removes what is past its TTL late; until then it counts as gone.
            .condition_expression("attribute_not_exists(pk) OR #ttl < :now")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":now", number(now))
            .return_values_on_condition_check_failure(AllOld)
            .build()
    }
}

/// A user's key is a partition of its own: what one user calls a request is nothing to another.
fn idempotency_partition(tenant: &TenantId, user: &UserId, IdempotencyKey(key): &IdempotencyKey) -> String {
    // No user id has a space.
    format!("{tenant}#key#{}", hex::encode(Sha256::digest(format!("{user} {key}"))))
}

/// What makes two requests of a user the same.
fn fingerprint(record: &Record) -> String {
    let what = serde_json::json!([record.declared, record.sha256]);
    hex::encode(Sha256::digest(what.to_string()))
}

fn known(found: &Item, fingerprint: &str) -> Result<Begun, RowError> {
    let seen: String = required(found, "fingerprint")?;
    Ok(if seen == fingerprint { Begun::Replayed(required(found, "object_id")?) } else { Begun::KeyReused })
}

fn over_usage(found: &Item, quotas: &Quotas) -> Result<OverQuota, RowError> {
    let used = |name| Ok(optional(found, name)?.unwrap_or(0));
    let pending = used(PENDING_COUNT)?;
    Ok(if pending >= quotas.pending_uploads {
        OverQuota::Uploads { pending, most: quotas.pending_uploads }
    } else {
        OverQuota::Bytes {
            pending: used(PENDING_BYTES)?,
            most_pending: quotas.pending_bytes,
            stored: used(STORED_BYTES)?,
            most_stored: quotas.stored_bytes,
        }
    })
}

/// How many seconds of its minute are left at `seconds`: 1 to 60.
fn left_of_minute(seconds: i64) -> u64 {
    60 - seconds.rem_euclid(60).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::ObjectRef, timestamp::Timestamp};

    const QUOTAS: Quotas =
        Quotas { pending_uploads: 2, pending_bytes: 100, stored_bytes: 1000, uploads_per_minute: 5 };

    #[test]
    fn the_partition_of_a_key_gives_nothing_away_and_holds_no_separator() {
        let tenant = "acme".parse().expect("a tenant");
        let key = IdempotencyKey("a#b/secret".to_owned());
        let of = |user: &str| idempotency_partition(&tenant, &user.parse().expect("a user"), &key);
        assert_eq!(of("ada").matches('#').count(), 2);
        assert!(!of("ada").contains("secret"));
        assert_ne!(of("ada"), of("bob"), "a key is a user's own");
    }

    #[test]
    fn t02_a_refusal_says_what_is_used_up() {
        let usage = |count: i64, pending: i64| {
            item([
                (PENDING_COUNT, number(count)),
                (PENDING_BYTES, number(pending)),
                (STORED_BYTES, number(7)),
            ])
        };
        let words = |found| over_usage(&found, &QUOTAS).expect("a row").to_string();
        assert_eq!(words(usage(2, 1)), "2 uploads are pending, at most 2 may be");
        assert_eq!(
            words(usage(1, 99)),
            "99 of 100 pending bytes and 7 of 1000 stored bytes are used; this upload does not fit"
        );
    }

    #[test]
    fn a_request_that_is_repeated_after_an_upgrade_has_the_fingerprint_it_had() {
        let declared = r#"{ "file_name": "a.txt", "content_type": "text/plain", "size": 1 }"#;
        let declared = serde_json::from_str(declared).expect("a declaration");
        let object = ObjectRef::new("acme".parse().expect("a tenant"), ObjectId::new());
        let (user, now) = ("ada".parse().expect("a user"), Timestamp::from_millis(0));
        let record = Record::open(object, user, declared, None, now, now);
        let asked = r#"[{"content_type":"text/plain","file_name":"a.txt","size":1},null]"#;
        assert_eq!(fingerprint(&record), hex::encode(Sha256::digest(asked)));
    }

    #[test]
    fn who_is_over_the_rate_waits_for_the_next_minute() {
        for (seconds, left) in [(0, 60), (1, 59), (59, 1), (60, 60), (-1, 1)] {
            assert_eq!(left_of_minute(seconds), left, "{seconds}");
        }
    }

    #[test]
    fn a_key_is_visible_ascii() {
        assert!("a-b c.1".parse::<IdempotencyKey>().is_ok());
        for bad in ["", "ü", "a\n", &"x".repeat(256)] {
            assert_eq!(bad.parse::<IdempotencyKey>(), Err(NotAnIdempotencyKey), "{bad:?}");
        }
    }
}
