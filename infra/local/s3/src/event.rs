//! The event S3 sends when an object was created
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>).

use airlock_local_access::REGION;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::format_description};

/// What stays as it is in the key of an event; a space becomes `+`.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*');

/// An object was created.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectCreated {
    /// The bucket's name.
    pub bucket: String,
    /// The key as it is, not encoded.
    pub key: String,
    /// Set in a bucket that is versioned.
    pub version_id: Option<String>,
    /// Without quotes.
    pub etag: String,
    /// In bytes.
    pub size: u64,
    /// `ObjectCreated:Put`, `:Post`, `:Copy` or `:CompleteMultipartUpload`.
    pub event_name: &'static str,
    /// When; events carry milliseconds.
    pub event_time: OffsetDateTime,
    /// Hexadecimal, always of the same length, and later events of a key have a greater one.
    pub sequencer: String,
    /// The targets that the bucket's notifications name for it.
    pub target_arns: Vec<String>,
    /// The id of the first notification that asked for it.
    pub configuration_id: String,
    /// The id that the answer to the request carried.
    pub request_id: String,
    /// Who sent the request.
    pub source_ip: String,
    /// The access key that signed the request.
    pub access_key_id: String,
}

impl ObjectCreated {
    /// `{"Records": [...]}`, the body of a queue's message or of a function's invocation.
    pub fn to_event_json(&self) -> Value {
        let format =
            format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        let mut object = json!({
            "key": utf8_percent_encode(&self.key, KEPT).to_string().replace("%20", "+"),
            "size": self.size,
            "eTag": self.etag,
            "sequencer": self.sequencer,
        });
        if let Some(version_id) = &self.version_id {
            object["versionId"] = json!(version_id);
        }
        let owner = airlock_local_access::ACCOUNT;
        json!({ "Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": REGION,
            // The format has no part that a time could lack.
            "eventTime": self.event_time.format(format).unwrap_or_default(),
            "eventName": self.event_name,
            "userIdentity": { "principalId": format!("AWS:{}", self.access_key_id) },
            "requestParameters": { "sourceIPAddress": self.source_ip },
            "responseElements": { "x-amz-request-id": self.request_id, "x-amz-id-2": self.request_id },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": self.configuration_id,
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": { "principalId": owner },
                    "arn": format!("arn:aws:s3:::{}", self.bucket),
                },
                "object": object,
            },
        }] })
    }
}
