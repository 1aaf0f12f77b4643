//! Writing a new upload into the registry: the object, the tenant's usage, its rate and the
//! idempotency record, all in one transaction or not at all.

use super::{
    declaration::IdempotencyKey,
    limits::{Limits, Quotas},
};
use airlock_objects::{
    id::{ObjectId, TenantId},
    record::Record,
    registry::{
        PENDING_BYTES, PENDING_COUNT, Refused, Registry, RegistryError, STORED_BYTES, Transaction, Usage,
        row::{Item, PK, RowError, SK, TTL, number, optional, required, string},
    },
};
use aws_sdk_dynamodb::{
    error::BuildError,
    types::{Put, ReturnValuesOnConditionCheckFailure::AllOld, Update},
};
use sha2::{Digest, Sha256};

/// How long an idempotency key is remembered.
const IDEMPOTENCY_SECONDS: i64 = 24 * 3600;

/// What became of a new upload.
pub(super) enum Begun {
    /// It is in the registry.
    Created,
    /// The same request created this upload before.
    Replayed(ObjectId),
    /// The key was used for another request.
    KeyReused,
    /// The tenant has too much already.
    OverQuota { detail: String, retry_after_seconds: u64 },
}

/// Writes `record` unless a quota or the idempotency key stands in the way. One call.
pub(super) async fn begin(
    registry: &Registry,
    record: &Record,
    limits: &Limits,
    key: Option<&IdempotencyKey>,
) -> Result<Begun, RegistryError> {
    let table = registry.table();
    let fingerprint = fingerprint(record);
    // The key comes first: a replay is one even when the quota is used up meanwhile.
    let mut transaction = Transaction::default();
    if let Some(key) = key {
        transaction = transaction.put(remember(table, record, key, &fingerprint).map_err(build)?);
    }
    let first = usize::from(key.is_some());
    let Some(usage) = count_usage(table, record, &limits.quotas).map_err(build)? else {
        return Ok(over_bytes());
    };
    let transaction = transaction
        .update(usage)
        .update(count_rate(table, record, &limits.quotas).map_err(build)?)
        .put(object(table, record).map_err(build)?);
    let Err(Refused { item, found }) = registry.write(transaction).await? else {
        return Ok(Begun::Created);
    };
    match item.checked_sub(first) {
        None => known(&found.unwrap_or_default(), &fingerprint),
        Some(0) => Ok(over_usage(&found.unwrap_or_default(), &limits.quotas)),
        Some(1) => Ok(Begun::OverQuota {
            detail: format!("at most {} uploads a minute", limits.quotas.uploads_per_minute),
            retry_after_seconds: 60 - record.created_at.as_secs().rem_euclid(60).unsigned_abs(),
        }),
        Some(_) => Err(RegistryError::Busy),
    }
}

fn build(error: BuildError) -> RegistryError {
    RegistryError::unavailable(error)
}

fn object(table: &str, record: &Record) -> Result<Put, BuildError> {
    Put::builder()
        .table_name(table)
        .set_item(Some(record.to_new_item()))
        .condition_expression("attribute_not_exists(pk)")
        .build()
}

/// The usage update, or `None` when this upload alone is more than a quota.
fn count_usage(table: &str, record: &Record, quotas: &Quotas) -> Result<Option<Update>, BuildError> {
    let room = |quota: u64| quota.checked_sub(record.size);
    let (Some(pending), Some(stored)) = (room(quotas.pending_bytes), room(quotas.stored_bytes)) else {
        return Ok(None);
    };
    Usage::of_new(record.size)
        .update(table, &record.tenant)
        .condition_expression(
            "attribute_not_exists(pk) OR \
             (pending_count < :uploads AND pending_bytes <= :pending_room AND stored_bytes <= :stored_room)",
        )
        .expression_attribute_values(":uploads", number(quotas.pending_uploads))
        .expression_attribute_values(":pending_room", number(pending))
        .expression_attribute_values(":stored_room", number(stored))
        .return_values_on_condition_check_failure(AllOld)
        .build()
        .map(Some)
}

fn count_rate(table: &str, record: &Record, quotas: &Quotas) -> Result<Update, BuildError> {
    let minute = record.created_at.as_secs().div_euclid(60);
    Update::builder()
        .table_name(table)
        .key(PK, string(format_args!("{}#rate", record.tenant)))
        .key(SK, string(minute))
        .update_expression("ADD uploads :one SET #ttl = :ttl")
        .condition_expression("attribute_not_exists(uploads) OR uploads < :max")
        .expression_attribute_names("#ttl", TTL)
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":ttl", number((minute + 5) * 60))
        .expression_attribute_values(":max", number(quotas.uploads_per_minute))
        .build()
}

fn remember(
    table: &str,
    record: &Record,
    key: &IdempotencyKey,
    fingerprint: &str,
) -> Result<Put, BuildError> {
    let now = record.created_at.as_secs();
    Put::builder()
        .table_name(table)
        .item(PK, string(idempotency_partition(&record.tenant, key)))
        .item(SK, string("idempotency"))
        .item("object_id", string(record.id))
        .item("fingerprint", string(fingerprint))
        .item(TTL, number(now + IDEMPOTENCY_SECONDS))
        // DynamoDB removes what is past its TTL late; until then it counts as gone.
        .condition_expression("attribute_not_exists(pk) OR #ttl < :now")
        .expression_attribute_names("#ttl", TTL)
        .expression_attribute_values(":now", number(now))
        .return_values_on_condition_check_failure(AllOld)
        .build()
}

fn idempotency_partition(tenant: &TenantId, IdempotencyKey(key): &IdempotencyKey) -> String {
    format!("{tenant}#key#{}", hex::encode(Sha256::digest(key)))
}

/// What makes two requests the same: who asks for what.
fn fingerprint(record: &Record) -> String {
    let what =
        serde_json::json!([record.user, record.file_name, record.content_type, record.size, record.sha256]);
    hex::encode(Sha256::digest(what.to_string()))
}

fn known(found: &Item, fingerprint: &str) -> Result<Begun, RegistryError> {
    let seen: String = required(found, "fingerprint")?;
    Ok(if seen == fingerprint { Begun::Replayed(required(found, "object_id")?) } else { Begun::KeyReused })
}

fn over_usage(found: &Item, quotas: &Quotas) -> Begun {
    let used = |name| -> Result<u64, RowError> { Ok(optional(found, name)?.unwrap_or(0)) };
    let detail = match (used(PENDING_COUNT), used(PENDING_BYTES), used(STORED_BYTES)) {
        (Ok(count), _, _) if count >= quotas.pending_uploads => {
            format!("{count} uploads are pending, at most {} may be", quotas.pending_uploads)
        }
        (_, Ok(pending), Ok(stored)) => format!(
            "{pending} of {} pending bytes and {stored} of {} stored bytes are used; this upload does not fit",
            quotas.pending_bytes, quotas.stored_bytes
        ),
        _ => "this upload does not fit into the quota".to_owned(),
    };
    Begun::OverQuota { detail, retry_after_seconds: 60 }
}

fn over_bytes() -> Begun {
    let detail = "this upload alone is larger than the quota of bytes".to_owned();
    Begun::OverQuota { detail, retry_after_seconds: 3600 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_objects::timestamp::Timestamp;

    #[test]
    fn the_partition_of_a_key_gives_nothing_away_and_holds_no_separator() {
        let tenant = "acme".parse().expect("a tenant");
        let partition = idempotency_partition(&tenant, &IdempotencyKey("a#b/secret".to_owned()));
        assert_eq!(partition.matches('#').count(), 2);
        assert!(!partition.contains("secret"));
    }

    #[test]
    fn t02_a_refusal_says_what_is_used_up() {
        let quotas =
            Quotas { pending_uploads: 2, pending_bytes: 100, stored_bytes: 1000, uploads_per_minute: 5 };
        let usage = |count, pending| -> Item {
            [(PENDING_COUNT, count), (PENDING_BYTES, pending), (STORED_BYTES, 7)]
                .map(|(name, value): (&str, i64)| (name.to_owned(), number(value)))
                .into()
        };
        let detail = |found| match over_usage(&found, &quotas) {
            Begun::OverQuota { detail, .. } => detail,
            _ => String::new(),
        };
        assert_eq!(detail(usage(2, 1)), "2 uploads are pending, at most 2 may be");
        assert_eq!(
            detail(usage(1, 99)),
            "99 of 100 pending bytes and 7 of 1000 stored bytes are used; this upload does not fit"
        );
    }

    #[test]
    fn a_retry_after_is_within_the_minute() {
        for millis in [0, 59_999, 60_000, 1_790_000_000_123] {
            let seconds = 60 - Timestamp::from_millis(millis).as_secs().rem_euclid(60);
            assert!((1..=60).contains(&seconds));
        }
    }
}
