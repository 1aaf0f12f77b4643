//! The queue of objects that wait for their scan: first in, first out within a group of messages, and of one
//! group one message at a time. A tenant has a few groups, so that its objects can take a few places of the
//! scan and never all of them.

use airlock_objects::{
    id::{ObjectId, TenantId},
    setting::{SettingError, required},
};
use aws_sdk_sqs::{Client, Error};
use serde::{Deserialize, Serialize};

/// One message: which object to scan. Everything else is read from the registry, so a message that
/// comes late, twice or out of order can do no harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScanRequest {
    /// Whose object.
    pub tenant_id: TenantId,
    /// Which object.
    pub object_id: ObjectId,
}

/// The text is not a scan request.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message is not a scan request")]
pub struct NotAScanRequest;

impl ScanRequest {
    /// Reads a message body.
    ///
    /// # Errors
    /// [`NotAScanRequest`] for anything but what [`ScanQueue::request`] sends.
    pub fn parse(body: &str) -> Result<Self, NotAScanRequest> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            tenant_id: String,
            object_id: String,
        }
        let raw: Raw = serde_json::from_str(body).map_err(|_| NotAScanRequest)?;
        Ok(Self {
            tenant_id: raw.tenant_id.parse().map_err(|_| NotAScanRequest)?,
            object_id: raw.object_id.parse().map_err(|_| NotAScanRequest)?,
        })
    }
}

/// How many groups of messages a tenant has: how many of its objects are scanned at a time.
#[derive(Clone, Copy, Debug)]
struct Groups(u64);

impl Groups {
    /// The group of an object: always the same, and chosen by a part of its id that is random.
    fn of(self, request: &ScanRequest) -> String {
        let random =
            request.object_id.as_bytes()[8..].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        format!("{}/{}", request.tenant_id, random % self.0)
    }
}

/// The message was not taken.
#[derive(Debug, thiserror::Error)]
#[error("the scan queue could not be reached")]
pub struct QueueError(#[source] Box<Error>);

/// The queue and the client that reaches it.
#[derive(Clone, Debug)]
pub struct ScanQueue {
    client: Client,
    url: String,
    groups: Groups,
}

impl ScanQueue {
    /// The queue in `SCAN_QUEUE_URL`, in which a tenant has as many groups as `MAX_SCANS_PER_TENANT` says.
    ///
    /// # Errors
    /// [`SettingError`] when a variable is not set or no number above 0.
    pub fn from_env(config: &aws_config::SdkConfig) -> Result<Self, SettingError> {
        let name = "MAX_SCANS_PER_TENANT";
        let groups = match required(name)? {
            0 => return Err(SettingError::Wrong { name, why: "0 is not above 0".to_owned() }),
            groups => Groups(groups),
        };
        Ok(Self { client: Client::new(config), url: required("SCAN_QUEUE_URL")?, groups })
    }

    /// Asks for a scan, for the `times`th time; SQS takes each of them once (`MessageDeduplicationId`). One call:
    /// SendMessage.
    ///
    /// # Errors
    /// [`QueueError`] when SQS does not take the message.
    pub async fn request(&self, request: &ScanRequest, times: u64) -> Result<(), QueueError> {
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_group_id(self.groups.of(request))
            .message_deduplication_id(format!("{}-{times}", request.object_id))
            .message_body(serde_json::json!(request).to_string())
            .send()
            .await
            .map_err(|error| QueueError(Box::new(error.into())))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t10_a_tenant_has_as_many_groups_as_its_scans_may_take_places() {
        let request = |tenant: &str| ScanRequest {
            tenant_id: tenant.parse().expect("a tenant"),
            object_id: ObjectId::new(),
        };
        let groups = |tenant, most| -> std::collections::BTreeSet<String> {
            (0..200).map(|_| Groups(most).of(&request(tenant))).collect()
        };
        assert_eq!(groups("acme", 4).len(), 4);
        assert_eq!(groups("acme", 1).len(), 1);
        assert!(groups("acme", 4).is_disjoint(&groups("globex", 4)));
        let one = request("acme");
        assert_eq!(Groups(4).of(&one), Groups(4).of(&one));
    }

    #[test]
    fn reads_what_it_sends_and_nothing_else() {
        let request =
            ScanRequest { tenant_id: "acme".parse().expect("a tenant"), object_id: ObjectId::new() };
        let body = serde_json::json!(request).to_string();
        assert_eq!(ScanRequest::parse(&body), Ok(request));
        for bad in ["", "{}", "null", &body.replace("acme", "../x"), &body.replace('}', r#","key":"x"}"#)] {
            assert_eq!(ScanRequest::parse(bad), Err(NotAScanRequest), "{bad}");
        }
    }
}
