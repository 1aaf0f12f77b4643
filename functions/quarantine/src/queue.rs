//! The queue of objects that wait for their scan: first in, first out within a group of messages, and of one
//! group one message at a time. A tenant has a few groups, so that its objects can take a few places of the
//! scan and never all of them.

use airlock_aws::{
    CallError, OnlyConnect,
    setting::{SettingError, required},
};
use airlock_objects::id::ObjectRef;
use aws_config::SdkConfig;
use aws_sdk_sqs::{Client, Config, config::retry::RetryConfig};
use serde::{Deserialize, Serialize};

/// One message: which object to scan. Everything else is read from the registry, so a message that
/// comes late, twice or out of order can do no harm.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    tenant_id: String,
    object_id: String,
}

/// The text is not a scan request.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message is not a scan request")]
pub struct NotAScanRequest;

/// The object whose scan a message asks for.
///
/// # Errors
/// [`NotAScanRequest`] for anything but what [`ScanQueue::request`] sends.
pub fn requested(body: &str) -> Result<ObjectRef, NotAScanRequest> {
    let message: Message = serde_json::from_str(body).map_err(|_| NotAScanRequest)?;
    let tenant = message.tenant_id.parse().map_err(|_| NotAScanRequest)?;
    let id = message.object_id.parse().map_err(|_| NotAScanRequest)?;
    Ok(ObjectRef::new(tenant, id))
}

fn body(ObjectRef { tenant, id }: &ObjectRef) -> String {
    serde_json::json!(Message { tenant_id: tenant.to_string(), object_id: id.to_string() }).to_string()
}

/// How many groups of messages a tenant has: how many of its objects are scanned at a time.
#[derive(Clone, Copy, Debug)]
struct Groups(u64);

impl Groups {
    /// The group of an object: always the same, and chosen by a part of its id that is random.
    fn of(self, ObjectRef { tenant, id }: &ObjectRef) -> String {
        let random = id.as_bytes()[8..].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        format!("{tenant}/{}", random % self.0)
    }
}

/// The queue and the client that reaches it.
#[derive(Clone, Debug)]
pub struct ScanQueue {
    client: Client,
    url: String,
    groups: Groups,
}

impl ScanQueue {
    /// The queue in `SCAN_QUEUE_URL`, in which a tenant has as many groups as `MAX_SCANS_PER_TENANT` says, with its
    /// connection open.
    ///
    /// # Errors
    /// [`SettingError`] when a variable is not set or no number above 0.
    pub async fn connect(aws: &SdkConfig) -> Result<Self, SettingError> {
        let name = "MAX_SCANS_PER_TENANT";
        let groups = match required(name)? {
            0 => return Err(SettingError::Wrong { name, why: "0 is not above 0".to_owned() }),
            groups => Groups(groups),
        };
        let queue = Self { client: Client::new(aws), url: required("SCAN_QUEUE_URL")?, groups };
        let call = queue.client.get_queue_attributes().queue_url(&queue.url).customize();
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let _refusal = call.interceptor(OnlyConnect).config_override(once).send().await;
        Ok(queue)
    }

    /// Asks for the scan of an object, for the `times`th time; SQS takes each of them once
    /// (`MessageDeduplicationId`). One call: SendMessage.
    ///
    /// # Errors
    /// [`CallError`] when SQS does not take the message.
    pub async fn request(&self, object: &ObjectRef, times: u64) -> Result<(), CallError> {
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_group_id(self.groups.of(object))
            .message_deduplication_id(format!("{}-{times}", object.id))
            .message_body(body(object))
            .send()
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_objects::id::ObjectId;

    fn object(tenant: &str) -> ObjectRef {
        ObjectRef::new(tenant.parse().expect("a tenant"), ObjectId::new())
    }

    #[test]
    fn t10_a_tenant_has_as_many_groups_as_its_scans_may_take_places() {
        let groups = |tenant, most| -> std::collections::BTreeSet<String> {
            (0..200).map(|_| Groups(most).of(&object(tenant))).collect()
        };
        assert_eq!(groups("acme", 4).len(), 4);
        assert_eq!(groups("acme", 1).len(), 1);
        assert!(groups("acme", 4).is_disjoint(&groups("globex", 4)));
        let one = object("acme");
        assert_eq!(Groups(4).of(&one), Groups(4).of(&one));
    }

    #[test]
    fn reads_what_it_sends_and_nothing_else() {
        let object = object("acme");
        let body = body(&object);
        assert_eq!(requested(&body), Ok(object));
        for bad in ["", "{}", "null", &body.replace("acme", "../x"), &body.replace('}', r#","key":"x"}"#)] {
            assert_eq!(requested(bad), Err(NotAScanRequest), "{bad}");
        }
    }
}
