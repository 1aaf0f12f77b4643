//! Rules tried on their samples, and each rule's time measured alone: what `rules check` tells.
//!
//! Samples are base64, so that no one takes them for what they hold: a rule must match what is in
//! `samples/<rule>/match/<file name>.b64` and must not match what is in `samples/<rule>/clean/`.

mod search;
mod specimen;
mod speed;
mod strings;

use crate::{Engine, EngineError, EngineKind, RuleFile, RuleInfo, RulesError, outline::outline};
use airlock_content::{Declared, FACTS, media_types};
use base64::{Engine as _, prelude::BASE64_STANDARD};
pub use search::{Input, Worst};
pub use speed::{MOST, MOST_TOGETHER};
use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// One scan of a sample may take so long.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What a check has found.
#[derive(Debug)]
pub struct CheckReport {
    /// The engine that was used.
    pub engine: EngineKind,
    /// The rule set's hash.
    pub hash: String,
    /// Each rule, sorted by name.
    pub rules: Vec<RuleReport>,
    /// What all rules together find hardest, of what each finds hardest, and the rule that it was made for.
    pub together: (String, Worst),
    /// What must be put right; none if the rules are fit to be used.
    pub problems: Vec<Problem>,
}

/// What is known of one rule.
#[derive(Clone, Debug)]
pub struct RuleReport {
    /// The rule.
    pub rule: RuleInfo,
    /// How many samples it must match.
    pub matching: usize,
    /// How many samples it must not match.
    pub clean: usize,
    /// What the rule, by itself, finds hardest.
    pub worst: Worst,
}

/// How far a check is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The rule that is measured now.
    pub rule: &'a str,
    /// How many are done.
    pub done: usize,
    /// How many there are.
    pub of: usize,
}

/// Whether a sample must match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It must.
    Match,
    /// It must not.
    Clean,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Match => "match",
            Self::Clean => "clean",
        })
    }
}

/// Something that is wrong with a rule or its samples.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Nothing shows what the rule is for, or what it spares.
    #[error("{rule} has no samples: put one into {}", folder.display())]
    NoSamples {
        /// The rule.
        rule: String,
        /// The folder that should hold one.
        folder: PathBuf,
    },
    /// A sample that should match doesn't.
    #[error("{rule} does not match {}", sample.display())]
    Missed {
        /// The rule.
        rule: String,
        /// The sample.
        sample: PathBuf,
    },
    /// A sample that should not match does.
    #[error("{rule} matches {}, which is clean", sample.display())]
    FalseAlarm {
        /// The rule.
        rule: String,
        /// The sample.
        sample: PathBuf,
    },
    /// Samples for a rule that isn't there.
    #[error("{} holds samples of no rule", .0.display())]
    NoRule(PathBuf),
    /// A sample can't be used.
    #[error("{} is no sample: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The scan of a sample failed.
    #[error("{}: {error}", sample.display())]
    Unscannable {
        /// The sample.
        sample: PathBuf,
        /// Why.
        #[source]
        error: EngineError,
    },
    /// The rule holds up every scan of whoever writes what it finds hard.
    #[error(
        "{}:{line}: {rule} is slow, {} ms for 1 MiB of {}{}: {REMEDY}", path.display(), worst.time_per_mib.as_millis(),
        worst.input, if worst.grows { ", and the more the longer it takes for each" } else { "" }
    )]
    Slow {
        /// The rule.
        rule: String,
        /// The file that it stands in.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What it finds hardest.
        worst: Worst,
    },
    /// No rule is slow, but too many look for the same.
    #[error(
        "all rules together are slow, {} ms for 1 MiB of {}, which {rule} finds hardest: give strings that begin alike other \
         beginnings, or one rule for all",
        worst.time_per_mib.as_millis(), worst.input
    )]
    SlowTogether {
        /// The rule that this was made for.
        rule: String,
        /// What they find hardest.
        worst: Worst,
    },
}

/// What makes a rule fast.
const REMEDY: &str = "give its strings four fixed bytes that are rare, jumps and loops fewer steps than their beginnings \
                      have bytes, or two strings in place of one with a long jump; and loop over no matches";

/// Where the samples of the rules in `rules` are: in `samples` inside that folder, or beside it.
pub fn samples_of(rules: &Path) -> PathBuf {
    let inside = rules.join("samples");
    // `..` is left to the file system: the folder may be a link.
    if inside.is_dir() { inside } else { rules.join("../samples") }
}

/// Compiles the rules of a folder, tries each on its samples and measures how long it takes.
///
/// # Errors
///
/// If the rules can't be compiled. What is wrong with rules that can be is in the report.
pub fn check(
    kind: EngineKind,
    rules: &Path,
    samples: &Path,
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<CheckReport, RulesError> {
    let sources = RuleFile::read(rules)?;
    let engine = Engine::compile(kind, &sources)?;
    let mut problems = Vec::new();
    let mut tried = Vec::new();
    let mut reports = Vec::new();
    for rule in engine.rules() {
        let mut counts = [0, 0];
        for (side, count) in [Side::Match, Side::Clean].into_iter().zip(&mut counts) {
            let folder = samples.join(&rule.name).join(side.to_string());
            let found = read(&folder, &mut problems);
            if found.is_empty() {
                problems.push(Problem::NoSamples { rule: rule.name.clone(), folder });
            }
            *count = found.len();
            for sample in found {
                problems.extend(sample.try_on(&engine, &rule.name, side));
                tried.push((rule.name.clone(), side, sample));
            }
        }
        let [matching, clean] = counts;
        reports.push(RuleReport { rule: rule.clone(), matching, clean, worst: Worst::default() });
    }
    let folders = fs::read_dir(samples).into_iter().flatten().flatten().map(|entry| entry.path());
    let of_no_rule = |path: &PathBuf| {
        !reports
            .iter()
            .any(|known| Some(known.rule.name.as_str()) == path.file_name().and_then(|name| name.to_str()))
    };
    problems.extend(folders.filter(of_no_rule).map(Problem::NoRule));
    let together = speed::measure(kind, &sources, &tried, &mut reports, progress)?;
    problems.extend(reports.iter().filter_map(|report| slow(report, &sources)));
    let is_slow = together.1.time_per_mib > speed::MOST_TOGETHER;
    if is_slow && !problems.iter().any(|problem| matches!(problem, Problem::Slow { .. })) {
        problems.push(Problem::SlowTogether { rule: together.0.clone(), worst: together.1.clone() });
    }
    Ok(CheckReport { engine: kind, hash: engine.rules_hash().to_owned(), rules: reports, together, problems })
}

fn slow(RuleReport { rule, worst, .. }: &RuleReport, sources: &[RuleFile]) -> Option<Problem> {
    if worst.time_per_mib <= speed::MOST && !worst.grows {
        return None;
    }
    let place = sources.iter().find_map(|source| {
        let found =
            outline(&source.text).iter().find(|found| found.name == rule.name).map(|found| found.line)?;
        Some((source.path.clone(), found))
    });
    let (path, line) = place.unwrap_or_default();
    Some(Problem::Slow { rule: rule.name.clone(), path, line, worst: worst.clone() })
}

struct Sample {
    path: PathBuf,
    content: Vec<u8>,
}

impl Sample {
    fn try_on(&self, engine: &Engine, rule: &str, side: Side) -> Option<Problem> {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let content_type = match media_types::of_file_name(&stem) {
            Some(known) => known.name,
            // What readers state of a file, instead of the file.
            None if stem.ends_with(".facts") => FACTS,
            None => "application/octet-stream",
        };
        let declared = Declared { content_type, file_name: &stem, size: self.content.len() as u64 };
        let (rule, sample) = (rule.to_owned(), self.path.clone());
        match engine.scan(&self.content, &declared, TIMEOUT) {
            Err(error) => Some(Problem::Unscannable { sample, error }),
            Ok(found) => match (side, found.iter().any(|found| found.rule == rule)) {
                (Side::Match, false) => Some(Problem::Missed { rule, sample }),
                (Side::Clean, true) => Some(Problem::FalseAlarm { rule, sample }),
                (Side::Match, true) | (Side::Clean, false) => None,
            },
        }
    }
}

/// The samples in a folder, sorted by name; none if there is no folder.
fn read(folder: &Path, problems: &mut Vec<Problem>) -> Vec<Sample> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    let mut samples = Vec::new();
    for path in paths {
        match decoded(&path) {
            Ok(content) => samples.push(Sample { path, content }),
            Err(error) => problems.push(Problem::Unreadable { path, error }),
        }
    }
    samples
}

fn decoded(path: &Path) -> io::Result<Vec<u8>> {
    if path.extension().is_none_or(|extension| extension != "b64") {
        return Err(io::Error::other("its name does not end in .b64"));
    }
    let text: String = fs::read_to_string(path)?.split_ascii_whitespace().collect();
    BASE64_STANDARD.decode(text).map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
