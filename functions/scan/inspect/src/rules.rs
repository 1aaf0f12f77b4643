//! The rules that were compiled when this crate was built.

use airlock_engine::{Engine, EngineError, EngineKind, RuleSet};

const YARA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rules.yara"));
#[cfg(feature = "yara-x")]
const YARA_X: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rules.yara-x"));

/// Loads the rules into an engine. A function does this once, when it starts.
///
/// # Errors
///
/// If the engine is not in this build, or can't load its rules.
pub fn engine(kind: EngineKind) -> Result<Engine, EngineError> {
    Engine::load(artefact(kind)?)
}

/// What the rules say about themselves, without an engine.
///
/// # Errors
///
/// If the engine is not in this build.
pub fn rule_set(kind: EngineKind) -> Result<RuleSet, EngineError> {
    RuleSet::of(artefact(kind)?)
}

fn artefact(kind: EngineKind) -> Result<&'static [u8], EngineError> {
    match kind {
        EngineKind::Yara => Ok(YARA),
        #[cfg(feature = "yara-x")]
        EngineKind::YaraX => Ok(YARA_X),
        #[cfg(not(feature = "yara-x"))]
        EngineKind::YaraX => Err(EngineError::NotBuilt(kind)),
    }
}
