//! What scans with an engine, one content after another.

use crate::{Compiled, EngineError, RuleInfo, libyara, variables::Variables};
use airlock_content::{Declared, verdict::RuleMatch};
use std::time::Duration;

/// Scans with an [`crate::Engine`]. Making one takes YARA-X most of a millisecond, so what scans more than once
/// keeps it; a thread needs one of its own.
pub struct Scanner<'e> {
    running: Running<'e>,
    rules: &'e [RuleInfo],
}

enum Running<'e> {
    Yara(&'e yara::Rules),
    #[cfg(feature = "yara-x")]
    YaraX(crate::yara_x::Scanner<'e>),
}

impl<'e> Scanner<'e> {
    pub(crate) fn new(compiled: &'e Compiled, rules: &'e [RuleInfo]) -> Self {
        let running = match compiled {
            Compiled::Yara(rules) => Running::Yara(rules),
            #[cfg(feature = "yara-x")]
            Compiled::YaraX(rules, clock) => Running::YaraX(crate::yara_x::Scanner::new(rules, *clock)),
        };
        Self { running, rules }
    }

    /// The rules that match `bytes`, sorted by name.
    ///
    /// # Errors
    ///
    /// If the scan is not complete; then no match means nothing.
    pub fn scan(
        &mut self,
        bytes: &[u8],
        declared: &Declared<'_>,
        timeout: Duration,
    ) -> Result<Vec<RuleMatch>, EngineError> {
        let variables = Variables::from(declared);
        let found = match &mut self.running {
            Running::Yara(rules) => {
                libyara::scan(rules, bytes, &variables, timeout, yara::ScanFlags::FAST_MODE)?
            }
            #[cfg(feature = "yara-x")]
            Running::YaraX(scanner) => scanner.scan(bytes, &variables, timeout)?,
        };
        found.matches(self.rules)
    }
}

/// What an engine found.
#[derive(Default)]
pub(crate) struct Found {
    /// The names of the rules that match.
    pub(crate) rules: Vec<String>,
    /// A string that the engine gave up on.
    pub(crate) too_many: Option<String>,
}

impl Found {
    /// What the rules found say about themselves.
    pub(crate) fn matches(self, known: &[RuleInfo]) -> Result<Vec<RuleMatch>, EngineError> {
        let Self { mut rules, too_many } = self;
        if let (true, Some(string)) = (rules.is_empty(), too_many) {
            return Err(EngineError::TooManyMatches(string));
        }
        rules.sort_unstable();
        let about = |name: String| {
            let found = known.binary_search_by(|rule| rule.name.as_str().cmp(&name));
            let rule = found.ok().and_then(|index| known.get(index)).ok_or_else(|| {
                EngineError::Artefact(format!("rule {name} matches, but nothing is known about it"))
            })?;
            let (severity, description) = (rule.severity.name().to_owned(), rule.description.clone());
            Ok(RuleMatch { rule: name, severity, description, member: None })
        };
        rules.into_iter().map(about).collect()
    }
}
