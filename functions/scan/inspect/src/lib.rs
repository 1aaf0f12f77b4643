//! One object's inspection: is it what it was declared to be, and does any rule match? Runs where
//! the content is untrusted, so it answers a finding for whatever it is given.

pub mod identify;

use airlock_content::{
    Declared,
    media_types::{self, MediaType},
    policy::{Policy, Refused},
    verdict::{Outcome, RuleMatch},
};

use airlock_engine::{Engine, EngineError};
use identify::{Content, Flaw};
use serde::{Deserialize, Serialize};
use std::{fs::File, io, time::Duration};

/// What an inspection found: a verdict, but for the rule set's hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The kind of verdict.
    pub outcome: Outcome,
    /// The media type found in the content; `None` if it could not be read.
    pub detected_type: Option<String>,
    /// The rules that matched.
    pub matches: Vec<RuleMatch>,
    /// Why, in one sentence, unless clean.
    pub reason: Option<String>,
}

/// Inspects a file: holds it against the deployment's policy of types, which can have changed since
/// the upload began, identifies it, then has every rule look at it, for at most about `timeout`.
///
/// When several things are wrong, a rule's match weighs most, then a mismatch, because both hold
/// however the rest ends; then whatever kept the inspection from being complete.
pub fn inspect(
    engine: &Engine,
    policy: &Policy,
    file: &File,
    declared: &Declared<'_>,
    timeout: Duration,
) -> Finding {
    let (detected_type, identity) = match policy.admit(declared.content_type, declared.size) {
        Err(refused) => (None, Err(Refusal::refused(&refused))),
        Ok(media_type) => hold_against(media_type, declared, identify::identify(file, media_type)),
    };
    let (matches, scan) = match engine.scan_file(file, declared, timeout) {
        Ok(matches) => (matches, Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    };
    let (outcome, reason) = conclude(&matches, identity, scan);
    Finding { outcome, detected_type, matches, reason }
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
        None => Ok(()),
    };
    (Some(detected.into_owned()), identity)
}

fn conclude(
    matches: &[RuleMatch],
    identity: Result<(), Refusal>,
    scan: Result<(), EngineError>,
) -> (Outcome, Option<String>) {
    if !matches.is_empty() {
        let rules: Vec<&str> = matches.iter().map(|found| found.rule.as_str()).collect();
        return (Outcome::Malicious, Some(format!("matched {}", rules.join(", "))));
    }
    match (identity, scan) {
        (Err(Refusal { outcome: outcome @ (Outcome::Mismatch | Outcome::LimitsExceeded), reason }), _) => {
            (outcome, Some(reason))
        }
        (_, Err(error)) => (Outcome::Unscannable, Some(error.to_string())),
        (Err(Refusal { outcome, reason }), Ok(())) => (outcome, Some(reason)),
        (Ok(()), Ok(())) => (Outcome::Clean, None),
    }
}
