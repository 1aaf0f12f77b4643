//! YARA-X, written in Rust. It compiles a rule set's conditions to machine code.
//!
//! What it needs its callers to know:
//! - its time-outs are counted in whole seconds by a thread that the first scan with one starts:
//!   without threads there are none, and after a fork there is no such thread ([`Clock`]);
//! - a pattern that is found a million times is not looked for any further, and the scan goes on as
//!   if nothing were amiss: that is an error here.

use crate::{
    EngineError, EngineKind, RulesError,
    matched::Matched,
    rule::Described,
    source::RuleFile,
    variables::{EXAMPLE, Variables},
};
use std::time::Duration;
use yara_x::{Compiler, MetaValue, Rules, SourceCode, errors::ScanError};

/// So many matches of one pattern are kept, as libyara does.
const MOST_MATCHES: usize = 1_000_000;

/// What ends a scan that takes too long.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    /// YARA-X, with its thread.
    Own,
    /// Nobody in this process.
    None,
}

fn failed(error: impl ToString) -> EngineError {
    EngineError::Failed(EngineKind::YaraX, error.to_string())
}

/// Compiles rules that [`crate::source::check`] has accepted.
pub(crate) fn compile(sources: &[RuleFile]) -> Result<Rules, RulesError> {
    let mut compiler = Compiler::new();
    // What libyara takes for a regular expression is one.
    compiler.relaxed_re_syntax(true).enable_includes(false);
    let variables = Variables::from(&EXAMPLE);
    for (name, value) in variables.texts() {
        compiler.define_global(name, value).map_err(failed)?;
    }
    compiler.define_global("size", variables.size).map_err(failed)?;
    for source in sources {
        let text = SourceCode::from(source.text.as_str());
        compiler.add_source(text).map_err(|error| {
            let message = error.to_string();
            // Of the report only the line can be had as a number: ` --> line:4:17`.
            let line = message.split_once("--> ").and_then(|(_, place)| {
                place.split(|c: char| !c.is_ascii_digit()).find_map(|number| number.parse().ok())
            });
            crate::source::syntax(source, line.unwrap_or(1), EngineKind::YaraX, message)
        })?;
    }
    Ok(compiler.build())
}

/// What the rules say about themselves.
pub(crate) fn describe(rules: &Rules) -> Vec<Described> {
    let texts = |rule: yara_x::Rule<'_, '_>| {
        rule.metadata()
            .filter_map(|(key, value)| match value {
                MetaValue::String(text) => Some((key.to_owned(), text.to_owned())),
                _ => None,
            })
            .collect()
    };
    rules.iter().map(|rule| Described { name: rule.identifier().to_owned(), texts: texts(rule) }).collect()
}

/// Compiled rules as bytes.
pub(crate) fn save(rules: &Rules) -> Result<Vec<u8>, EngineError> {
    rules.serialize().map_err(failed)
}

/// Rules from what [`save`] gave.
pub(crate) fn load(bytes: &[u8]) -> Result<Rules, EngineError> {
    Rules::deserialize(bytes).map_err(failed)
}

/// What scans with rules.
pub(crate) struct Scanner<'r> {
    scanner: yara_x::Scanner<'r>,
    clock: Clock,
}

impl<'r> Scanner<'r> {
    pub(crate) fn new(rules: &'r Rules, clock: Clock) -> Self {
        let mut scanner = yara_x::Scanner::new(rules);
        scanner.fast_scan(true).max_matches_per_pattern(MOST_MATCHES);
        Self { scanner, clock }
    }

    pub(crate) fn scan(
        &mut self,
        bytes: &[u8],
        variables: &Variables,
        timeout: Duration,
    ) -> Result<Matched, EngineError> {
        if let Clock::Own = self.clock {
            self.scanner.set_timeout(timeout);
        }
        for (name, value) in variables.texts() {
            self.scanner.set_global(name, value).map_err(failed)?;
        }
        self.scanner.set_global("size", variables.size).map_err(failed)?;
        let results = self.scanner.scan(bytes).map_err(|error| match error {
            ScanError::Timeout => EngineError::TimedOut(timeout),
            other => failed(other),
        })?;
        let rules = results.matching_rules().map(|rule| rule.identifier().to_owned()).collect();
        // A pattern matches once at each place at most.
        let mut suspects = results
            .non_matching_rules()
            .include_private(true)
            .flat_map(|rule| rule.patterns().include_private(true))
            .take(if bytes.len() < MOST_MATCHES { 0 } else { usize::MAX });
        let too_many = suspects
            .find(|pattern| pattern.matches().len() >= MOST_MATCHES)
            .map(|pattern| pattern.identifier().to_owned());
        Ok(Matched { rules, too_many })
    }
}
