//! Which rule engine: libyara, or YARA-X, its memory-safe successor by the same authors.

use std::{fmt, str::FromStr};

/// An engine that can run the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineKind {
    /// libyara, bundled by the crate `yara`.
    #[default]
    Yara,
    /// YARA-X, the crate `yara-x`: only in builds with the feature of that name.
    YaraX,
}

impl EngineKind {
    /// The engines in this build.
    pub const AVAILABLE: &[Self] =
        if cfg!(feature = "yara-x") { &[Self::Yara, Self::YaraX] } else { &[Self::Yara] };

    /// `yara` or `yara-x`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yara => "yara",
            Self::YaraX => "yara-x",
        }
    }

    /// The version of the engine that is linked; neither engine says it at run time, so a test
    /// compares it with what Cargo resolved.
    pub fn version(self) -> &'static str {
        match self {
            Self::Yara => "4.5.5",
            Self::YaraX => "1.22.1",
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no engine of that name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no rule engine {0:?}: there are `yara` and `yara-x`")]
pub struct UnknownEngine(String);

impl FromStr for EngineKind {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Yara, Self::YaraX]
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownEngine(name.to_owned()))
    }
}
