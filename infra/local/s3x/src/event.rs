//! The event that S3 sends when an object is created (S3 User Guide, "Event message structure").

use airlock_local_access::REGION;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::time::SystemTime;
use time::{OffsetDateTime, macros::format_description};

/// Keys are form-encoded in events, but for these characters.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*');

/// An object was created.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectCreated {
    /// In which bucket.
    pub bucket: String,
    /// Under which key.
    pub key: String,
    /// As which version, if the bucket keeps versions.
    pub version_id: Option<String>,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Its length, in bytes.
    pub size: u64,
    /// `ObjectCreated:Put`, `ObjectCreated:Copy` or `ObjectCreated:CompleteMultipartUpload`.
    pub event_name: String,
    /// When.
    pub event_time: SystemTime,
    /// Grows with every change of a key.
    pub sequencer: String,
    /// Who wants to know: queues and functions.
    pub target_arns: Vec<String>,
}

impl ObjectCreated {
    /// The message that its targets get.
    pub fn to_event_json(&self) -> Value {
        let format =
            format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        let time = OffsetDateTime::from(self.event_time).format(format).unwrap_or_default();
        let mut object = json!({
            "key": utf8_percent_encode(&self.key, KEY).to_string().replace("%20", "+"),
            "size": self.size,
            "eTag": self.etag,
            "sequencer": self.sequencer,
        });
        if let Some(version) = &self.version_id {
            object["versionId"] = json!(version);
        }
        json!({ "Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": REGION,
            "eventTime": time,
            "eventName": self.event_name,
            "userIdentity": { "principalId": "AWS:LOCAL" },
            "requestParameters": { "sourceIPAddress": "127.0.0.1" },
            "responseElements": { "x-amz-request-id": self.sequencer },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "local",
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": { "principalId": "LOCAL" },
                    "arn": format!("arn:aws:s3:::{}", self.bucket),
                },
                "object": object,
            },
        }] })
    }
}
