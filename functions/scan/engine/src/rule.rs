//! What a rule says about itself.

use crate::source::{Refusal, RulesError, Severity, Source, refused};

/// A rule, as its metadata describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// Its name.
    pub name: String,
    /// How bad a match is.
    pub severity: Severity,
    /// What it looks for, for people.
    pub description: String,
    /// Where to read on.
    pub reference: String,
}

/// A rule's name and the texts among its metadata, as an engine has compiled them.
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) texts: Vec<(String, String)>,
}

impl RuleInfo {
    /// Each rule must have a severity, a description and a reference. Sorted by name.
    pub(crate) fn all(described: Vec<Described>, sources: &[Source]) -> Result<Vec<Self>, RulesError> {
        let info = |Described { name, texts }: Described| -> Result<Self, RulesError> {
            let text = |key: &'static str| {
                let found = texts.iter().find(|(known, text)| known == key && !text.is_empty());
                let missing = || refused(sources, &name, Refusal::Missing { rule: name.clone(), key });
                found.map(|(_, text)| text.clone()).ok_or_else(missing)
            };
            let found = text("severity")?;
            let severity = Severity::from_name(&found)
                .ok_or_else(|| refused(sources, &name, Refusal::Severity { rule: name.clone(), found }))?;
            Ok(Self { severity, description: text("description")?, reference: text("reference")?, name })
        };
        let mut all = described.into_iter().map(info).collect::<Result<Vec<_>, _>>()?;
        all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }
}
