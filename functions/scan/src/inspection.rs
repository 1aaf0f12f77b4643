//! The inspection of one object, in the jail: what goes in, what comes out, and what a bad end means.

use crate::{share::Share, spent::Spent};
use airlock_aws::setting::required;
use airlock_content::{Declared, members::AllowedMembers, policy::Policy, verdict::Outcome};
use airlock_engine::{EngineKind, RuleSet, Scanner};
use airlock_inspect::{Bounds, Finding, LIMITS, MEMORY, engine, inspect, rule_set};
use airlock_jail::{Allowance, Draft, Ended, Jail, JailError, Sealed, Task};
use airlock_objects::record::Record;
use airlock_telemetry::metric::{self, Metric};
use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use std::{
    cell::RefCell, io::Write as _, os::unix::process::CommandExt as _, process::Command, sync::Arc,
    time::Duration,
};

/// What the executable is called with to be the jail; the engine's name follows.
const ARGUMENT: &str = "--jail";

/// What is kept back from an inspection's time for its report.
const REPORTING: Duration = Duration::from_secs(1);
/// How long the harmless text may take with which a jail is tried.
const PROVING: Duration = Duration::from_secs(5);

/// What an inspection is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    content_type: String,
    file_name: String,
    size: u64,
    allowed_types: String,
    allowed_members: String,
    timeout_ms: u64,
}

/// Whether this process was started to be the jail.
pub(crate) fn is_asked_for() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == ARGUMENT)
}

/// The jail's side: loads the rules once, then inspects whatever it is given. Returns when the
/// function that started it is gone.
pub(crate) fn serve() -> anyhow::Result<()> {
    let name = std::env::args().nth(2).context("the jail was not told which engine to load")?;
    let engine = engine(name.parse()?)?.without_threads();
    // Each child has its own copy.
    let scanner = RefCell::new(engine.scanner());
    airlock_jail::serve(|task| answer(&mut scanner.borrow_mut(), task))?;
    Ok(())
}

fn answer(scanner: &mut Scanner<'_>, task: Task) -> Vec<u8> {
    // An empty report is none, and the other side says so.
    let Ok(request) = serde_json::from_slice::<Request>(&task.bytes) else { return Vec::new() };
    let Ok(policy) = Policy::parse(&request.allowed_types, u64::MAX) else { return Vec::new() };
    let Ok(members) = AllowedMembers::parse(&request.allowed_members) else { return Vec::new() };
    let policy = policy.with_members(members);
    let declared =
        Declared { content_type: &request.content_type, file_name: &request.file_name, size: request.size };
    let timeout = Duration::from_millis(request.timeout_ms);
    let bounds = Bounds { scratch: task.scratch, limits: LIMITS, timeout };
    inspect(scanner, &policy, &task.object, &declared, bounds).to_report()
}

fn allowance(object: &Sealed, time: Duration) -> Allowance {
    let limits = LIMITS.of_object(object.size());
    let memory = MEMORY.saturating_add(limits.member_bytes);
    Allowance { time, memory, scratch: limits.total_bytes }
}

/// Has objects inspected.
pub(crate) struct Inspector {
    jail: Arc<Jail>,
    /// To hold reports against; the engine itself is only in the jail.
    rules: RuleSet,
    allowed_types: String,
    allowed_members: String,
    function: &'static str,
    spent: Spent,
}

impl Inspector {
    /// Starts the jail for `function`, with the engine in `SCAN_ENGINE`, and says which of the jail's
    /// layers hold. Objects are held against the policies in `allowed_types` and `allowed_members`. An inspection
    /// that ends badly sets `spent`.
    ///
    /// # Errors
    /// When the setting is missing, the policy is none, or a layer does not hold that has to.
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
        let executable = std::env::current_exe().context("the executable cannot be found")?;
        let name = std::env::args_os().next().context("the executable has no name")?;
        let jail = Jail::start(move || {
            let mut command = Command::new(&executable);
            command.arg0(&name).args([ARGUMENT, kind.name()]);
            command
        })?;
        let layers = jail.layers();
        tracing::info!(%layers, engine = %kind, rules = rules.hash, "the jail is up");
        metric::record(Metric::JailLayers, layers.iter().count(), function);
        let inspector = Self { jail: Arc::new(jail), rules, allowed_types, allowed_members, function, spent };
        inspector.prove().context("a harmless text could not be inspected in the jail")?;
        Ok(inspector)
    }

    /// Inspects a harmless text: a jail that stops benign work looks like one that finds everything bad.
    fn prove(&self) -> anyhow::Result<()> {
        const TEXT: &[u8] = b"harmless\n";
        let mut draft = Draft::new(TEXT.len() as u64)?;
        draft.write_all(TEXT)?;
        let request = Request {
            content_type: "text/plain".to_owned(),
            file_name: "harmless.txt".to_owned(),
            size: TEXT.len() as u64,
            allowed_types: "default".to_owned(),
            allowed_members: AllowedMembers::ALL.to_owned(),
            timeout_ms: 5_000,
        };
        let object = draft.seal()?;
        let report = self.jail.run(&object, &serde_json::to_vec(&request)?, &allowance(&object, PROVING))?;
        let finding = Finding::from_report(&report.bytes, "text/plain", |rule| self.rules.has(rule));
        match finding {
            Some(Finding { outcome: Outcome::Clean, .. }) => Ok(()),
            other => bail!("it was found to be {other:?}"),
        }
    }

    /// Inspects one object. A bad end is a finding: the object cannot be scanned. So is that it takes more time
    /// than an object of its size gets.
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
        let timeout = share.time();
        let request = Request {
            content_type: record.declared.content_type.clone(),
            file_name: record.declared.file_name.to_string(),
            size: object.size(),
            allowed_types: self.allowed_types.clone(),
            allowed_members: self.allowed_members.clone(),
            timeout_ms: u64::try_from(timeout.saturating_sub(REPORTING).as_millis()).unwrap_or(u64::MAX),
        };
        let request = serde_json::to_vec(&request)?;
        let (jail, allowance) = (self.jail.clone(), allowance(&object, timeout));
        // Waiting for a process is no work for the thread that answers the runtime.
        let ended = tokio::task::spawn_blocking(move || jail.run(&object, &request, &allowance)).await?;
        let reason = match ended {
            Ok(report) => {
                match Finding::from_report(&report.bytes, &record.declared.content_type, |rule| {
                    self.rules.has(rule)
                }) {
                    Some(finding) if finding.out_of_time => return self.out_of_time(record, share),
                    Some(finding) => return Ok(finding),
                    None => "its report cannot be true".to_owned(),
                }
            }
            Err(JailError::Ended(ended)) => {
                self.spent.set();
                if ended == Ended::TimedOut {
                    return self.out_of_time(record, share);
                }
                ended.to_string()
            }
            Err(JailError::Unavailable(error)) => return Err(error.into()),
        };
        self.spent.set();
        metric::count(Metric::InspectionsEndedBadly, self.function);
        tracing::error!(object_id = %record.object.id, reason, "an inspection ended badly");
        let reason = Some(format!("the inspection ended badly: {reason}"));
        Ok(Finding {
            outcome: Outcome::Unscannable,
            detected_type: None,
            matches: Vec::new(),
            reason,
            out_of_time: false,
        })
    }

    /// The finding on an object that had all the time that one of its size gets.
    fn out_of_time(&self, record: &Record, share: Share) -> anyhow::Result<Finding> {
        metric::count(Metric::InspectionsOutOfTime, self.function);
        let Share::Whole(time) = share else {
            bail!("the inspection needs more time than this invocation had left");
        };
        tracing::warn!(object_id = %record.object.id, seconds = time.as_secs(), "an inspection took all its time");
        let reason = format!(
            "it takes longer to inspect than the {} seconds that a file of {} bytes gets; a smaller or simpler one may pass",
            time.as_secs(),
            record.declared.size
        );
        Ok(Finding {
            outcome: Outcome::LimitsExceeded,
            detected_type: None,
            matches: Vec::new(),
            reason: Some(reason),
            out_of_time: true,
        })
    }

    /// The rule set that is used.
    pub(crate) fn rules_hash(&self) -> &str {
        &self.rules.hash
    }
}
