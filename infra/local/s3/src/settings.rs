//! What a bucket is told to do: versioning, CORS, lifecycle, notifications, policy.

use serde::{Deserialize, Serialize};

/// The settings of a bucket, as the template or the bucket's API calls give them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BucketSettings {
    /// Keep overwritten and deleted objects, under version ids.
    pub versioned: bool,
    /// Which web origins may call; the first rule that fits counts.
    pub cors: Vec<CorsRule>,
    /// Rules that delete after a time; [`crate::S3::expire`] applies them.
    pub lifecycle: Vec<LifecycleRule>,
    /// Targets that are told of new objects.
    pub notifications: Vec<Notification>,
    /// The bucket policy, a JSON document. [`crate::S3Error::Policy`] says what of it is understood.
    pub policy: Option<serde_json::Value>,
}

/// One CORS rule. Origins and headers may hold one `*` each
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html>).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CorsRule {
    /// Such as `https://app.example` or `*`.
    pub allowed_origins: Vec<String>,
    /// Of `GET`, `PUT`, `HEAD`, `POST`, `DELETE`.
    pub allowed_methods: Vec<String>,
    /// What a preflight may ask for in `Access-Control-Request-Headers`.
    pub allowed_headers: Vec<String>,
    /// What scripts may read of the answer.
    pub exposed_headers: Vec<String>,
    /// How long a browser may keep the answer to a preflight, in seconds.
    pub max_age: Option<u32>,
}

/// One lifecycle rule. Times are in days, and end at the next midnight UTC
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LifecycleRule {
    /// A name.
    pub id: Option<String>,
    /// A rule that is not enabled does nothing.
    pub enabled: bool,
    /// The rule applies only to keys that start so.
    pub prefix: Option<String>,
    /// Current versions go this long after they were written.
    pub expiration_days: Option<u32>,
    /// Versions that are no longer current go this long after they were replaced.
    pub noncurrent_days: Option<u32>,
    /// Delete markers go that have no version behind them any more.
    #[serde(default)]
    pub expired_object_delete_marker: bool,
    /// Multipart uploads that are not completed go this long after they were started.
    pub abort_multipart_days: Option<u32>,
}

/// Someone to tell of new objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// The queue or function.
    pub target_arn: String,
    /// Such as `s3:ObjectCreated:*` or `s3:ObjectCreated:Put`.
    pub events: Vec<String>,
    /// Only keys that start so.
    pub prefix: Option<String>,
    /// Only keys that end so.
    pub suffix: Option<String>,
}

impl Notification {
    /// Whether it wants `event` (without the leading `s3:`) of `key`.
    pub(crate) fn wants(&self, event: &str, key: &str) -> bool {
        let named = |pattern: &String| {
            let pattern = pattern.strip_prefix("s3:").unwrap_or(pattern);
            pattern == event || pattern.strip_suffix('*').is_some_and(|start| event.starts_with(start))
        };
        self.events.iter().any(named)
            && self.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix))
            && self.suffix.as_ref().is_none_or(|suffix| key.ends_with(suffix))
    }

    /// The `configurationId` of its events: the name of its target.
    pub(crate) fn id(&self) -> &str {
        self.target_arn.rsplit(':').next().unwrap_or_default()
    }
}

impl LifecycleRule {
    pub(crate) fn covers(&self, key: &str) -> bool {
        self.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix))
    }
}
