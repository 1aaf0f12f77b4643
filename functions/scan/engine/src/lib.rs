//! The rule engine: YARA rules, compiled once when a function starts, run over one object at a time.
//!
//! This is the only module that knows which engine it is: the `yara` crate over libyara 4.5.5,
//! bundled. **x86_64 only**: the crate ships its bindings for that architecture alone
//! (`jmp_buf` differs elsewhere), so whatever links this crate is built for x86_64.
//!
//! What the crate needs its callers to know, and what is done about it here:
//! - rule metadata that isn't UTF-8 compiles and then panics inside a C callback, which aborts the
//!   process, when the rule matches; a NUL in rule text panics: such rules are refused;
//! - a callback that stops a scan makes it look complete: only callbacks that go on are used;
//! - a scanner may be shared between threads although it must not be, and what `scan_fd` answers
//!   claims to live for ever: each scan has a scanner of its own, and results are copied out at once.

use airlock_content::{Declared, media_types, verdict::RuleMatch};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};
use yara::{Compiler, Metadata, MetadataValue, Rule, Rules, ScanFlags, Scanner, YaraErrorKind};

/// The rules that ship with the function: file name and text, sorted by name.
#[rustfmt::skip]
const SOURCES: &[(&str, &str)] = &[
    ("documents.yar", include_str!("../../inspect/rules/documents.yar")),
    ("executables.yar", include_str!("../../inspect/rules/executables.yar")),
    ("images.yar", include_str!("../../inspect/rules/images.yar")),
    ("pdf.yar", include_str!("../../inspect/rules/pdf.yar")),
    ("scripts.yar", include_str!("../../inspect/rules/scripts.yar")),
    ("test_files.yar", include_str!("../../inspect/rules/test_files.yar")),
    ("web_shells.yar", include_str!("../../inspect/rules/web_shells.yar")),
    ("xml_and_csv.yar", include_str!("../../inspect/rules/xml_and_csv.yar")),
];

const SEVERITIES: [&str; 4] = ["low", "medium", "high", "critical"];

/// Compiled rules. Can be shared between threads.
pub struct Engine {
    rules: Rules,
    hash: String,
}

/// Rules could not be loaded, or a scan did not finish.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// libyara refused the rules, or failed.
    #[error("the rule engine failed: {0}")]
    Yara(#[from] yara::Error),
    /// The rules compile, but would bring the process down or say nothing about themselves.
    #[error("the rules are refused: {0}")]
    Refused(String),
    /// The scan took longer than it may.
    #[error("the rules did not finish within {0} s")]
    TimedOut(i32),
}

impl From<yara::YaraError> for EngineError {
    fn from(error: yara::YaraError) -> Self {
        Self::Yara(error.into())
    }
}

impl Engine {
    /// Compiles the rules that ship with the function.
    ///
    /// # Errors
    ///
    /// As [`Engine::compile`]; a test keeps that from happening.
    pub fn load() -> Result<Self, EngineError> {
        Self::compile(SOURCES)
    }

    /// Compiles rules given as pairs of a source's name and its text.
    ///
    /// # Errors
    ///
    /// If the text is no rule, holds a byte that would bring the process down, includes another
    /// file, or has a rule without a severity, a description and a reference.
    pub fn compile(sources: &[(&str, &str)]) -> Result<Self, EngineError> {
        let mut sources = sources.to_vec();
        sources.sort_unstable();
        let mut hash = Sha256::new();
        let mut compiler = Compiler::new()?;
        compiler.disable_include_directive();
        let example = Declared { content_type: "", file_name: "", size: 0 };
        for (name, value) in texts(&example) {
            compiler.define_variable(name, value.as_str())?;
        }
        compiler.define_variable("size", 0_i64)?;
        for (name, text) in sources {
            if text.contains('\0') {
                return Err(EngineError::Refused(format!("{name} holds a NUL")));
            }
            compiler = compiler.add_rules_str(text)?;
            // Lengths keep two splits of the same text apart.
            for part in [name, text] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        let rules = compiler.compile_rules()?;
        check_metadata(&rules)?;
        Ok(Self { rules, hash: hex::encode(hash.finalize()) })
    }

    /// SHA-256, in lower-case hex, of the rules' sources: two engines with the same hash give the
    /// same verdicts.
    pub fn rules_hash(&self) -> &str {
        &self.hash
    }

    /// The names of all rules, sorted.
    pub fn rule_names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            self.rules.get_rules().iter().map(|rule| rule.identifier.to_owned()).collect();
        names.sort_unstable();
        names
    }

    /// The rules that match `bytes`.
    ///
    /// # Errors
    ///
    /// If the scan is not complete; then no match means nothing.
    pub fn scan(
        &self,
        bytes: &[u8],
        declared: &Declared<'_>,
        timeout: Duration,
    ) -> Result<Vec<RuleMatch>, EngineError> {
        let (mut scanner, seconds) = self.scanner(declared, timeout, ScanFlags::FAST_MODE)?;
        copied(scanner.scan_mem(bytes).map_err(yara::Error::from), seconds)
    }

    /// The rules that match a file, which is mapped rather than read: it must not shrink meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Engine::scan`].
    pub fn scan_file(
        &self,
        file: &File,
        declared: &Declared<'_>,
        timeout: Duration,
    ) -> Result<Vec<RuleMatch>, EngineError> {
        let (scanner, seconds) = self.scanner(declared, timeout, ScanFlags::FAST_MODE)?;
        copied(scanner.scan_fd(file), seconds)
    }

    /// A scanner for one scan, and how many seconds it may take: libyara counts whole ones, and
    /// takes 0 for "no limit".
    ///
    /// Fast mode keeps one match of a string where the condition asks for no more, so it changes no
    /// verdict (a test compares) but keeps hostile content from filling the memory with matches.
    fn scanner(
        &self,
        declared: &Declared<'_>,
        timeout: Duration,
        flags: ScanFlags,
    ) -> Result<(Scanner<'_>, i32), EngineError> {
        let seconds = i32::try_from(timeout.as_millis().div_ceil(1000)).unwrap_or(i32::MAX).max(1);
        let mut scanner = self.rules.scanner()?;
        scanner.set_flags(flags);
        scanner.set_timeout(seconds);
        for (name, value) in texts(declared) {
            scanner.define_variable(name, value.as_str())?;
        }
        scanner.define_variable("size", i64::try_from(declared.size).unwrap_or(i64::MAX))?;
        Ok((scanner, seconds))
    }
}

/// The variables that rules can ask for, besides the number `size`: `filename`, `extension` (lower
/// case, without dot) and `declared_type` (canonical name).
fn texts(declared: &Declared<'_>) -> [(&'static str, String); 3] {
    // A NUL would panic in the crate.
    let clean = |text: &str| text.replace('\0', "\u{fffd}");
    let declared_type =
        media_types::lookup(declared.content_type).map_or(declared.content_type, |known| known.name);
    [
        ("filename", clean(declared.file_name)),
        ("extension", clean(&media_types::extension(declared.file_name).unwrap_or_default())),
        ("declared_type", clean(declared_type)),
    ]
}

/// Every rule says what it is, in UTF-8.
fn check_metadata(rules: &Rules) -> Result<(), EngineError> {
    // The crate panics when it reads other metadata: better here than inside a scan.
    let described = catch_unwind(AssertUnwindSafe(|| rules.get_rules()))
        .map_err(|_| EngineError::Refused("some rule's metadata is not UTF-8".into()))?;
    for rule in described {
        for wanted in ["severity", "description", "reference"] {
            if text_of(&rule.metadatas, wanted).is_empty() {
                return Err(EngineError::Refused(format!("rule {} has no {wanted}", rule.identifier)));
            }
        }
        let severity = text_of(&rule.metadatas, "severity");
        if !SEVERITIES.contains(&severity) {
            return Err(EngineError::Refused(format!("rule {} has severity {severity:?}", rule.identifier)));
        }
    }
    Ok(())
}

/// The metadata text of that name, or nothing.
fn text_of<'r>(metadata: &[Metadata<'r>], wanted: &str) -> &'r str {
    metadata.iter().find(|meta| meta.identifier == wanted).map_or("", |meta| match meta.value {
        MetadataValue::String(text) => text,
        MetadataValue::Integer(_) | MetadataValue::Boolean(_) => "",
    })
}

fn copied(scanned: Result<Vec<Rule<'_>>, yara::Error>, seconds: i32) -> Result<Vec<RuleMatch>, EngineError> {
    let rules = scanned.map_err(|error| match error {
        yara::Error::Yara(error) if error.kind == YaraErrorKind::ScanTimeout => {
            EngineError::TimedOut(seconds)
        }
        other => other.into(),
    })?;
    Ok(rules
        .iter()
        .map(|rule| RuleMatch {
            rule: rule.identifier.to_owned(),
            severity: text_of(&rule.metadatas, "severity").to_owned(),
            description: text_of(&rule.metadatas, "description").to_owned(),
            member: None,
        })
        .collect())
}

#[cfg(test)]
mod tests;
