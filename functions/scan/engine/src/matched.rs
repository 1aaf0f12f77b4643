//! What an engine found, before anything is known of the rules.

use crate::{EngineError, RuleInfo};
use airlock_content::verdict::RuleMatch;

/// What an engine found.
#[derive(Default)]
pub(crate) struct Matched {
    /// The names of the rules that match.
    pub(crate) rules: Vec<String>,
    /// A string that the engine gave up on.
    pub(crate) too_many: Option<String>,
}

impl Matched {
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
