//! One object's inspection: is it what it was declared to be, and does any rule match? Runs where
//! the content is untrusted, so it answers a finding for whatever it is given.

pub mod identify;
mod members;
mod opaque;
pub mod protocol;
mod rules;
mod zips;

pub use airlock_unpack::Limits;
pub use members::LIMITS;

use airlock_content::{
    Declared,
    media_types::{self, MediaType},
    members::{AllowedMembers, NotTaken},
    policy::{Policy, Refused},
    verdict::{Outcome, RuleMatch},
};

use airlock_engine::{EngineError, Scanner};
use identify::{Content, Flaw};
use members::{Found, Task};
pub use rules::{engine, rule_set};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io,
    time::{Duration, Instant},
};

/// What an inspection found: a verdict, but for the rule set's hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The kind of verdict.
    pub outcome: Outcome,
    /// The media type found in the content; `None` if it could not be read.
    pub detected_type: Option<String>,
    /// The rules that matched.
    pub matches: Vec<RuleMatch>,
    /// Why, in one sentence, unless clean.
    pub reason: Option<String>,
    /// Whether the inspection did not come to its end because its time was over, and nothing that
    /// weighs more was found until then. The outcome is then [`Outcome::LimitsExceeded`].
    pub out_of_time: bool,
}

/// Where and how an object is inspected.
#[derive(Debug)]
pub struct Bounds {
    /// An empty file of nobody else's, open for reading and writing, for what does not fit into
    /// memory when it is unpacked. Its content is lost.
    pub scratch: File,
    /// How far archives are unpacked.
    pub limits: Limits,
    /// How long the inspection may take, to about a second.
    pub timeout: Duration,
}

/// Inspects a file: holds it against the deployment's policy of types, which can have changed since
/// the upload began, identifies it, and has every rule look at it, and at each of its members if it
/// is an archive. Nobody may write to the file meanwhile: it is mapped.
///
/// When several things are wrong, a rule's match weighs most, then a mismatch and a broken limit,
/// because these hold however the rest ends; then that the time was over, and then whatever else
/// kept the inspection from being complete.
pub fn inspect(
    scanner: &mut Scanner<'_>,
    policy: &Policy,
    file: &File,
    declared: &Declared<'_>,
    bounds: Bounds,
) -> Finding {
    let Bounds { scratch, limits, timeout } = bounds;
    let now = Instant::now();
    let deadline = now.checked_add(timeout).unwrap_or(now);
    let bytes = match airlock_unpack::map(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            return Finding::without_content(Outcome::Unscannable, format!("it could not be read: {error}"));
        }
    };
    let (mut matches, scan) = match scanner.scan(&bytes, declared, timeout) {
        Ok(matches) => (matches, Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    };
    let admitted = policy.admit(declared.content_type, declared.size);
    let task = Task {
        allowed: policy.members(),
        media_type: admitted.as_ref().ok().copied(),
        file_name: declared.file_name,
        limits,
        deadline,
    };
    let (mut found, content) = members::look_at(scanner, &bytes, scratch, &task);
    matches.append(&mut found.matches);
    let (detected_type, identity) = match (admitted, content) {
        (Err(refused), _) => (None, Err(Refusal::refused(&refused))),
        (Ok(_), None) => (None, Ok(())),
        (Ok(media_type), Some(content)) => hold_against(media_type, declared, policy.members(), content),
    };
    let Conclusion { outcome, reason, out_of_time } = conclude(&matches, identity, scan, found, timeout);
    Finding { outcome, detected_type, matches, reason: reason.map(protocol::shortened), out_of_time }
}

impl Finding {
    /// A finding that names neither a type nor a rule.
    pub fn without_content(outcome: Outcome, reason: impl Into<String>) -> Self {
        let reason = Some(reason.into());
        Self { outcome, detected_type: None, matches: Vec::new(), reason, out_of_time: false }
    }
}

/// Why an object is not what it was declared to be, or can't be known to be.
struct Refusal {
    outcome: Outcome,
    reason: String,
}

impl Refusal {
    fn mismatch(reason: String) -> Self {
        Self { outcome: Outcome::Mismatch, reason }
    }

    fn refused(refused: &Refused) -> Self {
        let outcome = match refused {
            Refused::Type(_) => Outcome::Mismatch,
            Refused::Size { .. } => Outcome::LimitsExceeded,
        };
        Self { outcome, reason: refused.to_string() }
    }

    fn unscannable(reason: String) -> Self {
        Self { outcome: Outcome::Unscannable, reason }
    }
}

/// The detected type, and whether content and name are what was declared.
fn hold_against(
    media_type: &MediaType,
    declared: &Declared<'_>,
    allowed: &AllowedMembers,
    found: io::Result<Content>,
) -> (Option<String>, Result<(), Refusal>) {
    let Content { media_type: detected, flaw } = match found {
        Ok(content) => content,
        Err(error) => return (None, Err(Refusal::unscannable(format!("it could not be read: {error}")))),
    };
    let identity = match flaw {
        // Inside an encrypted ZIP may be the declared document, or anything else.
        Some(flaw @ Flaw::Encrypted(_)) => Err(Refusal::unscannable(flaw.to_string())),
        Some(flaw) if detected == media_type.name => {
            Err(Refusal::mismatch(format!("declared {}, but {flaw}", media_type.name)))
        }
        Some(flaw) => {
            Err(Refusal::mismatch(format!("declared {}, found {detected}: {flaw}", media_type.name)))
        }
        None if detected != media_type.name => {
            Err(Refusal::mismatch(format!("declared {}, found {detected}", media_type.name)))
        }
        None if !media_type.allows_file_name(declared.file_name) => Err(Refusal::mismatch(format!(
            "declared {}, but the file name ends in .{}",
            media_type.name,
            media_types::extension(declared.file_name).unwrap_or_default(),
        ))),
        None => match allowed.refuse_name(declared.file_name) {
            Some(NotTaken { one, .. }) => {
                Err(Refusal::mismatch(format!("its name is that of {one}, which is not taken here")))
            }
            None => Ok(()),
        },
    };
    (Some(detected.into_owned()), identity)
}

/// What all that was found comes to.
struct Conclusion {
    outcome: Outcome,
    reason: Option<String>,
    out_of_time: bool,
}

impl Conclusion {
    fn new(outcome: Outcome, reason: String) -> Self {
        Self { outcome, reason: Some(reason), out_of_time: false }
    }
}

fn conclude(
    matches: &[RuleMatch],
    identity: Result<(), Refusal>,
    scan: Result<(), EngineError>,
    found: Found,
    timeout: Duration,
) -> Conclusion {
    if !matches.is_empty() {
        return Conclusion::new(Outcome::Malicious, matched(matches));
    }
    if let Err(Refusal { outcome: outcome @ (Outcome::Mismatch | Outcome::LimitsExceeded), reason }) =
        identity
    {
        return Conclusion::new(outcome, reason);
    }
    if let Some(reason) = found.structure {
        return Conclusion::new(Outcome::Mismatch, reason);
    }
    if let Some(reason) = found.limit {
        return Conclusion::new(Outcome::LimitsExceeded, reason);
    }
    if found.out_of_time || matches!(scan, Err(EngineError::TimedOut(_))) {
        let reason = format!("it could not be inspected to its end within {} s", timeout.as_secs_f32());
        return Conclusion { out_of_time: true, ..Conclusion::new(Outcome::LimitsExceeded, reason) };
    }
    match (identity, scan, found.unscannable) {
        (_, Err(error), _) => Conclusion::new(Outcome::Unscannable, error.to_string()),
        (Err(Refusal { outcome, reason }), Ok(()), _) => Conclusion::new(outcome, reason),
        (Ok(()), Ok(()), Some(reason)) => Conclusion::new(Outcome::Unscannable, reason),
        (Ok(()), Ok(()), None) => Conclusion { outcome: Outcome::Clean, reason: None, out_of_time: false },
    }
}

/// Names the first few matches.
fn matched(matches: &[RuleMatch]) -> String {
    const NAMED: usize = 5;
    let name = |found: &RuleMatch| match &found.member {
        Some(member) => format!("{} in {member}", found.rule),
        None => found.rule.clone(),
    };
    let named: Vec<String> = matches.iter().take(NAMED).map(name).collect();
    match matches.len().saturating_sub(NAMED) {
        0 => format!("matched {}", named.join(", ")),
        more => format!("matched {} and {more} more", named.join(", ")),
    }
}
