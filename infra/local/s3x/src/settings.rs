//! What a bucket is set to do.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The settings of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BucketSettings {
    /// Whether it keeps versions.
    pub versioned: bool,
    /// What web pages may do.
    pub cors: Vec<CorsRule>,
    /// What is removed by itself.
    pub lifecycle: Vec<LifecycleRule>,
    /// Who is told of new objects.
    pub notifications: Vec<Notification>,
    /// Its policy; only explicit denials are enforced.
    pub policy: Option<Value>,
}

/// A rule for web pages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CorsRule {
    /// Methods that pages may use.
    pub allowed_methods: Vec<String>,
    /// Origins of pages; `*` is any.
    pub allowed_origins: Vec<String>,
    /// Headers that pages may send; `*` is any.
    pub allowed_headers: Vec<String>,
    /// Headers that pages may read.
    pub exposed_headers: Vec<String>,
    /// How long browsers remember it, in seconds.
    pub max_age: Option<u32>,
}

/// A rule for what is removed by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LifecycleRule {
    /// Its name.
    pub id: Option<String>,
    /// Whether it applies.
    pub enabled: bool,
    /// How keys must begin.
    pub prefix: Option<String>,
    /// After how many days an object goes.
    pub expiration_days: Option<u32>,
    /// After how many days a version that is not the latest any more goes.
    pub noncurrent_days: Option<u32>,
    /// After how many days an unfinished multipart upload goes.
    pub abort_multipart_days: Option<u32>,
}

/// Who is told of new objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// A queue or a function.
    pub target_arn: String,
    /// Such as `s3:ObjectCreated:*`.
    pub events: Vec<String>,
    /// How keys must begin.
    pub prefix: Option<String>,
    /// How keys must end.
    pub suffix: Option<String>,
}

impl Notification {
    /// Whether it is about an event such as `ObjectCreated:Put` on `key`.
    pub(crate) fn wants(&self, event: &str, key: &str) -> bool {
        let named = |pattern: &String| match pattern.trim_start_matches("s3:").strip_suffix('*') {
            Some(start) => event.starts_with(start),
            None => pattern.trim_start_matches("s3:") == event,
        };
        self.events.iter().any(named)
            && self.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix))
            && self.suffix.as_ref().is_none_or(|suffix| key.ends_with(suffix))
    }
}

impl CorsRule {
    /// Whether a page of `origin` may use `method`.
    pub(crate) fn allows(&self, origin: &str, method: &str) -> bool {
        self.allowed_origins.iter().any(|allowed| allowed == "*" || allowed == origin)
            && self.allowed_methods.iter().any(|allowed| allowed == method)
    }

    /// Whether a page may send all of these headers, given in lower case.
    pub(crate) fn allows_headers(&self, headers: &[String]) -> bool {
        let allowed = |header: &String| {
            self.allowed_headers.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(header))
        };
        headers.iter().all(allowed)
    }
}
