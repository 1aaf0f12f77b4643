//! Buckets and their settings.

use super::{Answer, ok};
use crate::{Backend, BucketSettings, CorsRule, LifecycleRule, Notification};
use s3s::{S3Request, dto, dto::*, s3_error};

pub(super) async fn create_bucket(
    backend: &Backend,
    request: S3Request<CreateBucketInput>,
) -> Answer<CreateBucketOutput> {
    let mut store = backend.store();
    if store.settings(&request.input.bucket).is_ok() {
        return Err(s3_error!(BucketAlreadyOwnedByYou));
    }
    let settings = BucketSettings::default();
    store.put_bucket(&request.input.bucket, &settings).map_err(s3s::S3Error::internal_error)?;
    ok(CreateBucketOutput::default())
}

pub(super) async fn head_bucket(
    backend: &Backend,
    request: S3Request<HeadBucketInput>,
) -> Answer<HeadBucketOutput> {
    backend.store().settings(&request.input.bucket)?;
    ok(HeadBucketOutput::default())
}

pub(super) async fn put_bucket_versioning(
    backend: &Backend,
    request: S3Request<PutBucketVersioningInput>,
) -> Answer<PutBucketVersioningOutput> {
    let status = request.input.versioning_configuration.status;
    let versioned = status.is_some_and(|status| status.as_str() == BucketVersioningStatus::ENABLED);
    backend.store().set(&request.input.bucket, |settings| settings.versioned = versioned)?;
    ok(PutBucketVersioningOutput::default())
}

pub(super) async fn get_bucket_versioning(
    backend: &Backend,
    request: S3Request<GetBucketVersioningInput>,
) -> Answer<GetBucketVersioningOutput> {
    let versioned = backend.store().settings(&request.input.bucket)?.versioned;
    let status = versioned.then(|| BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED));
    ok(GetBucketVersioningOutput { status, ..Default::default() })
}

fn days(days: Option<i32>) -> Option<u32> {
    days.and_then(|days| u32::try_from(days).ok())
}

pub(super) async fn put_bucket_lifecycle_configuration(
    backend: &Backend,
    request: S3Request<PutBucketLifecycleConfigurationInput>,
) -> Answer<PutBucketLifecycleConfigurationOutput> {
    let rules = request.input.lifecycle_configuration.map(|configuration| configuration.rules);
    let rule = |rule: dto::LifecycleRule| LifecycleRule {
        id: rule.id,
        enabled: rule.status.as_str() == ExpirationStatus::ENABLED,
        prefix: rule.filter.and_then(|filter| filter.prefix),
        expiration_days: days(rule.expiration.and_then(|expiration| expiration.days)),
        noncurrent_days: days(
            rule.noncurrent_version_expiration.and_then(|expiration| expiration.noncurrent_days),
        ),
        abort_multipart_days: days(
            rule.abort_incomplete_multipart_upload.and_then(|abort| abort.days_after_initiation),
        ),
    };
    let rules = rules.unwrap_or_default().into_iter().map(rule).collect();
    backend.store().set(&request.input.bucket, |settings| settings.lifecycle = rules)?;
    ok(PutBucketLifecycleConfigurationOutput::default())
}

pub(super) async fn get_bucket_lifecycle_configuration(
    backend: &Backend,
    request: S3Request<GetBucketLifecycleConfigurationInput>,
) -> Answer<GetBucketLifecycleConfigurationOutput> {
    let rules = backend.store().settings(&request.input.bucket)?.lifecycle;
    if rules.is_empty() {
        return Err(s3_error!(NoSuchLifecycleConfiguration));
    }
    let days = |days: Option<u32>| days.and_then(|days| i32::try_from(days).ok());
    let rule = |rule: LifecycleRule| {
        let status = if rule.enabled { ExpirationStatus::ENABLED } else { ExpirationStatus::DISABLED };
        dto::LifecycleRule {
            id: rule.id,
            status: ExpirationStatus::from_static(status),
            filter: Some(LifecycleRuleFilter {
                prefix: Some(rule.prefix.unwrap_or_default()),
                ..Default::default()
            }),
            expiration: days(rule.expiration_days)
                .map(|days| LifecycleExpiration { days: Some(days), ..Default::default() }),
            noncurrent_version_expiration: days(rule.noncurrent_days).map(|days| {
                NoncurrentVersionExpiration { noncurrent_days: Some(days), ..Default::default() }
            }),
            abort_incomplete_multipart_upload: days(rule.abort_multipart_days)
                .map(|days| AbortIncompleteMultipartUpload { days_after_initiation: Some(days) }),
            noncurrent_version_transitions: None,
            prefix: None,
            transitions: None,
        }
    };
    let rules = Some(rules.into_iter().map(rule).collect());
    ok(GetBucketLifecycleConfigurationOutput { rules, ..Default::default() })
}

pub(super) async fn put_bucket_cors(
    backend: &Backend,
    request: S3Request<PutBucketCorsInput>,
) -> Answer<PutBucketCorsOutput> {
    let rule = |rule: CORSRule| CorsRule {
        allowed_methods: rule.allowed_methods,
        allowed_origins: rule.allowed_origins,
        allowed_headers: rule.allowed_headers.unwrap_or_default(),
        exposed_headers: rule.expose_headers.unwrap_or_default(),
        max_age: days(rule.max_age_seconds),
    };
    let rules = request.input.cors_configuration.cors_rules.into_iter().map(rule).collect();
    backend.store().set(&request.input.bucket, |settings| settings.cors = rules)?;
    ok(PutBucketCorsOutput::default())
}

pub(super) async fn put_bucket_notification_configuration(
    backend: &Backend,
    request: S3Request<PutBucketNotificationConfigurationInput>,
) -> Answer<PutBucketNotificationConfigurationOutput> {
    let configuration = request.input.notification_configuration;
    let queues = configuration.queue_configurations.unwrap_or_default().into_iter();
    let queues = queues.map(|queue| (queue.queue_arn, queue.events, queue.filter));
    let functions = configuration.lambda_function_configurations.unwrap_or_default().into_iter();
    let functions =
        functions.map(|function| (function.lambda_function_arn, function.events, function.filter));
    let notifications = queues
        .chain(functions)
        .map(|(target_arn, events, filter)| {
            let rules =
                filter.and_then(|filter| filter.key).and_then(|key| key.filter_rules).unwrap_or_default();
            let value = |name: &str| {
                let named = |rule: &&FilterRule| {
                    rule.name.as_ref().is_some_and(|found| found.as_str().eq_ignore_ascii_case(name))
                };
                rules.iter().find(named).and_then(|rule| rule.value.clone())
            };
            Notification {
                target_arn,
                events: events.into_iter().map(String::from).collect(),
                prefix: value("prefix"),
                suffix: value("suffix"),
            }
        })
        .collect();
    backend.store().set(&request.input.bucket, |settings| settings.notifications = notifications)?;
    ok(PutBucketNotificationConfigurationOutput::default())
}

pub(super) async fn put_bucket_policy(
    backend: &Backend,
    request: S3Request<PutBucketPolicyInput>,
) -> Answer<PutBucketPolicyOutput> {
    let policy = serde_json::from_str(&request.input.policy).map_err(|_| s3_error!(MalformedPolicy))?;
    backend.store().set(&request.input.bucket, |settings| settings.policy = Some(policy))?;
    ok(PutBucketPolicyOutput::default())
}

pub(super) async fn get_bucket_policy(
    backend: &Backend,
    request: S3Request<GetBucketPolicyInput>,
) -> Answer<GetBucketPolicyOutput> {
    let policy = backend.store().settings(&request.input.bucket)?.policy;
    let policy = policy.ok_or_else(|| s3_error!(NoSuchBucketPolicy))?;
    ok(GetBucketPolicyOutput { policy: Some(policy.to_string()) })
}

pub(super) async fn delete_bucket_policy(
    backend: &Backend,
    request: S3Request<DeleteBucketPolicyInput>,
) -> Answer<DeleteBucketPolicyOutput> {
    backend.store().set(&request.input.bucket, |settings| settings.policy = None)?;
    ok(DeleteBucketPolicyOutput::default())
}

/// Nothing is public here, whatever it says.
pub(super) async fn put_public_access_block(
    backend: &Backend,
    request: S3Request<PutPublicAccessBlockInput>,
) -> Answer<PutPublicAccessBlockOutput> {
    backend.store().settings(&request.input.bucket)?;
    ok(PutPublicAccessBlockOutput::default())
}
