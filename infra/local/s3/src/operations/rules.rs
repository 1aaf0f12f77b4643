//! CORS, lifecycle and notification configurations, from S3's form to ours and back.

use super::{Answer, answer};
use crate::{
    settings::{CorsRule, LifecycleRule, Notification},
    store::Store,
};
use s3s::{S3Error, S3Request, S3Result, dto::*, s3_error};

pub(super) async fn get_bucket_cors(
    store: &Store,
    request: S3Request<GetBucketCorsInput>,
) -> Answer<GetBucketCorsOutput> {
    let rules = store.read(&request.input.bucket, |bucket| bucket.record.settings.cors.clone())?;
    if rules.is_empty() {
        return Err(s3_error!(NoSuchCORSConfiguration, "The CORS configuration does not exist"));
    }
    let rules = rules.into_iter().map(|rule| CORSRule {
        id: None,
        allowed_origins: rule.allowed_origins,
        allowed_methods: rule.allowed_methods,
        allowed_headers: (!rule.allowed_headers.is_empty()).then_some(rule.allowed_headers),
        expose_headers: (!rule.exposed_headers.is_empty()).then_some(rule.exposed_headers),
        max_age_seconds: rule.max_age.and_then(|seconds| i32::try_from(seconds).ok()),
    });
    answer(GetBucketCorsOutput { cors_rules: Some(rules.collect()) })
}

pub(super) async fn put_bucket_cors(
    store: &Store,
    request: S3Request<PutBucketCorsInput>,
) -> Answer<PutBucketCorsOutput> {
    let rules = request.input.cors_configuration.cors_rules.into_iter().map(|rule| CorsRule {
        allowed_origins: rule.allowed_origins,
        allowed_methods: rule.allowed_methods,
        allowed_headers: rule.allowed_headers.unwrap_or_default(),
        exposed_headers: rule.expose_headers.unwrap_or_default(),
        max_age: rule.max_age_seconds.and_then(|seconds| u32::try_from(seconds).ok()),
    });
    let rules = rules.collect();
    store.change_bucket(&request.input.bucket, |record| record.settings.cors = rules)?;
    answer(PutBucketCorsOutput::default())
}

fn days(number: Option<u32>) -> Option<i32> {
    number.and_then(|days| i32::try_from(days).ok())
}

pub(super) async fn get_bucket_lifecycle_configuration(
    store: &Store,
    request: S3Request<GetBucketLifecycleConfigurationInput>,
) -> Answer<GetBucketLifecycleConfigurationOutput> {
    let rules = store.read(&request.input.bucket, |bucket| bucket.record.settings.lifecycle.clone())?;
    if rules.is_empty() {
        let message = "The lifecycle configuration does not exist";
        return Err(s3_error!(NoSuchLifecycleConfiguration, "{message}"));
    }
    let rules = rules.into_iter().map(|rule| s3s::dto::LifecycleRule {
        id: rule.id,
        status: ExpirationStatus::from_static(match rule.enabled {
            true => ExpirationStatus::ENABLED,
            false => ExpirationStatus::DISABLED,
        }),
        filter: Some(LifecycleRuleFilter {
            prefix: Some(rule.prefix.unwrap_or_default()),
            ..Default::default()
        }),
        expiration: (rule.expiration_days.is_some() || rule.expired_object_delete_marker).then(|| {
            LifecycleExpiration {
                days: days(rule.expiration_days),
                expired_object_delete_marker: rule.expired_object_delete_marker.then_some(true),
                ..Default::default()
            }
        }),
        noncurrent_version_expiration: rule.noncurrent_days.map(|number| NoncurrentVersionExpiration {
            noncurrent_days: days(Some(number)),
            ..Default::default()
        }),
        abort_incomplete_multipart_upload: rule
            .abort_multipart_days
            .map(|number| AbortIncompleteMultipartUpload { days_after_initiation: days(Some(number)) }),
        noncurrent_version_transitions: None,
        prefix: None,
        transitions: None,
    });
    answer(GetBucketLifecycleConfigurationOutput { rules: Some(rules.collect()), ..Default::default() })
}

pub(super) async fn put_bucket_lifecycle_configuration(
    store: &Store,
    request: S3Request<PutBucketLifecycleConfigurationInput>,
) -> Answer<PutBucketLifecycleConfigurationOutput> {
    let rules =
        request.input.lifecycle_configuration.map(|configuration| configuration.rules).unwrap_or_default();
    let rules = rules.into_iter().map(lifecycle_rule).collect::<S3Result<Vec<_>>>()?;
    store.change_bucket(&request.input.bucket, |record| record.settings.lifecycle = rules)?;
    answer(PutBucketLifecycleConfigurationOutput::default())
}

/// An operation that this S3 cannot do must not look done.
fn not_implemented(what: &str) -> S3Error {
    s3_error!(NotImplemented, "{what} is not implemented")
}

fn lifecycle_rule(rule: s3s::dto::LifecycleRule) -> S3Result<LifecycleRule> {
    let filter = rule.filter.unwrap_or_default();
    let only_prefix = LifecycleRuleFilter { prefix: filter.prefix.clone(), ..Default::default() };
    if filter != only_prefix {
        return Err(not_implemented("A lifecycle filter by other than the prefix"));
    }
    if rule.transitions.is_some() || rule.noncurrent_version_transitions.is_some() {
        return Err(not_implemented("A lifecycle transition"));
    }
    let expiration = rule.expiration.unwrap_or_default();
    let noncurrent = rule.noncurrent_version_expiration.unwrap_or_default();
    if expiration.date.is_some() {
        return Err(not_implemented("An expiration at a date"));
    }
    let expired_object_delete_marker = expiration.expired_object_delete_marker == Some(true);
    // S3 API reference, LifecycleExpiration: it cannot be specified with Days.
    if expired_object_delete_marker && expiration.days.is_some() {
        return Err(s3_error!(MalformedXML, "ExpiredObjectDeleteMarker cannot be specified with Days"));
    }
    if noncurrent.newer_noncurrent_versions.is_some() {
        return Err(not_implemented("Keeping a number of noncurrent versions"));
    }
    let days = |number: Option<i32>| match number.map(u32::try_from) {
        None => Ok(None),
        Some(Ok(number)) if number > 0 => Ok(Some(number)),
        Some(_) => Err(s3_error!(InvalidArgument, "Days must be a positive integer")),
    };
    Ok(LifecycleRule {
        id: rule.id,
        enabled: rule.status.as_str() == ExpirationStatus::ENABLED,
        prefix: filter.prefix.or(rule.prefix),
        expiration_days: days(expiration.days)?,
        noncurrent_days: days(noncurrent.noncurrent_days)?,
        expired_object_delete_marker,
        abort_multipart_days: days(
            rule.abort_incomplete_multipart_upload.and_then(|abort| abort.days_after_initiation),
        )?,
    })
}

pub(super) async fn put_bucket_notification_configuration(
    store: &Store,
    request: S3Request<PutBucketNotificationConfigurationInput>,
) -> Answer<PutBucketNotificationConfigurationOutput> {
    let configuration = request.input.notification_configuration;
    if configuration.topic_configurations.is_some() || configuration.event_bridge_configuration.is_some() {
        return Err(not_implemented("A notification to other than queues and functions"));
    }
    let queues = configuration.queue_configurations.unwrap_or_default().into_iter();
    let queues = queues.map(|queue| notification(queue.queue_arn, queue.events, queue.filter));
    let functions = configuration.lambda_function_configurations.unwrap_or_default().into_iter();
    let functions = functions
        .map(|function| notification(function.lambda_function_arn, function.events, function.filter));
    let all = queues.chain(functions).collect::<S3Result<Vec<_>>>()?;
    store.change_bucket(&request.input.bucket, |record| record.settings.notifications = all)?;
    answer(PutBucketNotificationConfigurationOutput::default())
}

fn notification(
    target_arn: String,
    events: EventList,
    filter: Option<NotificationConfigurationFilter>,
) -> S3Result<Notification> {
    let events: Vec<String> = events.iter().map(|event| event.as_ref().to_owned()).collect();
    if let Some(event) = events.iter().find(|event| !event.starts_with("s3:ObjectCreated:")) {
        return Err(not_implemented(&format!("The event {event}")));
    }
    let (mut prefix, mut suffix) = (None, None);
    for rule in filter.and_then(|filter| filter.key?.filter_rules).unwrap_or_default() {
        let name = rule.name.as_ref().map(|name| name.as_str().to_ascii_lowercase());
        match name.as_deref() {
            Some("prefix") => prefix = rule.value,
            Some("suffix") => suffix = rule.value,
            _ => return Err(s3_error!(InvalidArgument, "filter rule name must be either prefix or suffix")),
        }
    }
    Ok(Notification { target_arn, events, prefix, suffix })
}
