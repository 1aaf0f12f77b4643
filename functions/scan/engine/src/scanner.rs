//! Scanning with an engine, one content after another.

use crate::{
    Compiled, EngineError, RuleInfo, libyara,
    matched::Matched,
    parts::{LATER, Parts},
    variables::Variables,
};
use airlock_content::{Declared, verdict::RuleMatch};
use std::time::{Duration, Instant};

/// Scans with an [`crate::Engine`]. Creating one takes YARA-X most of a millisecond, so keep it for the next scan.
/// Each thread needs its own.
pub struct Scanner<'e> {
    parts: Parts<Running<'e>>,
    rules: &'e [RuleInfo],
}

enum Running<'e> {
    /// The first scan creates the scanner.
    Yara(&'e yara::Rules, Option<yara::Scanner<'e>>),
    #[cfg(feature = "yara-x")]
    YaraX(crate::yara_x::Scanner<'e>),
}

impl<'e> Scanner<'e> {
    pub(crate) fn new(parts: Parts<&'e Compiled>, rules: &'e [RuleInfo]) -> Self {
        Self { parts: parts.map(Running::new), rules }
    }

    /// The class of members that a rule recognises, if it only recognises one.
    pub fn member_class(&self, rule: &str) -> Option<&'e str> {
        let found = self.rules.binary_search_by(|known| known.name.as_str().cmp(rule)).ok()?;
        self.rules.get(found)?.member_class.as_deref()
    }

    /// The rules that match `bytes`, sorted by name.
    ///
    /// # Errors
    ///
    /// If the scan is incomplete: then the lack of a match means nothing.
    pub fn scan(
        &mut self,
        bytes: &[u8],
        declared: &Declared<'_>,
        timeout: Duration,
    ) -> Result<Vec<RuleMatch>, EngineError> {
        let start = Instant::now();
        let variables = Variables::from(declared);
        let mut found = self.parts.first.scan(bytes, &variables, timeout)?;
        if let Some(later) = &mut self.parts.later
            && let Some(at) = found.rules.iter().position(|rule| rule == LATER)
        {
            found.rules.swap_remove(at);
            let left = timeout.saturating_sub(start.elapsed());
            let more = later.scan(bytes, &variables, left).map_err(|error| match error {
                EngineError::TimedOut(_) => EngineError::TimedOut(timeout),
                other => other,
            })?;
            found.rules.extend(more.rules);
            found.too_many = found.too_many.or(more.too_many);
        }
        found.matches(self.rules)
    }
}

impl<'e> Running<'e> {
    fn new(compiled: &'e Compiled) -> Self {
        match compiled {
            Compiled::Yara(rules) => Self::Yara(rules, None),
            #[cfg(feature = "yara-x")]
            Compiled::YaraX(rules, clock) => Self::YaraX(crate::yara_x::Scanner::new(rules, *clock)),
        }
    }

    fn scan(
        &mut self,
        bytes: &[u8],
        variables: &Variables,
        timeout: Duration,
    ) -> Result<Matched, EngineError> {
        match self {
            Self::Yara(rules, scanner) => {
                let scanner = match scanner {
                    Some(scanner) => scanner,
                    None => scanner.insert(libyara::scanner(rules)?),
                };
                libyara::scan(scanner, bytes, variables, timeout, yara::ScanFlags::FAST_MODE)
            }
            #[cfg(feature = "yara-x")]
            Self::YaraX(scanner) => scanner.scan(bytes, variables, timeout),
        }
    }
}
