//! The `yara` crate over libyara 4.5.5, bundled. **x86_64 only**: the crate ships its bindings for
//! that architecture alone (`jmp_buf` differs elsewhere), so whatever links this is built for it.
//!
//! What the crate needs its callers to know, and what is done about it:
//! - rule metadata that isn't UTF-8 compiles and then panics inside a C callback, which aborts the
//!   process, when the rule matches; a NUL in rule text panics: such rules are refused before;
//! - a scanner keeps the entry point of the first program that it has scanned: so are rules that ask for it;
//! - a callback that stops a scan makes it look complete: only callbacks that go on are used;
//! - a string that is found a million times is not looked for any further, and the scan goes on as
//!   if nothing were amiss: that is an error here;
//! - a scanner may be shared between threads although it must not be, and what a scan answers claims
//!   to live for ever: a scan has its scanner to itself, and names are copied out at once;
//! - compiled rules are read in pieces as large as asked for, or not at all: they come from a slice.

use crate::{
    EngineError, EngineKind, RulesError,
    matched::Matched,
    rule::Described,
    source::{self, RuleFile},
    variables::{EXAMPLE, Variables},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};
use yara::{
    CallbackMsg, CallbackReturn, CompileErrorLevel, Compiler, MetadataValue, Rules, ScanFlags, Scanner,
    YaraErrorKind,
};

fn failed(error: impl Into<yara::Error>) -> EngineError {
    EngineError::Failed(EngineKind::Yara, error.into().to_string())
}

/// Compiles rules that [`source::check`] has accepted.
pub(crate) fn compile(sources: &[RuleFile]) -> Result<Rules, RulesError> {
    let mut compiler = Compiler::new().map_err(failed)?;
    compiler.disable_include_directive();
    let variables = Variables::from(&EXAMPLE);
    for (name, value) in variables.texts() {
        compiler.define_variable(name, value).map_err(failed)?;
    }
    compiler.define_variable("size", variables.size).map_err(failed)?;
    for source in sources {
        compiler = compiler.add_rules_str(&source.text).map_err(|error| {
            let first = match &error {
                yara::Error::Compile(errors) => {
                    errors.iter().find(|error| error.level == CompileErrorLevel::Error)
                }
                _ => None,
            };
            match first {
                Some(first) => source::syntax(source, first.line, EngineKind::Yara, first.message.clone()),
                None => failed(error).into(),
            }
        })?;
    }
    Ok(compiler.compile_rules().map_err(failed)?)
}

/// What the rules say about themselves.
pub(crate) fn describe(rules: &Rules) -> Result<Vec<Described>, EngineError> {
    // The crate panics at metadata that isn't UTF-8: better here than inside a scan.
    let described = catch_unwind(AssertUnwindSafe(|| rules.get_rules()))
        .map_err(|_| EngineError::Failed(EngineKind::Yara, "some metadata is not UTF-8".into()))?;
    Ok(described
        .into_iter()
        .map(|rule| Described {
            name: rule.identifier.to_owned(),
            texts: rule
                .metadatas
                .iter()
                .filter_map(|meta| match meta.value {
                    MetadataValue::String(text) => Some((meta.identifier.to_owned(), text.to_owned())),
                    MetadataValue::Integer(_) | MetadataValue::Boolean(_) => None,
                })
                .collect(),
        })
        .collect())
}

/// Compiled rules as bytes.
pub(crate) fn save(mut rules: Rules) -> Result<Vec<u8>, EngineError> {
    let mut bytes = Vec::new();
    rules.save_to_stream(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Rules from what [`save`] gave.
pub(crate) fn load(bytes: &[u8]) -> Result<Rules, EngineError> {
    Rules::load_from_stream(bytes).map_err(failed)
}

/// What scans with `rules`.
pub(crate) fn scanner(rules: &Rules) -> Result<Scanner<'_>, EngineError> {
    rules.scanner().map_err(failed)
}

/// Fast mode keeps one match of a string where the condition asks for no more, so it changes no
/// verdict (a test compares) but keeps hostile content from filling the memory with matches.
pub(crate) fn scan(
    scanner: &mut Scanner<'_>,
    bytes: &[u8],
    variables: &Variables,
    timeout: Duration,
    flags: ScanFlags,
) -> Result<Matched, EngineError> {
    // libyara counts whole seconds, and takes 0 for "no limit".
    let seconds = i32::try_from(timeout.as_millis().div_ceil(1000)).unwrap_or(i32::MAX).max(1);
    // Otherwise the crate copies everything about every rule that does not match, too.
    scanner.set_flags(flags | ScanFlags::REPORT_RULES_MATCHING);
    scanner.set_timeout(seconds);
    for (name, value) in variables.texts() {
        scanner.define_variable(name, value).map_err(failed)?;
    }
    scanner.define_variable("size", variables.size).map_err(failed)?;
    let mut found = Matched::default();
    let callback = |message: CallbackMsg<'_>| {
        match message {
            CallbackMsg::RuleMatching(rule) => found.rules.push(rule.identifier.to_owned()),
            CallbackMsg::TooManyMatches(string) => found.too_many = Some(string.identifier.to_owned()),
            _ => {}
        }
        CallbackReturn::Continue
    };
    match scanner.scan_mem_callback(bytes, callback) {
        Ok(()) => Ok(found),
        Err(error) if error.kind == YaraErrorKind::ScanTimeout => {
            Err(EngineError::TimedOut(Duration::from_secs(seconds.unsigned_abs().into())))
        }
        Err(error) => Err(failed(error)),
    }
}
