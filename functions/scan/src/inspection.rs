//! The inspection of one object, in the jail: starting the jail, asking it, and what a bad end means.

use crate::{share::Share, spent::Spent};
use airlock_aws::setting::required;
use airlock_content::{members::AllowedMembers, policy::Policy, verdict::Outcome};
use airlock_engine::{EngineKind, RuleSet};
use airlock_inspect::{
    Finding,
    protocol::{self, InspectionError, Request},
    rule_set,
};
use airlock_jail::{Draft, Ended, Jail, JailError, Sealed};
use airlock_objects::record::Record;
use airlock_telemetry::metric::{self, Metric};
use anyhow::{Context as _, bail, ensure};
use std::{io::Write as _, sync::Arc, time::Duration};

/// How long the inspection of the harmless text may take that tests a new jail.
const PROVING: Duration = Duration::from_secs(5);

/// Inspects objects in the jail.
pub(crate) struct Inspector {
    jail: Arc<Jail>,
    /// To check reports with; the engine itself is only in the jail.
    rules: Arc<RuleSet>,
    allowed_types: String,
    allowed_members: String,
    function: &'static str,
    spent: Spent,
}

impl Inspector {
    /// Starts the jail for `function`, with the engine in `SCAN_ENGINE`, and logs which of the jail's layers hold.
    /// Objects are checked against the policies in `allowed_types` and `allowed_members`. An inspection that ends
    /// badly sets `spent`.
    ///
    /// # Errors
    /// When the setting is missing, a policy is invalid, or a mandatory layer does not hold.
    pub(crate) fn start(
        function: &'static str,
        allowed_types: String,
        allowed_members: String,
        spent: Spent,
    ) -> anyhow::Result<Self> {
        Policy::parse(&allowed_types, u64::MAX)?;
        AllowedMembers::parse(&allowed_members)?;
        let kind: EngineKind = required("SCAN_ENGINE")?;
        let rules = rule_set(kind)?;
        let jail = protocol::start(kind)?;
        let layers = jail.layers();
        tracing::info!(%layers, engine = %kind, rules = rules.hash, "the jail is up");
        metric::record(Metric::JailLayers, layers.iter().count(), function);
        let inspector = Self {
            jail: Arc::new(jail),
            rules: Arc::new(rules),
            allowed_types,
            allowed_members,
            function,
            spent,
        };
        inspector.prove().context("a harmless text could not be inspected in the jail")?;
        Ok(inspector)
    }

    /// Inspects a harmless text: a jail that stops benign work would fail every object.
    fn prove(&self) -> anyhow::Result<()> {
        const TEXT: &[u8] = b"harmless\n";
        let mut draft = Draft::new(TEXT.len() as u64)?;
        draft.write_all(TEXT)?;
        let request = Request {
            content_type: "text/plain".to_owned(),
            file_name: "harmless.txt".to_owned(),
            allowed_types: "default".to_owned(),
            allowed_members: AllowedMembers::ALL.to_owned(),
            time: PROVING,
        };
        let finding = protocol::ask(&self.jail, &self.rules, &draft.seal()?, &request)?;
        ensure!(finding.outcome == Outcome::Clean, "it was found to be {finding:?}");
        Ok(())
    }

    /// Inspects one object. A bad end is a finding too: the object cannot be scanned. An object that needs more time
    /// than one of its size gets is over a limit.
    ///
    /// # Errors
    /// When the jail itself is unavailable, or there was less time than an object of this size gets: nothing is
    /// known about it.
    pub(crate) async fn inspect(
        &self,
        object: Sealed,
        record: &Record,
        share: Share,
    ) -> anyhow::Result<Finding> {
        let request = Request {
            content_type: record.declared.content_type.clone(),
            file_name: record.declared.file_name.to_string(),
            allowed_types: self.allowed_types.clone(),
            allowed_members: self.allowed_members.clone(),
            time: share.time(),
        };
        let (jail, rules) = (self.jail.clone(), self.rules.clone());
        // It waits for a process, which must not block the runtime's only thread.
        let asked =
            tokio::task::spawn_blocking(move || protocol::ask(&jail, &rules, &object, &request)).await?;
        if spends(&asked) {
            self.spent.set();
        }
        let reason = match asked {
            Ok(finding) if !finding.out_of_time => return Ok(finding),
            Ok(_) | Err(InspectionError::Jail(JailError::Ended(Ended::TimedOut))) => {
                metric::count(Metric::InspectionsOutOfTime, self.function);
                tracing::warn!(object_id = %record.object.id, ?share, "an inspection took all its time");
                return out_of_time(record.declared.size, share);
            }
            Err(InspectionError::Jail(JailError::Unavailable(error))) => return Err(error.into()),
            Err(InspectionError::Jail(JailError::Ended(ended))) => ended.to_string(),
            Err(error @ InspectionError::Report) => error.to_string(),
        };
        metric::count(Metric::InspectionsEndedBadly, self.function);
        tracing::error!(object_id = %record.object.id, reason, "an inspection ended badly");
        let reason = format!("the inspection ended badly: {reason}");
        Ok(Finding::without_content(Outcome::Unscannable, reason))
    }

    /// The rule set that is used.
    pub(crate) fn rules_hash(&self) -> &str {
        &self.rules.hash
    }
}

/// Whether a child that may have been taken over is the likely reason that there is no finding: its environment ends.
fn spends(asked: &Result<Finding, InspectionError>) -> bool {
    matches!(asked, Err(InspectionError::Report | InspectionError::Jail(JailError::Ended(_))))
}

/// The finding on an object of `size` bytes that needs more time than its share.
///
/// # Errors
/// When the share was less than an object of this size gets: nothing is known about it.
fn out_of_time(size: u64, share: Share) -> anyhow::Result<Finding> {
    let Share::Whole(time) = share else {
        bail!("the inspection needs more time than this invocation had left");
    };
    let reason = format!(
        "it takes longer to inspect than the {} seconds that a file of {size} bytes gets; a smaller or simpler one may pass",
        time.as_secs()
    );
    Ok(Finding { out_of_time: true, ..Finding::without_content(Outcome::LimitsExceeded, reason) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_jail::{BadReport, Unavailable};

    #[test]
    fn t10_what_may_have_been_taken_over_spends_the_environment() {
        let bad_ends =
            [Ended::TimedOut, Ended::Killed(11), Ended::Exited(101), Ended::Report(BadReport::Torn)];
        let ended = bad_ends.map(|ended| Err(InspectionError::Jail(ended.into())));
        for asked in ended.into_iter().chain([Err(InspectionError::Report)]) {
            assert!(spends(&asked), "{asked:?}");
        }
        let unavailable = [Unavailable::Died, Unavailable::NotJailed(1), Unavailable::Start("no".to_owned())];
        for error in unavailable {
            let asked = Err(InspectionError::Jail(error.into()));
            assert!(!spends(&asked), "{asked:?}");
        }
        for outcome in [Outcome::Malicious, Outcome::Unscannable] {
            assert!(!spends(&Ok(Finding::without_content(outcome, "because"))));
        }
    }

    #[test]
    fn t10_only_what_had_all_its_time_is_over_a_limit() {
        let finding = out_of_time(7, Share::Whole(Duration::from_secs(10))).unwrap();
        assert_eq!((finding.outcome, finding.out_of_time), (Outcome::LimitsExceeded, true));
        assert!(finding.reason.unwrap().contains("10 seconds that a file of 7 bytes gets"));
        assert!(out_of_time(7, Share::Part(Duration::from_secs(9))).is_err());
    }
}
