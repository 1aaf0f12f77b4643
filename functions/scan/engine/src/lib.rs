//! The rule engine: YARA rules, compiled when the program is built, run over one object at a time.
//!
//! [`Engine`] is one type over two engines, which check each other (`differential/run`): libyara,
//! and YARA-X in builds with the feature `yara-x`. Only this crate knows either.

mod artefact;
mod check;
mod kind;
mod libyara;
mod outline;
mod rule;
mod scanner;
mod source;
mod variables;
#[cfg(feature = "yara-x")]
mod yara_x;

use airlock_content::{Declared, verdict::RuleMatch};
use artefact::Artefact;
use std::time::Duration;

pub use check::{Problem, Report, RuleReport, Side, check, samples_of};
pub use kind::{EngineKind, UnknownEngine};
pub use rule::{RuleInfo, RuleSet};
pub use scanner::Scanner;
pub use source::{Refusal, RulesError, Severity, Source};

/// Compiled rules. Can be shared between threads.
pub struct Engine {
    compiled: Compiled,
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
    /// If a text is no rule, holds what would bring the process down, includes another file, or has
    /// a rule without a severity, a description and a reference, or a global one; if the engine is
    /// not in this build.
    pub fn compile(kind: EngineKind, sources: &[Source]) -> Result<Self, RulesError> {
        let mut sources = sources.to_vec();
        sources.sort_unstable();
        source::check(&sources)?;
        let (compiled, described) = match kind {
            EngineKind::Yara => {
                let rules = libyara::compile(&sources)?;
                let described = libyara::describe(&rules)?;
                (Compiled::Yara(rules), described)
            }
            #[cfg(feature = "yara-x")]
            EngineKind::YaraX => {
                let rules = yara_x::compile(&sources)?;
                let described = yara_x::describe(&rules);
                (Compiled::YaraX(Box::new(rules), yara_x::Clock::Own), described)
            }
            #[cfg(not(feature = "yara-x"))]
            EngineKind::YaraX => return Err(EngineError::NotBuilt(kind).into()),
        };
        let rules = RuleInfo::all(described, &sources)?;
        Ok(Self { compiled, rules, hash: source::hash(kind, &sources) })
    }

    /// The engine as bytes for [`Engine::load`].
    ///
    /// # Errors
    ///
    /// If the engine can't save its rules.
    pub fn save(self) -> Result<Vec<u8>, EngineError> {
        let (kind, compiled) = match self.compiled {
            Compiled::Yara(rules) => (EngineKind::Yara, libyara::save(rules)?),
            #[cfg(feature = "yara-x")]
            Compiled::YaraX(rules, _) => (EngineKind::YaraX, yara_x::save(&rules)?),
        };
        Ok(Artefact { kind, hash: self.hash, rules: self.rules, compiled: &compiled }.to_bytes())
    }

    /// An engine from what [`Engine::save`] gave. `bytes` must come from there: no engine can tell
    /// whether what it loads was made to harm it.
    ///
    /// # Errors
    ///
    /// If the bytes are damaged, or of another version of an engine or of this program.
    pub fn load(bytes: &[u8]) -> Result<Self, EngineError> {
        let Artefact { kind, hash, rules, compiled } = Artefact::from_bytes(bytes)?;
        let compiled = match kind {
            EngineKind::Yara => Compiled::Yara(libyara::load(compiled)?),
            #[cfg(feature = "yara-x")]
            EngineKind::YaraX => Compiled::YaraX(Box::new(yara_x::load(compiled)?), yara_x::Clock::Own),
            #[cfg(not(feature = "yara-x"))]
            EngineKind::YaraX => return Err(EngineError::NotBuilt(kind)),
        };
        Ok(Self { compiled, rules, hash })
    }

    /// The engine for a process that may not start threads. YARA-X counts time in one: its scans then
    /// go on until they are complete or somebody ends the process.
    #[must_use]
    pub fn without_threads(mut self) -> Self {
        match &mut self.compiled {
            Compiled::Yara(_) => {}
            #[cfg(feature = "yara-x")]
            Compiled::YaraX(_, clock) => *clock = yara_x::Clock::None,
        }
        self
    }

    /// Which engine it is.
    pub fn kind(&self) -> EngineKind {
        match self.compiled {
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

    /// What scans more than one content.
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner::new(&self.compiled, &self.rules)
    }

    /// [`Scanner::scan`], once.
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

#[cfg(test)]
mod tests;
