//! How long each rule takes by itself, and all of them together.
//!
//! A rule is cut out, compiled with the rules that it names, and timed over contents that are hard
//! on one kind of string or another, and on what it finds hardest ([`super::search`]). Engines warn of slow
//! strings too, but the crate `yara` keeps libyara's warnings to itself, and neither engine knows what a rule
//! costs.

use super::{
    Progress, RuleReport, Sample, Side,
    search::{Head, Input, Watch, Worst, Yardstick, worst},
    strings::{Pattern, patterns},
};
use crate::{
    Engine, EngineKind, RuleFile, RulesError,
    outline::{Outline, imports, outline},
};
use std::{
    collections::BTreeSet,
    num::NonZero,
    panic::resume_unwind,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

/// A rule that takes longer for 1 MiB is slow.
pub const MOST: Duration = Duration::from_millis(50);
/// Rules that take longer for 1 MiB together are.
pub const MOST_TOGETHER: Duration = Duration::from_millis(100);

const MIB: usize = 1 << 20;
/// So much of what one rule finds hardest is scanned with all of them, and so many of these are looked at twice.
const SHARE: usize = 128 << 10;
const HARDEST: usize = 8;
/// What is looked at of how a sample begins.
const HEAD: usize = 128;
const HEADS: usize = 2;

/// Puts the worst of each rule into its report. The worst for all together, and the rule that it was made for.
pub(super) fn measure(
    kind: EngineKind,
    sources: &[RuleFile],
    samples: &[(String, Side, Sample)],
    reports: &mut [RuleReport],
    progress: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<(String, Worst), RulesError> {
    let outlines: Vec<(&str, Outline<'_>)> = sources
        .iter()
        .flat_map(|source| outline(&source.text).into_iter().map(|rule| (source.text.as_str(), rule)))
        .collect();
    let others = others(samples);
    let yardstick = Yardstick::new(kind)?;
    let of = reports.len();
    let one = |name: &str| -> Result<Worst, RulesError> {
        let (text, looked_for) = alone(&outlines, name);
        let engine = Engine::compile_whole(kind, &[RuleFile::new("one.yar", &text)])?;
        let heads = samples.iter().filter(|(rule, side, _)| rule == name && *side == Side::Match);
        let heads: Vec<Head> = heads.take(HEADS).map(|(_, _, sample)| head(sample)).collect();
        Ok(worst(&engine, &looked_for, &heads, &others, MOST, &yardstick)?)
    };
    // Each thread counts its own time, so they do not disturb what they measure.
    let (queue, told) = (Mutex::new(reports.iter_mut().enumerate()), Mutex::new(progress));
    let work = || -> Result<(), RulesError> {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((done, report)) = next else { return Ok(()) };
            let rule = report.rule.name.as_str();
            told.lock().unwrap_or_else(PoisonError::into_inner)(Progress { rule, done, of });
            report.worst = one(rule)?;
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let started: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mine = work();
        let others =
            started.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        others.fold(mine, Result::and)
    })?;
    // As if every rule's strings were always looked for: which are is for the content to choose.
    let all = Engine::compile_whole(kind, sources)?;
    together(&all, reports, &yardstick)
}

fn together(
    all: &Engine,
    reports: &[RuleReport],
    yardstick: &Yardstick,
) -> Result<(String, Worst), RulesError> {
    let mut watch = Watch::new(all);
    let mut found = Vec::new();
    for report in reports {
        found.push((watch.per_mib(&report.worst.input, SHARE, 2)?, report));
    }
    found.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
    let mut hardest = (String::new(), Worst::default());
    for (_, report) in found.into_iter().take(HARDEST) {
        let time_per_mib = yardstick.judged(&mut watch, &report.worst.input, SHARE, MOST_TOGETHER)?;
        if time_per_mib > hardest.1.time_per_mib {
            let input = report.worst.input.clone();
            hardest = (report.rule.name.clone(), Worst { input, time_per_mib, grows: report.worst.grows });
        }
    }
    Ok(hardest)
}

fn head(sample: &Sample) -> Head {
    let bytes = sample.content.get(..HEAD).unwrap_or(&sample.content).to_vec();
    Head { file_name: sample.path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), bytes }
}

/// The text of one rule, of the rules that it names, and of the imports beside them; and the strings of these.
fn alone(outlines: &[(&str, Outline<'_>)], name: &str) -> (String, Vec<Pattern>) {
    let mut wanted = BTreeSet::from([name]);
    // A rule names only rules before it.
    for (_, rule) in outlines.iter().rev() {
        if wanted.contains(rule.name) {
            wanted.extend(rule.words.iter().copied());
        }
    }
    let rules: Vec<_> = outlines.iter().filter(|(_, rule)| wanted.contains(rule.name)).collect();
    let imports: BTreeSet<&str> = rules.iter().flat_map(|(text, _)| imports(text)).collect();
    let texts: Vec<&str> = rules.iter().filter_map(|(text, rule)| text.get(rule.range.clone())).collect();
    let looked_for = texts.iter().flat_map(|text| patterns(text)).collect();
    (imports.into_iter().chain(texts).collect::<Vec<_>>().join("\n"), looked_for)
}

/// What any rule may find hard: the same byte; blanks and line ends; letters; any bytes; and the samples of
/// all rules, one after another.
fn others(samples: &[(String, Side, Sample)]) -> Vec<Input> {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    // Xorshift: the same bytes each time.
    let mut any = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random.to_be_bytes()[3]
    };
    let letters: Vec<u8> =
        (0..MIB / 4).map(|_| b"  etaoinshrdlu,.;<=/ET01\n"[usize::from(any()) % 25]).collect();
    let bytes: Vec<u8> = (0..MIB / 4).map(|_| any()).collect();
    let all: Vec<u8> = samples.iter().flat_map(|(_, _, sample)| sample.content.iter().copied()).collect();
    let mut pieces: Vec<&[u8]> = vec![&letters, &bytes, &[0], b"A", b" \n", b"<", b"/ "];
    if !all.is_empty() {
        pieces.push(&all);
    }
    pieces.into_iter().map(|piece| Input::new(&Head::default(), piece)).collect()
}
