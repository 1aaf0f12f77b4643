//! One object's inspection: is it what it was declared to be, and does any rule match? The content is
//! untrusted, so every input leads to a finding.

mod members;
pub mod protocol;
mod remedy;
mod rules;
mod seen;
mod unopened;

pub use airlock_formats::Limits;
pub use members::LIMITS;

use airlock_content::{
    Declared,
    media_types::{self, MediaType},
    members::{AllowedMembers, NotTaken},
    policy::{NotAdmitted, Policy},
    verdict::{Outcome, RuleMatch},
};

use airlock_engine::{EngineError, Scanner};
use airlock_formats::identify::{Content, Flaw};
use members::{Found, Scope};
use remedy::Remedy;
pub use rules::{engine, rule_set};
pub use seen::{Seen, SeenPart};
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
    /// Whether the inspection ran out of time before it found anything that weighs more. The outcome is then
    /// [`Outcome::LimitsExceeded`].
    pub out_of_time: bool,
}

/// Where and how an object is inspected.
#[derive(Debug)]
pub struct Bounds {
    /// An empty file that nothing else uses, open for reading and writing, for unpacked data that does not fit into
    /// memory. Its content is lost.
    pub scratch: File,
    /// How far archives are unpacked.
    pub limits: Limits,
    /// How long the inspection may take, to about a second.
    pub timeout: Duration,
}

/// Inspects a file: checks it against the deployment's policy of types, which may have changed since the upload
/// began, identifies it, and runs the rules over it and, if it is an archive, over each of its members. The file is
/// mapped, so it must not be written to meanwhile.
///
/// If several things are wrong, a rule's match weighs most, then a mismatch, then a broken limit: the rest of the
/// inspection cannot change these. Then comes a lack of time, and last anything else that made it incomplete.
pub fn inspect(
    scanner: &mut Scanner<'_>,
    policy: &Policy,
    file: &File,
    declared: &Declared<'_>,
    bounds: Bounds,
) -> Finding {
    inspect_with(scanner, policy, file, declared, bounds, None)
}

/// The same, and notes what it saw.
pub fn inspect_and_see(
    scanner: &mut Scanner<'_>,
    policy: &Policy,
    file: &File,
    declared: &Declared<'_>,
    bounds: Bounds,
) -> (Finding, Seen) {
    let mut seen = Seen::default();
    let finding = inspect_with(scanner, policy, file, declared, bounds, Some(&mut seen));
    (finding, seen)
}

fn inspect_with(
    scanner: &mut Scanner<'_>,
    policy: &Policy,
    file: &File,
    declared: &Declared<'_>,
    bounds: Bounds,
    seen: Option<&mut Seen>,
) -> Finding {
    let Bounds { scratch, limits, timeout } = bounds;
    let now = Instant::now();
    let deadline = now.checked_add(timeout).unwrap_or(now);
    let bytes = match airlock_formats::map(file) {
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
    let scope = Scope {
        allowed: policy.members(),
        media_type: admitted.as_ref().ok().copied(),
        file_name: declared.file_name,
        declared_type: declared.content_type,
        limits,
        deadline,
    };
    let (mut found, content) = members::look_at(scanner, &bytes, scratch, &scope, seen);
    for more in std::mem::take(&mut found.matches) {
        if !matches.contains(&more) {
            matches.push(more);
        }
    }
    let (detected_type, identity) = match (admitted, content) {
        (Err(error), _) => (None, Err(not_admitted(&error))),
        (Ok(_), None) => (None, Ok(())),
        (Ok(media_type), Some(content)) => {
            compare_with_declaration(media_type, declared, policy.members(), content)
        }
    };
    let finding = conclude(&matches, identity, scan, found, timeout);
    Finding { detected_type, matches, reason: finding.reason.map(protocol::shortened), ..finding }
}

impl Finding {
    /// A finding that names neither a type nor a rule.
    pub fn without_content(outcome: Outcome, reason: impl Into<String>) -> Self {
        let reason = Some(reason.into());
        Self { outcome, detected_type: None, matches: Vec::new(), reason, out_of_time: false }
    }
}

fn not_admitted(error: &NotAdmitted) -> Finding {
    let outcome = match error {
        NotAdmitted::Type(_) => Outcome::Mismatch,
        NotAdmitted::Size { .. } => Outcome::LimitsExceeded,
    };
    Finding::without_content(outcome, error.to_string())
}

/// The detected type, and whether content and name are what was declared.
fn compare_with_declaration(
    media_type: &MediaType,
    declared: &Declared<'_>,
    allowed: &AllowedMembers,
    found: io::Result<Content>,
) -> (Option<String>, Result<(), Finding>) {
    let Content { media_type: detected, flaw } = match found {
        Ok(content) => content,
        Err(error) => {
            let reason = format!("it could not be read: {error}");
            return (None, Err(Finding::without_content(Outcome::Unscannable, reason)));
        }
    };
    let name = media_type.name;
    let mismatch = |reason| Err(Finding::without_content(Outcome::Mismatch, reason));
    let identity = match flaw {
        // An encrypted ZIP may hold the declared document, or anything else.
        Some(flaw @ Flaw::Encrypted(_)) => {
            Err(Finding::without_content(Outcome::Unscannable, Remedy::Unlock.after(flaw)))
        }
        Some(flaw) if detected == name => {
            mismatch(Remedy::of_flaw(&flaw).after(format_args!("declared {name}, but {flaw}")))
        }
        Some(flaw) => {
            mismatch(Remedy::of_flaw(&flaw).after(format_args!("declared {name}, found {detected}: {flaw}")))
        }
        None if detected != name => {
            mismatch(Remedy::Declare.after(format_args!("declared {name}, found {detected}")))
        }
        None if !media_type.allows_file_name(declared.file_name) => {
            let extension = media_types::extension(declared.file_name).unwrap_or_default();
            let what = format_args!("declared {name}, but the file name ends in .{extension}");
            mismatch(Remedy::Rename.after(what))
        }
        None => match allowed.refuse_name(declared.file_name) {
            Some(NotTaken { one, .. }) => mismatch(
                Remedy::Rename.after(format_args!("its name is that of {one}, which is not taken here")),
            ),
            None => Ok(()),
        },
    };
    (Some(detected.into_owned()), identity)
}

/// The finding that everything found adds up to, without the detected type and the matches.
fn conclude(
    matches: &[RuleMatch],
    identity: Result<(), Finding>,
    scan: Result<(), EngineError>,
    found: Found,
    timeout: Duration,
) -> Finding {
    if !matches.is_empty() {
        return Finding::without_content(Outcome::Malicious, matched(matches));
    }
    let unknown = match identity {
        Ok(()) => None,
        Err(finding) if finding.outcome == Outcome::Unscannable => Some(finding),
        Err(finding) => return finding,
    };
    if let Some(reason) = found.structure {
        return Finding::without_content(Outcome::Mismatch, reason);
    }
    if let Some(reason) = found.limit {
        return Finding::without_content(Outcome::LimitsExceeded, reason);
    }
    if found.out_of_time || matches!(scan, Err(EngineError::TimedOut(_))) {
        let reason = format!("it could not be inspected to its end within {} s", timeout.as_secs_f32());
        return Finding { out_of_time: true, ..Finding::without_content(Outcome::LimitsExceeded, reason) };
    }
    if let Err(error) = scan {
        return Finding::without_content(Outcome::Unscannable, error.to_string());
    }
    match (unknown, found.unscannable) {
        (Some(finding), _) => finding,
        (None, Some(reason)) => Finding::without_content(Outcome::Unscannable, reason),
        (None, None) => Finding {
            outcome: Outcome::Clean,
            detected_type: None,
            matches: Vec::new(),
            reason: None,
            out_of_time: false,
        },
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
