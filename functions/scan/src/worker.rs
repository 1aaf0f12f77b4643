//! What both functions of this zone work with: the registry, the two buckets, and the inspection.

use crate::{inspection::Inspector, spent::Spent};
use airlock_aws::setting::required;
use airlock_content::verdict::Verdict;
use airlock_inspect::Finding;
use airlock_objects::{
    record::Record,
    registry::{HeldTerms, Registry},
    timestamp::Timestamp,
};
use airlock_published::{Published, PublishedKey};
use airlock_quarantine::{HeldKey, Quarantine, QuarantineKey};
use aws_config::SdkConfig;
use std::time::Duration;

pub(crate) struct Worker {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) registry: Registry,
    pub(crate) quarantine: Quarantine,
    pub(crate) published: Published,
    pub(crate) inspector: Inspector,
    /// The function's name, for metrics and audit records.
    pub(crate) function: &'static str,
    /// Whether this environment is to end.
    pub(crate) spent: Spent,
    held_for: Duration,
    /// How many bytes of one tenant are held at most.
    pub(crate) most_held_bytes: u64,
}

impl Worker {
    /// A worker as the environment says, with its jail up and its rules loaded, for objects of
    /// `allowed_types` with `allowed_members` in them.
    pub(crate) async fn start(
        aws: &SdkConfig,
        function: &'static str,
        allowed_types: String,
        allowed_members: String,
    ) -> anyhow::Result<Self> {
        let spent = Spent::default();
        let inspector = Inspector::start(function, allowed_types, allowed_members, spent.clone())?;
        let days: u32 = required("REJECTED_RETENTION_DAYS")?;
        let (registry, quarantine, published) =
            tokio::try_join!(Registry::connect(aws), Quarantine::connect(aws), Published::connect(aws))?;
        Ok(Self {
            s3: aws_sdk_s3::Client::new(aws),
            registry,
            quarantine,
            published,
            inspector,
            function,
            spent,
            held_for: Duration::from_secs(u64::from(days) * 24 * 3600),
            most_held_bytes: required("MAX_HELD_BYTES")?,
        })
    }

    /// The terms on which a copy, of this version if that is known, is held from `now` on.
    pub(crate) fn held_terms(&self, version_id: Option<String>, now: Timestamp) -> HeldTerms {
        HeldTerms { until: now + self.held_for, most_bytes: self.most_held_bytes, version_id }
    }

    /// A finding as the registry keeps it: with the rule set that was used.
    pub(crate) fn verdict(&self, finding: Finding) -> Verdict {
        let Finding { outcome, detected_type, matches, reason, .. } = finding;
        let rules = Some(self.inspector.rules_hash().to_owned());
        Verdict { outcome, detected_type, matches, reason, rules }
    }
}

pub(crate) fn quarantine_key(record: &Record) -> QuarantineKey {
    QuarantineKey::of(&record.object)
}

pub(crate) fn published_key(record: &Record) -> PublishedKey {
    PublishedKey::of(&record.object)
}

pub(crate) fn held_key(record: &Record) -> HeldKey {
    HeldKey::of(&record.object)
}
