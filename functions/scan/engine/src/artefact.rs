//! Compiled rules as bytes that a build embeds: which engine they are for, their hash, what each
//! rule says about itself, and the engine's own format.
//!
//! Each part is preceded by its length, and the SHA-256 of everything is at the end. It detects accidents, not
//! attacks: an attacker who can change what a build embeds can change the program.

use crate::{EngineError, EngineKind, RuleInfo, parts::Parts, source::Severity};
use sha2::{Digest, Sha256};

const MAGIC: &[u8] = b"airlock rules 3";
const DIGEST: usize = 32;

/// What an engine is made of.
pub(crate) struct Artefact<'b> {
    pub(crate) kind: EngineKind,
    pub(crate) hash: String,
    pub(crate) rules: Vec<RuleInfo>,
    pub(crate) parts: Parts<&'b [u8]>,
}

/// Both engines' formats depend on the machine.
fn layout() -> String {
    let endian = if cfg!(target_endian = "little") { "little" } else { "big" };
    format!("{} bits, {endian} endian", usize::BITS)
}

impl<'b> Artefact<'b> {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut put = |part: &[u8]| {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        };
        put(MAGIC);
        for text in [self.kind.name(), self.kind.version(), &layout(), &self.hash] {
            put(text.as_bytes());
        }
        put(&(self.rules.len() as u64).to_le_bytes());
        for RuleInfo { name, severity, description, reference, member_class } in &self.rules {
            // No class is written as an empty text.
            let class = member_class.as_deref().unwrap_or_default();
            for text in [name, severity.name(), description, reference, class] {
                put(text.as_bytes());
            }
        }
        // If there is no second part, it is written as empty: compiled rules never are.
        put(self.parts.first);
        put(self.parts.later.unwrap_or_default());
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &'b [u8]) -> Result<Self, EngineError> {
        let broken = || EngineError::Artefact("it is damaged: build again".into());
        let (content, digest) =
            bytes.len().checked_sub(DIGEST).and_then(|end| bytes.split_at_checked(end)).ok_or_else(broken)?;
        if Sha256::digest(content).as_slice() != digest {
            return Err(broken());
        }
        let mut rest = content;
        let mut take = || {
            let (length, after) = rest.split_first_chunk::<8>()?;
            let (part, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
            rest = after;
            Some(part)
        };
        if take() != Some(MAGIC) {
            return Err(EngineError::Artefact(
                "it is of another version of this program: build again".into(),
            ));
        }
        let mut text = || String::from_utf8(take()?.to_vec()).ok();
        let kind: EngineKind = text().and_then(|name| name.parse().ok()).ok_or_else(broken)?;
        let (version, made_for) = (text().ok_or_else(broken)?, text().ok_or_else(broken)?);
        if version != kind.version() || made_for != layout() {
            let here = format!("{} {} on {}", kind, kind.version(), layout());
            let message = format!("it is for {kind} {version} on {made_for}, this is {here}: build again");
            return Err(EngineError::Artefact(message));
        }
        let hash = text().ok_or_else(broken)?;
        let count =
            take().and_then(|part| Some(u64::from_le_bytes(part.try_into().ok()?))).ok_or_else(broken)?;
        let mut rules = Vec::new();
        for _ in 0..count {
            let mut text = || String::from_utf8(take()?.to_vec()).ok();
            let rule = || {
                let (name, severity) = (text()?, Severity::from_name(&text()?)?);
                let (description, reference) = (text()?, text()?);
                let member_class = Some(text()?).filter(|class| !class.is_empty());
                Some(RuleInfo { name, severity, description, reference, member_class })
            };
            rules.push(
                {
                    let mut rule = rule;
                    rule()
                }
                .ok_or_else(broken)?,
            );
        }
        let (first, later) = (take().ok_or_else(broken)?, take().ok_or_else(broken)?);
        let parts = Parts { first, later: Some(later).filter(|later| !later.is_empty()) };
        Ok(Self { kind, hash, rules, parts })
    }
}
