//! A message on its way into a queue.

use serde_json::Value;
use std::time::Duration;

/// What a sender gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) body: &'a str,
    pub(crate) delay: Option<Duration>,
    pub(crate) message_attributes: &'a Value,
    pub(crate) group: Option<&'a str>,
    pub(crate) deduplication_id: Option<&'a str>,
}
