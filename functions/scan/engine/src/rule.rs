//! What a rule says about itself.

use crate::{
    EngineError,
    artefact::Artefact,
    source::{RuleFile, RuleRefusal, RulesError, Severity, refused},
};
use airlock_content::members;

/// A rule, as its metadata describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// Its name.
    pub name: String,
    /// How bad a match is.
    pub severity: Severity,
    /// What it looks for, for people.
    pub description: String,
    /// Where to read more.
    pub reference: String,
    /// The class of members (metadata `member_class`) that it recognises. A match inside an archive is then not
    /// malicious: the policy of members decides whether to allow it.
    pub member_class: Option<String>,
}

/// What compiled rules say about themselves, without an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSet {
    /// The hash that [`crate::Engine::rules_hash`] answers as well.
    pub hash: String,
    /// All rules, sorted by name.
    pub rules: Vec<RuleInfo>,
}

impl RuleSet {
    /// Reads it from what [`crate::Engine::save`] wrote. No engine is loaded.
    ///
    /// # Errors
    ///
    /// If the bytes are damaged, or of another version of an engine or of this program.
    pub fn of(artefact: &[u8]) -> Result<Self, EngineError> {
        let Artefact { hash, rules, .. } = Artefact::from_bytes(artefact)?;
        Ok(Self { hash, rules })
    }

    /// Whether there is a rule of that name.
    pub fn has(&self, name: &str) -> bool {
        self.rules.binary_search_by(|rule| rule.name.as_str().cmp(name)).is_ok()
    }
}

/// A rule's name and the texts among its metadata, as an engine has compiled them.
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) texts: Vec<(String, String)>,
}

impl RuleInfo {
    /// Each rule must have a severity, a description and a reference. Sorted by name.
    pub(crate) fn all(described: Vec<Described>, sources: &[RuleFile]) -> Result<Vec<Self>, RulesError> {
        let info = |Described { name, texts }: Described| -> Result<Self, RulesError> {
            let text = |key: &'static str| {
                let found = texts.iter().find(|(known, text)| known == key && !text.is_empty());
                let missing = || refused(sources, &name, RuleRefusal::Missing { rule: name.clone(), key });
                found.map(|(_, text)| text.clone()).ok_or_else(missing)
            };
            let found = text("severity")?;
            let severity = Severity::from_name(&found).ok_or_else(|| {
                refused(sources, &name, RuleRefusal::Severity { rule: name.clone(), found })
            })?;
            let class = texts.iter().find(|(known, _)| known == "member_class");
            let member_class = class.map(|(_, class)| class.clone());
            if let Some(found) = member_class.clone().filter(|class| !members::is_class(class)) {
                return Err(refused(sources, &name, RuleRefusal::MemberClass { rule: name.clone(), found }));
            }
            let (description, reference) = (text("description")?, text("reference")?);
            Ok(Self { severity, description, reference, member_class, name })
        };
        let mut all = described.into_iter().map(info).collect::<Result<Vec<_>, _>>()?;
        all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }
}
