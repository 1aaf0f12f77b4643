//! The protocol between a function and the jail in which its objects are inspected: the request that goes in,
//! what the inspection may use, and the report that comes out. Both ends of it are here.
//!
//! Content may have taken the jail over, so a report is parsed as untrusted input.

use crate::{Bounds, Finding, LIMITS, Limits, engine, inspect};
use airlock_content::{Declared, media_types, members::AllowedMembers, policy::Policy, verdict::Outcome};
use airlock_engine::{EngineError, EngineKind, RuleSet, Scanner, UnknownEngine};
use airlock_jail::{Allowance, Jail, JailError, Sealed, Task, Unavailable};
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, io, os::unix::process::CommandExt, process::Command, time::Duration};

/// The first argument of a process that is to be the jail; the engine's name follows.
const ARGUMENT: &str = "--jail";
/// Kept back from an inspection's time for its report.
const REPORTING: Duration = Duration::from_secs(1);
/// Address space that an inspection takes, in bytes, besides what the rules take, one mapping of the
/// object and one of its largest member: buffers and dictionaries of decoders, and what the engine notes.
const MEMORY: u64 = 256 << 20;
/// The most bytes that a reason may have. Longer ones say nothing that a person reads.
const MAX_REASON: usize = 4096;

/// What an inspection is told about its object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The media type that the object is declared to be.
    pub content_type: String,
    /// The file name that it is declared to have.
    pub file_name: String,
    /// The policy of types, as [`Policy::parse`] takes it.
    pub allowed_types: String,
    /// The policy of members, as [`AllowedMembers::parse`] takes it.
    pub allowed_members: String,
    /// How long the inspection may take. It is ended from outside after that.
    pub time: Duration,
}

/// Why a process cannot be the jail.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No argument names an engine.
    #[error("the jail was not told which engine to load")]
    NoEngine,
    /// The argument names no engine.
    #[error(transparent)]
    UnknownEngine(#[from] UnknownEngine),
    /// The rules cannot be loaded.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The jail does not hold, or the process was not started by [`start`].
    #[error(transparent)]
    Jail(#[from] io::Error),
}

/// Why an inspection has no finding.
#[derive(Debug, thiserror::Error)]
pub enum InspectionError {
    /// The jail failed, or the inspection ended badly.
    #[error(transparent)]
    Jail(#[from] JailError),
    /// What was reported is no finding, or contradicts itself.
    #[error("its report cannot be true")]
    Report,
}

/// Starts the jail: this executable again, which has to call [`serve_if_jail`] before anything else.
///
/// # Errors
///
/// If it does not come up, or a mandatory layer does not hold on this machine.
pub fn start(kind: EngineKind) -> Result<Jail, Unavailable> {
    let executable = std::env::current_exe()?;
    // An executable can be several programs, by the name that it is started with.
    let name = std::env::args_os().next().unwrap_or_else(|| executable.clone().into());
    Jail::start(move || {
        let mut command = Command::new(&executable);
        command.arg0(&name).args([ARGUMENT, kind.name()]);
        command
    })
}

/// If [`start`] started this process: loads the rules once, inspects what it is given, and returns true when
/// the process that started it is gone. Otherwise returns false at once.
///
/// # Errors
///
/// If the rules cannot be loaded, or the jail does not hold.
pub fn serve_if_jail() -> Result<bool, ServeError> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|argument| argument != ARGUMENT) {
        return Ok(false);
    }
    let name = arguments.next().ok_or(ServeError::NoEngine)?;
    let engine = engine(name.to_string_lossy().parse()?)?.without_threads();
    // Each child has its own copy.
    let scanner = RefCell::new(engine.scanner());
    airlock_jail::serve(|task| answer(&mut scanner.borrow_mut(), LIMITS, task))?;
    Ok(true)
}

/// Has an object inspected in the jail. Its rules are those of `rules`.
///
/// # Errors
///
/// If the jail failed or the inspection ended badly, or if its report cannot be true.
pub fn ask(
    jail: &Jail,
    rules: &RuleSet,
    object: &Sealed,
    request: &Request,
) -> Result<Finding, InspectionError> {
    let report = jail.run(object, &request.to_bytes(), &allowance(object.size(), request.time))?;
    let finding = Finding::from_report(&report.bytes, &request.content_type, |rule| rules.has(rule));
    finding.ok_or(InspectionError::Report)
}

/// The jail's answer: inspects the object of `task` as the request in it says, unpacking archives within
/// `limits`, and reports the finding. The report is empty if the request cannot be read.
pub fn answer(scanner: &mut Scanner<'_>, limits: Limits, task: Task) -> Vec<u8> {
    let Ok(request) = serde_json::from_slice::<Request>(&task.bytes) else { return Vec::new() };
    let Ok(policy) = Policy::parse(&request.allowed_types, u64::MAX) else { return Vec::new() };
    let Ok(members) = AllowedMembers::parse(&request.allowed_members) else { return Vec::new() };
    let Request { content_type, file_name, time, .. } = &request;
    let declared = Declared { content_type, file_name, size: task.size };
    let bounds = Bounds { scratch: task.scratch, limits, timeout: time.saturating_sub(REPORTING) };
    inspect(scanner, &policy.with_members(members), &task.object, &declared, bounds).to_report()
}

/// What the inspection of an object of `size` bytes may use.
fn allowance(size: u64, time: Duration) -> Allowance {
    let limits = LIMITS.of_object(size);
    Allowance { time, memory: MEMORY.saturating_add(limits.member_bytes), scratch: limits.total_bytes }
}

impl Request {
    /// The request as [`answer`] reads it.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Nothing in a request can fail to be written; an empty one is none.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Finding {
    /// The finding as bytes for [`Finding::from_report`].
    pub fn to_report(&self) -> Vec<u8> {
        // Nothing in a finding can fail to be written; an empty report is none.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a report about an object that was declared to be `content_type`, if it can be true: it
    /// is coherent, and names no rule that `is_rule` does not know. A child that was taken over can report
    /// a finding that is false; it is about no other object.
    pub fn from_report(report: &[u8], content_type: &str, is_rule: impl Fn(&str) -> bool) -> Option<Self> {
        let finding: Self = serde_json::from_slice(report).ok()?;
        let declared = media_types::lookup(content_type).map(|known| known.name);
        let has_reason = finding.reason.as_ref().is_some_and(|reason| reason.len() <= MAX_REASON);
        let coherent = match finding.outcome {
            Outcome::Clean => {
                finding.matches.is_empty()
                    && finding.reason.is_none()
                    && declared.is_some()
                    && finding.detected_type.as_deref() == declared
            }
            Outcome::Malicious => !finding.matches.is_empty() && has_reason,
            Outcome::Mismatch | Outcome::LimitsExceeded | Outcome::Unscannable => {
                finding.matches.is_empty() && has_reason
            }
        };
        let is_timed = !finding.out_of_time || finding.outcome == Outcome::LimitsExceeded;
        (coherent && is_timed && finding.matches.iter().all(|found| is_rule(&found.rule))).then_some(finding)
    }
}

/// As much of a reason as a report may have: it quotes content, which can have names of any length.
pub(crate) fn shortened(mut reason: String) -> String {
    reason.truncate(reason.floor_char_boundary(MAX_REASON));
    reason
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_content::verdict::RuleMatch;
    use std::io::{Seek as _, Write as _};

    fn finding(outcome: Outcome) -> Finding {
        let reason = (outcome != Outcome::Clean).then(|| "because".to_owned());
        let found = RuleMatch {
            rule: "known".to_owned(),
            severity: "high".to_owned(),
            description: "a rule".to_owned(),
            member: None,
        };
        let matches = if outcome == Outcome::Malicious { vec![found] } else { Vec::new() };
        Finding { outcome, detected_type: Some("image/png".to_owned()), matches, reason, out_of_time: false }
    }

    fn read(finding: &Finding) -> Option<Finding> {
        Finding::from_report(&finding.to_report(), "image/png", |rule| rule == "known")
    }

    #[test]
    fn every_finding_comes_through() {
        for outcome in [
            Outcome::Clean,
            Outcome::Malicious,
            Outcome::Mismatch,
            Outcome::LimitsExceeded,
            Outcome::Unscannable,
        ] {
            assert_eq!(read(&finding(outcome)), Some(finding(outcome)));
        }
        let late = Finding { out_of_time: true, ..finding(Outcome::LimitsExceeded) };
        assert_eq!(read(&late), Some(late));
    }

    #[test]
    fn t10_a_report_that_cannot_be_true_is_none() {
        let clean = finding(Outcome::Clean);
        for lie in [
            Finding { detected_type: Some("image/gif".to_owned()), ..clean.clone() },
            Finding { detected_type: None, ..clean.clone() },
            Finding { reason: Some("and yet".to_owned()), ..clean.clone() },
            Finding { matches: finding(Outcome::Malicious).matches, ..clean.clone() },
            Finding { outcome: Outcome::Malicious, ..clean.clone() },
            Finding { outcome: Outcome::Mismatch, ..clean.clone() },
            Finding { out_of_time: true, ..clean.clone() },
            Finding { out_of_time: true, ..finding(Outcome::Malicious) },
            Finding { out_of_time: true, ..finding(Outcome::Mismatch) },
            Finding { out_of_time: true, ..finding(Outcome::Unscannable) },
            Finding { reason: Some("x".repeat(MAX_REASON + 1)), ..finding(Outcome::Mismatch) },
        ] {
            assert_eq!(read(&lie), None, "{lie:?}");
        }
        let mut unknown = finding(Outcome::Malicious);
        unknown.matches[0].rule = "unheard of".to_owned();
        assert_eq!(read(&unknown), None);
        for garbage in [&b""[..], b"{}", b"null", b"\xff", br#"{"outcome":"clean","x":1}"#] {
            assert_eq!(Finding::from_report(garbage, "image/png", |_| true), None);
        }
        assert_eq!(Finding::from_report(&clean.to_report(), "image/svg+xml", |_| true), None);
    }

    fn request() -> Request {
        Request {
            content_type: "text/plain".to_owned(),
            file_name: "hello.txt".to_owned(),
            allowed_types: "default".to_owned(),
            allowed_members: "none".to_owned(),
            time: Duration::from_secs(60),
        }
    }

    /// The answer about a text of five bytes.
    fn answered(request: &[u8]) -> Vec<u8> {
        let mut object = tempfile::tempfile().unwrap();
        object.write_all(b"hello").unwrap();
        object.rewind().unwrap();
        let task = Task { object, size: 5, scratch: tempfile::tempfile().unwrap(), bytes: request.to_vec() };
        answer(&mut engine(EngineKind::Yara).unwrap().scanner(), LIMITS, task)
    }

    fn outcome(request: &Request) -> Outcome {
        let report = answered(&request.to_bytes());
        Finding::from_report(&report, &request.content_type, |_| true).unwrap().outcome
    }

    #[test]
    fn every_part_of_a_request_counts() {
        assert_eq!(outcome(&request()), Outcome::Clean);
        let other = Request { content_type: "image/png".to_owned(), ..request() };
        assert_eq!(outcome(&other), Outcome::Mismatch);
        assert_eq!(outcome(&Request { file_name: "hello.png".to_owned(), ..request() }), Outcome::Mismatch);
        let small = Request { allowed_types: "text/plain=4".to_owned(), ..request() };
        assert_eq!(outcome(&small), Outcome::LimitsExceeded);
        // A name that has the extension to some programs only.
        let script = Request { file_name: ".sh".to_owned(), ..request() };
        assert_eq!(outcome(&script), Outcome::Mismatch);
        assert_eq!(outcome(&Request { allowed_members: "scripts".to_owned(), ..script }), Outcome::Clean);
        assert_eq!(outcome(&Request { time: REPORTING, ..request() }), Outcome::LimitsExceeded);
    }

    #[test]
    fn a_request_that_cannot_be_read_is_answered_with_no_finding() {
        let types = Request { allowed_types: "no type".to_owned(), ..request() };
        let members = Request { allowed_members: "all".to_owned(), ..request() };
        for request in [&b""[..], b"{}", &types.to_bytes(), &members.to_bytes()] {
            let report = answered(request);
            assert_eq!(report, b"");
            assert_eq!(Finding::from_report(&report, "text/plain", |_| true), None);
        }
    }

    #[test]
    fn a_large_object_may_use_more_than_a_small_one() {
        let time = Duration::from_secs(1);
        let (small, large) = (allowance(1, time), allowance(1 << 30, time));
        assert_eq!(small.memory, MEMORY + LIMITS.member_bytes);
        assert_eq!(small.scratch, LIMITS.total_bytes);
        assert_eq!(large.memory, MEMORY + (8 << 30));
        assert_eq!(large.scratch, 16 << 30);
    }
}
