//! What a template says, once it is read.

use serde::Serialize;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// Everything that the local stack brings up.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Template {
    /// Lambda functions.
    pub functions: Vec<Function>,
    /// S3 buckets.
    pub buckets: Vec<Bucket>,
    /// DynamoDB tables.
    pub tables: Vec<Table>,
    /// SQS queues.
    pub queues: Vec<Queue>,
    /// The HTTP API, if there is one.
    pub api: Option<HttpApi>,
    /// Outputs, resolved.
    pub outputs: BTreeMap<String, String>,
    /// Logical id and type of each resource that is not simulated.
    pub not_simulated: Vec<(String, String)>,
}

/// A Lambda function.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Function {
    /// Its name in the template.
    pub logical_id: String,
    /// Its name in the account.
    pub name: String,
    /// The binary that it is: the last part of `CodeUri`.
    pub binary: String,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// Memory, in MiB.
    pub memory_mb: u32,
    /// Room in /tmp, in MiB.
    pub ephemeral_storage_mb: u32,
    /// Its environment, globals included.
    pub environment: BTreeMap<String, String>,
    /// How many environments it may have at once.
    pub reserved_concurrency: Option<u32>,
    /// What its role may do, resolved.
    pub policies: Vec<Value>,
    /// What invokes it.
    pub events: Vec<EventSource>,
}

/// What invokes a function.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum EventSource {
    /// A route of the HTTP API.
    Http {
        /// `GET`, `POST`, …; `ANY` for all.
        method: String,
        /// Such as `/uploads/{upload_id}`.
        path: String,
        /// Whether the authorizer stands before it.
        authorized: bool,
    },
    /// Messages of a queue.
    Sqs {
        /// The queue's name.
        queue_name: String,
        /// How many messages an invocation gets at most.
        batch_size: usize,
        /// How long a batch is gathered.
        batching_window: Duration,
        /// Whether the function says which messages failed.
        report_batch_item_failures: bool,
        /// How many invocations may run at once.
        maximum_concurrency: Option<u32>,
    },
    /// Changes in a bucket.
    S3 {
        /// The bucket's name.
        bucket_name: String,
        /// Such as `s3:ObjectCreated:*`.
        events: Vec<String>,
        /// How keys must begin.
        prefix: Option<String>,
        /// How keys must end.
        suffix: Option<String>,
    },
    /// The clock.
    Schedule {
        /// How often.
        every: Duration,
        /// What the function gets; an EventBridge event if nothing.
        input: Option<Value>,
        /// Whether it runs.
        enabled: bool,
    },
}

/// An S3 bucket.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bucket {
    /// Its name in the template.
    pub logical_id: String,
    /// Its name in the account.
    pub name: String,
    /// Whether it keeps versions.
    pub versioned: bool,
    /// What web pages may do.
    pub cors: Vec<CorsRule>,
    /// What is removed by itself.
    pub lifecycle: Vec<LifecycleRule>,
    /// Its policy, resolved.
    pub policy: Option<Value>,
}

/// A rule for web pages.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CorsRule {
    /// Methods that pages may use.
    pub allowed_methods: Vec<String>,
    /// Origins of pages.
    pub allowed_origins: Vec<String>,
    /// Headers that pages may send.
    pub allowed_headers: Vec<String>,
    /// Headers that pages may read.
    pub exposed_headers: Vec<String>,
    /// How long browsers remember it, in seconds.
    pub max_age: Option<u32>,
}

/// A rule for what is removed by itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LifecycleRule {
    /// Its name.
    pub id: Option<String>,
    /// Whether it applies.
    pub enabled: bool,
    /// How keys must begin.
    pub prefix: Option<String>,
    /// After how many days an object goes.
    pub expiration_days: Option<u32>,
    /// After how many days a version goes that is no longer current.
    pub noncurrent_days: Option<u32>,
    /// Whether a delete marker goes that has no version behind it any more.
    pub expired_object_delete_marker: bool,
    /// After how many days an unfinished multipart upload goes.
    pub abort_multipart_days: Option<u32>,
}

/// An SQS queue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Queue {
    /// Its name in the template.
    pub logical_id: String,
    /// Its name in the account.
    pub name: String,
    /// Attributes as `CreateQueue` takes them.
    pub attributes: BTreeMap<String, String>,
}

/// A DynamoDB table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// Its name in the template.
    pub logical_id: String,
    /// Its name in the account.
    pub name: String,
    /// A `CreateTable` request.
    pub create_request: Value,
    /// The attribute that says when an item may go.
    pub ttl_attribute: Option<String>,
}

/// The HTTP API.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HttpApi {
    /// Its name in the template.
    pub logical_id: String,
    /// Who is let in.
    pub authorizer: Option<Jwt>,
    /// What web pages may do.
    pub cors: Option<ApiCors>,
}

/// A JWT authorizer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Jwt {
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must be one of.
    pub audience: Vec<String>,
    /// Where the token stands.
    pub identity_source: String,
    /// Scopes of which the token must have one.
    pub scopes: Vec<String>,
}

/// What web pages may do with the HTTP API.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApiCors {
    /// Origins of pages.
    pub allow_origins: Vec<String>,
    /// Methods that pages may use.
    pub allow_methods: Vec<String>,
    /// Headers that pages may send.
    pub allow_headers: Vec<String>,
    /// Headers that pages may read.
    pub expose_headers: Vec<String>,
    /// How long browsers remember it, in seconds.
    pub max_age: Option<u32>,
    /// Whether cookies may be sent.
    pub allow_credentials: bool,
}
