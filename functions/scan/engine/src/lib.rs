//! The rule engine: YARA rules, compiled when the program is built, run over one object at a time.
//!
//! [`Engine`] is one type over two engines, which check each other (`differential/run`): libyara,
//! and YARA-X in builds with the feature `yara-x`. Only this crate knows either.

mod artefact;
mod check;
mod kind;
mod libyara;
mod matched;
mod outline;
mod parts;
mod rule;
mod scanner;
mod source;
mod variables;
#[cfg(feature = "yara-x")]
mod yara_x;

use airlock_content::{Declared, verdict::RuleMatch};
use artefact::Artefact;
use parts::Parts;
use rule::Described;
use std::time::Duration;

pub use check::{
    CheckReport, Input, MOST, MOST_TOGETHER, Problem, Progress, RuleReport, Side, Worst, check, samples_of,
};
pub use kind::{EngineKind, UnknownEngine};
pub use rule::{RuleInfo, RuleSet};
pub use scanner::Scanner;
pub use source::{RuleFile, RuleRefusal, RulesError, Severity};

/// Compiled rules. Can be shared between threads.
pub struct Engine {
    parts: Parts<Compiled>,
    rules: Vec<RuleInfo>,
    hash: String,
}

enum Compiled {
    Yara(yara::Rules),
    #[cfg(feature = "yara-x")]
    YaraX(Box<::yara_x::Rules>, yara_x::Clock),
}

/// Compiled rules could not be loaded, or a scan did not finish.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine failed.
    #[error("the rule engine {0} failed: {1}")]
    Failed(EngineKind, String),
    /// The engine is not in this build.
    #[error("the rule engine {0} is not in this build: build with the feature `{0}`, or choose `yara`")]
    NotBuilt(EngineKind),
    /// The compiled rules are not for this program.
    #[error("the compiled rules cannot be used: {0}")]
    Artefact(String),
    /// A string occurs so often that the engine stopped looking for it.
    #[error("the string {0} of a rule occurs too often to be counted")]
    TooManyMatches(String),
    /// The scan took longer than it may.
    #[error("the rules did not finish within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
}

impl Engine {
    /// Compiles rules.
    ///
    /// # Errors
    ///
    /// If a text is not valid YARA, would crash a scan, includes another file, has a global rule, or has a rule
    /// without severity, description or reference; if the engine is not in this build.
    pub fn compile(kind: EngineKind, sources: &[RuleFile]) -> Result<Self, RulesError> {
        Self::compile_parts(kind, sources, parts::split)
    }

    /// Compiles rules in one part, so that every scan searches for all their strings.
    pub(crate) fn compile_whole(kind: EngineKind, sources: &[RuleFile]) -> Result<Self, RulesError> {
        Self::compile_parts(kind, sources, |sources| Parts { first: sources.to_vec(), later: None })
    }

    fn compile_parts(
        kind: EngineKind,
        sources: &[RuleFile],
        split: impl Fn(&[RuleFile]) -> Parts<Vec<RuleFile>>,
    ) -> Result<Self, RulesError> {
        let mut sources = sources.to_vec();
        sources.sort_unstable();
        source::check(&sources)?;
        let mut described = Vec::new();
        let parts = split(&sources).try_map(|sources| -> Result<_, RulesError> {
            let compiled = Compiled::new(kind, &sources)?;
            described.append(&mut compiled.describe()?);
            Ok(compiled)
        })?;
        described.retain(|rule| rule.name != parts::LATER);
        let rules = RuleInfo::all(described, &sources)?;
        Ok(Self { parts, rules, hash: source::hash(kind, &sources) })
    }

    /// The engine as bytes for [`Engine::load`].
    ///
    /// # Errors
    ///
    /// If the engine can't save its rules.
    pub fn save(self) -> Result<Vec<u8>, EngineError> {
        let kind = self.kind();
        let parts = self.parts.try_map(Compiled::save)?;
        let parts = parts.as_ref().map(Vec::as_slice);
        Ok(Artefact { kind, hash: self.hash, rules: self.rules, parts }.to_bytes())
    }

    /// Loads what [`Engine::save`] wrote. `bytes` must be trusted: no engine detects compiled rules that were made
    /// to harm it.
    ///
    /// # Errors
    ///
    /// If the bytes are damaged, or of another version of an engine or of this program.
    pub fn load(bytes: &[u8]) -> Result<Self, EngineError> {
        let Artefact { kind, hash, rules, parts } = Artefact::from_bytes(bytes)?;
        Ok(Self { parts: parts.try_map(|bytes| Compiled::load(kind, bytes))?, rules, hash })
    }

    /// The engine for a process that may not start threads. YARA-X counts time in one: its scans then
    /// have no time-out of their own.
    #[must_use]
    pub fn without_threads(self) -> Self {
        Self { parts: self.parts.map(Compiled::without_threads), ..self }
    }

    /// Which engine it is.
    pub fn kind(&self) -> EngineKind {
        match self.parts.first {
            Compiled::Yara(_) => EngineKind::Yara,
            #[cfg(feature = "yara-x")]
            Compiled::YaraX(..) => EngineKind::YaraX,
        }
    }

    /// SHA-256, in lower-case hex, of the engine's name and version and of the rules' sources: two
    /// engines with the same hash give the same verdicts.
    pub fn rules_hash(&self) -> &str {
        &self.hash
    }

    /// All rules, sorted by name.
    pub fn rules(&self) -> &[RuleInfo] {
        &self.rules
    }

    /// A scanner, for more than one scan.
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner::new(self.parts.as_ref(), &self.rules)
    }

    /// Scans once. See [`Scanner::scan`].
    ///
    /// # Errors
    ///
    /// As [`Scanner::scan`].
    pub fn scan(
        &self,
        bytes: &[u8],
        declared: &Declared<'_>,
        timeout: Duration,
    ) -> Result<Vec<RuleMatch>, EngineError> {
        self.scanner().scan(bytes, declared, timeout)
    }
}

impl Compiled {
    fn new(kind: EngineKind, sources: &[RuleFile]) -> Result<Self, RulesError> {
        match kind {
            EngineKind::Yara => Ok(Self::Yara(libyara::compile(sources)?)),
            #[cfg(feature = "yara-x")]
            EngineKind::YaraX => Ok(Self::YaraX(Box::new(yara_x::compile(sources)?), yara_x::Clock::Own)),
            #[cfg(not(feature = "yara-x"))]
            EngineKind::YaraX => Err(EngineError::NotBuilt(kind).into()),
        }
    }

    fn describe(&self) -> Result<Vec<Described>, EngineError> {
        match self {
            Self::Yara(rules) => libyara::describe(rules),
            #[cfg(feature = "yara-x")]
            Self::YaraX(rules, _) => Ok(yara_x::describe(rules)),
        }
    }

    fn save(self) -> Result<Vec<u8>, EngineError> {
        match self {
            Self::Yara(rules) => libyara::save(rules),
            #[cfg(feature = "yara-x")]
            Self::YaraX(rules, _) => yara_x::save(&rules),
        }
    }

    fn load(kind: EngineKind, bytes: &[u8]) -> Result<Self, EngineError> {
        match kind {
            EngineKind::Yara => Ok(Self::Yara(libyara::load(bytes)?)),
            #[cfg(feature = "yara-x")]
            EngineKind::YaraX => Ok(Self::YaraX(Box::new(yara_x::load(bytes)?), yara_x::Clock::Own)),
            #[cfg(not(feature = "yara-x"))]
            EngineKind::YaraX => Err(EngineError::NotBuilt(kind)),
        }
    }

    fn without_threads(self) -> Self {
        match self {
            Self::Yara(_) => self,
            #[cfg(feature = "yara-x")]
            Self::YaraX(rules, _) => Self::YaraX(rules, yara_x::Clock::None),
        }
    }
}

#[cfg(test)]
mod tests;
