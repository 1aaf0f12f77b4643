//! The queue of objects that wait for their scan.

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

/// The message was not taken.
#[derive(Debug, thiserror::Error)]
#[error("the scan queue could not be reached")]
pub struct QueueError(#[source] Box<Error>);

/// The queue and the client that reaches it.
#[derive(Clone, Debug)]
pub struct ScanQueue {
    client: Client,
    url: String,
}

impl ScanQueue {
    /// The queue at `url`.
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// The queue in `SCAN_QUEUE_URL`.
    ///
    /// # Errors
    /// [`SettingError`] when the variable is not set.
    pub fn from_env(config: &aws_config::SdkConfig) -> Result<Self, SettingError> {
        Ok(Self::new(Client::new(config), required("SCAN_QUEUE_URL")?))
    }

    /// Asks for a scan. One call: SendMessage.
    ///
    /// # Errors
    /// [`QueueError`] when SQS does not take the message.
    pub async fn request(&self, request: &ScanRequest) -> Result<(), QueueError> {
        self.client
            .send_message()
            .queue_url(&self.url)
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
