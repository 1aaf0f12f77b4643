//! How long each rule takes by itself.
//!
//! A rule is cut out, compiled with the rules that it names, and timed over contents that are hard
//! on one kind of string or another. Engines warn of slow strings too, but the crate `yara` keeps
//! libyara's warnings to itself, and neither engine knows what a rule costs.

use super::{RuleReport, TIMEOUT};
use crate::{
    Engine, EngineKind, RulesError, Source,
    outline::{Outline, imports, outline},
};
use airlock_content::Declared;
use std::{collections::BTreeSet, time::Duration};

/// A rule that takes longer for 1 MiB is slow.
pub(super) const MOST: Duration = Duration::from_millis(50);

const MIB: usize = 1 << 20;
const ROUNDS: usize = 3;

/// Puts the time of each rule into its report.
pub(super) fn measure(
    kind: EngineKind,
    sources: &[Source],
    samples: &[Vec<u8>],
    reports: &mut [RuleReport],
) -> Result<(), RulesError> {
    let outlines: Vec<(&str, Outline<'_>)> = sources
        .iter()
        .flat_map(|source| outline(&source.text).into_iter().map(|rule| (source.text.as_str(), rule)))
        .collect();
    let contents = contents(samples);
    for report in reports {
        let engine =
            Engine::compile_whole(kind, &[Source::new("one.yar", &alone(&outlines, &report.rule.name))])?;
        let worst = contents.iter().map(|content| time(&engine, content)).collect::<Result<Vec<_>, _>>()?;
        report.time_per_mib = worst.into_iter().max().unwrap_or_default();
    }
    Ok(())
}

/// The text of one rule, of the rules that it names, and of the imports beside them.
fn alone(outlines: &[(&str, Outline<'_>)], name: &str) -> String {
    let mut wanted = BTreeSet::from([name]);
    // A rule names only rules before it.
    for (_, rule) in outlines.iter().rev() {
        if wanted.contains(rule.name) {
            wanted.extend(rule.words.iter().copied());
        }
    }
    let rules: Vec<_> = outlines.iter().filter(|(_, rule)| wanted.contains(rule.name)).collect();
    let imports: BTreeSet<&str> = rules.iter().flat_map(|(text, _)| imports(text)).collect();
    let texts = rules.iter().filter_map(|(text, rule)| text.get(rule.range.clone()));
    imports.into_iter().chain(texts).collect::<Vec<_>>().join("\n")
}

/// 1 MiB each of what a rule may find hard: what rules look for, over and over; the same byte; blanks
/// and line ends; letters; any bytes.
fn contents(samples: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    // Xorshift: the same bytes each time.
    let mut any = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random.to_be_bytes()[3]
    };
    let filled = |pattern: &[u8]| pattern.iter().copied().cycle().take(MIB).collect::<Vec<u8>>();
    let letters = (0..MIB).map(|_| b"  etaoinshrdlu,.;<=/ET01\n"[usize::from(any()) % 25]).collect();
    let mut contents = vec![letters, (0..MIB).map(|_| any()).collect()];
    contents.extend([&[0][..], b"A", b" \n", b"<", b"/ "].map(filled));
    if !samples.concat().is_empty() {
        contents.push(filled(&samples.concat()));
    }
    contents
}

/// The processor's time that this thread has used.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanoseconds)
}

/// The best of a few rounds, in time of this thread alone: what else the machine does only adds to it.
fn time(engine: &Engine, content: &[u8]) -> Result<Duration, RulesError> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let declared = Declared { content_type: "", file_name: "", size: content.len() as u64 };
        let start = thread_time();
        engine.scan(content, &declared, TIMEOUT)?;
        best = best.min(thread_time().saturating_sub(start));
    }
    Ok(best)
}
