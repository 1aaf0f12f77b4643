//! The text of rules: reading it from a folder, refusing what is unsafe, and hashing it.

use crate::{EngineKind, outline::outline, parts::LATER};
use airlock_content::members;
use sha2::{Digest, Sha256};
use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

/// A file of rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleFile {
    /// The file's name, without its folder: part of the hash.
    pub name: String,
    /// The rules.
    pub text: String,
    /// Where the file is, for people.
    pub path: PathBuf,
}

impl RuleFile {
    /// Rules that are in no file.
    pub fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), path: name.into() }
    }

    /// The `*.yar` files of a folder, sorted by name; not those of its subfolders.
    ///
    /// # Errors
    ///
    /// If a file can't be read or isn't UTF-8, or if there is none: a folder without rules would
    /// find nothing.
    pub fn read(folder: &Path) -> Result<Vec<Self>, RulesError> {
        let unreadable = |path: &Path, error| RulesError::Unreadable { path: path.to_owned(), error };
        let mut sources = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
            let path = entry.map_err(|error| unreadable(folder, error))?.path();
            if path.extension().is_none_or(|extension| extension != "yar") {
                continue;
            }
            let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            sources.push(Self { name, text, path });
        }
        sources.sort_unstable();
        if sources.is_empty() { Err(RulesError::NoRules(folder.to_owned())) } else { Ok(sources) }
    }

    fn refused(&self, line: usize, why: RuleRefusal) -> RulesError {
        RulesError::Refused { path: self.path.clone(), line, why }
    }
}

/// Rules can't be used. Each error says where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// A file or folder can't be read; text that isn't UTF-8 counts as such.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// A folder holds no rules.
    #[error("{} holds no *.yar file: put rules there, or name another folder", .0.display())]
    NoRules(PathBuf),
    /// A rule is not accepted.
    #[error("{}:{line}: {why}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: RuleRefusal,
    },
    /// The engine failed, which is no rule's fault.
    #[error(transparent)]
    Engine(#[from] crate::EngineError),
}

/// Why a rule is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleRefusal {
    /// The text holds a NUL, which libyara's crate panics at.
    #[error("there is a NUL in the text: remove it")]
    Nul,
    /// Metadata that is not UTF-8, which libyara's crate panics at when the rule matches.
    #[error("metadata of rule `{0}` is not UTF-8: write the characters themselves instead of \\x escapes")]
    NotUtf8(String),
    /// The variable `entrypoint`, which a scanner of libyara keeps from one file to the next.
    #[error("rule `{0}` asks for `entrypoint`: import \"pe\" or \"elf\", and ask for its `entry_point`")]
    EntryPoint(String),
    /// The name of the rule that is generated for the second part.
    #[error("the name `{0}` is taken: rename the rule")]
    Reserved(String),
    /// A global rule that does not match keeps all others from matching.
    #[error(
        "rule `{0}` is global, so where it doesn't match no rule would: remove `global`, and name it in the rules that need it"
    )]
    Global(String),
    /// Two rules of one name.
    #[error("there is a rule `{rule}` in {} already: rename one of them", first.display())]
    Twice {
        /// The rule's name.
        rule: String,
        /// Where the first one is.
        first: PathBuf,
    },
    /// A rule does not say something about itself.
    #[error("rule `{rule}` has no {key}: add `{key} = \"…\"` to its meta")]
    Missing {
        /// The rule's name.
        rule: String,
        /// `severity`, `description` or `reference`.
        key: &'static str,
    },
    /// The class of members does not exist.
    #[error("rule `{rule}` has member_class {found:?}: it must be one of {names}", names = members::NAMES)]
    MemberClass {
        /// The rule.
        rule: String,
        /// What it has.
        found: String,
    },
    /// The severity does not exist.
    #[error("rule `{rule}` has severity {found:?}: it must be low, medium, high or critical")]
    Severity {
        /// The rule's name.
        rule: String,
        /// What it says instead.
        found: String,
    },
    /// The engine does not accept the text.
    #[error("{engine} says: {message}")]
    Syntax {
        /// Which engine.
        engine: EngineKind,
        /// What it says.
        message: String,
    },
}

/// Refuses rules that would crash a scan or keep other rules from matching.
pub(crate) fn check(sources: &[RuleFile]) -> Result<(), RulesError> {
    let mut seen: Vec<(&str, &Path)> = Vec::new();
    for source in sources {
        if let Some(at) = source.text.find('\0') {
            return Err(source.refused(source.text[..at].lines().count().max(1), RuleRefusal::Nul));
        }
        for rule in outline(&source.text) {
            let name = rule.name.to_owned();
            if let Some(line) = rule.not_utf8 {
                return Err(source.refused(line, RuleRefusal::NotUtf8(name)));
            }
            if let Some(line) = rule.entry_point {
                return Err(source.refused(line, RuleRefusal::EntryPoint(name)));
            }
            if rule.name == LATER {
                return Err(source.refused(rule.line, RuleRefusal::Reserved(name)));
            }
            if rule.is_global {
                return Err(source.refused(rule.line, RuleRefusal::Global(name)));
            }
            if let Some((_, first)) = seen.iter().find(|(known, _)| *known == rule.name) {
                let first = (*first).to_owned();
                return Err(source.refused(rule.line, RuleRefusal::Twice { rule: name, first }));
            }
            seen.push((rule.name, &source.path));
        }
    }
    Ok(())
}

/// An error about a rule, with its file and line.
pub(crate) fn refused(sources: &[RuleFile], rule: &str, why: RuleRefusal) -> RulesError {
    for source in sources {
        if let Some(found) = outline(&source.text).iter().find(|found| found.name == rule) {
            return source.refused(found.line, why);
        }
    }
    RulesError::Refused { path: PathBuf::new(), line: 0, why }
}

/// An error that the engine found in one source.
pub(crate) fn syntax(source: &RuleFile, line: usize, engine: EngineKind, message: String) -> RulesError {
    source.refused(line, RuleRefusal::Syntax { engine, message })
}

/// SHA-256, in lower-case hex, of the engine and the sources, which are sorted.
pub(crate) fn hash(kind: EngineKind, sources: &[RuleFile]) -> String {
    let mut hash = Sha256::new();
    let texts = sources.iter().flat_map(|source| [source.name.as_str(), source.text.as_str()]);
    // With its length before each part, different parts never give the same input.
    for part in [kind.name(), kind.version()].into_iter().chain(texts) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// How bad it is if a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Unwanted.
    Medium,
    /// Harmful.
    High,
    /// An attack.
    Critical,
}

impl Severity {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// `low`, `medium`, `high` or `critical`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == name)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
