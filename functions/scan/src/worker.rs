//! What both functions of this zone work with: the registry, the two buckets, and the inspection.

use crate::inspection::Inspector;
use airlock_content::verdict::{Outcome, Verdict};
use airlock_inspect::Finding;
use airlock_objects::{record::Record, registry::Registry};
use airlock_published::{Published, PublishedKey};
use airlock_quarantine::{Quarantine, QuarantineKey};
use std::time::{Duration, SystemTime};

/// What must be left of an invocation's time to start on another object, and what is kept back from
/// an inspection to write down its end.
const RESERVE: Duration = Duration::from_secs(5);

pub(crate) struct Worker {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) registry: Registry,
    pub(crate) quarantine: Quarantine,
    pub(crate) published: Published,
    pub(crate) inspector: Inspector,
}

impl Worker {
    /// A worker as the environment says, with its jail up and its rules loaded, for objects of
    /// `allowed_types`.
    pub(crate) async fn from_env(function: &'static str, allowed_types: String) -> anyhow::Result<Self> {
        let inspector = Inspector::start(function, allowed_types)?;
        let config = aws_config::load_from_env().await;
        Ok(Self {
            s3: aws_sdk_s3::Client::new(&config),
            registry: Registry::from_env(&config)?,
            quarantine: Quarantine::from_env(&config)?,
            published: Published::from_env(&config)?,
            inspector,
        })
    }

    /// A finding as the registry keeps it: with the rule set that was used.
    pub(crate) fn verdict(&self, finding: Finding) -> Verdict {
        let Finding { outcome, detected_type, matches, reason } = finding;
        let rules = Some(self.inspector.rules_hash().to_owned());
        Verdict { outcome, detected_type, matches, reason, rules }
    }

    /// A verdict for which the content was not looked at.
    pub(crate) fn verdict_without_scan(&self, outcome: Outcome, reason: impl Into<String>) -> Verdict {
        let reason = Some(reason.into());
        self.verdict(Finding { outcome, detected_type: None, matches: Vec::new(), reason })
    }
}

/// How long an inspection may take, if the invocation has time for one at all.
pub(crate) fn time_for_one(deadline: SystemTime) -> Option<Duration> {
    let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
    left.checked_sub(RESERVE).filter(|left| *left >= RESERVE)
}

pub(crate) fn quarantine_key(record: &Record) -> QuarantineKey {
    QuarantineKey::new(record.tenant.clone(), record.id)
}

pub(crate) fn published_key(record: &Record) -> PublishedKey {
    PublishedKey::new(record.tenant.clone(), record.id)
}
