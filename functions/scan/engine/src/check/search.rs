//! The search for what a rule finds hardest.
//!
//! A rule costs little where its strings do not occur, much where their beginnings follow each other
//! and nothing comes of it: each is followed as far as its jumps and loops go. What is made of a rule's own
//! strings is tried, as it is and changed a little; the worst is measured at several lengths, as what takes
//! longer for each MiB the more of them there are is not bounded at all.

use super::{
    specimen::{Dice, beginnings, changed, filled, wholes},
    strings::Pattern,
};
use crate::{Engine, EngineError, EngineKind, RuleFile, RulesError, Scanner};
use airlock_content::{Declared, media_types};
use std::{fmt, time::Duration};

const MIB: usize = 1 << 20;
/// So much of a candidate is scanned while many are compared, while few are, and when the worst is measured.
const SMALL: usize = 8 << 10;
const MIDDLE: usize = 64 << 10;
const LENGTHS: [usize; 2] = [MIDDLE, MIB / 2];
/// How many candidates a search begins with, how many it keeps, and how often it changes one.
const BEGINNINGS: usize = 400;
const KEPT: usize = 8;
const CHANGES: usize = 750;
/// How often a reading is taken beside the yardstick's.
const ROUNDS: usize = 12;
/// How often what is over its bound is read anew before that is said: what else the machine does only adds.
const AGAIN: usize = 5;
/// A rule so many times slower than it may be is slow without a second look.
const ENOUGH: f64 = 10.0;
/// What takes longer at one length is not tried at the next.
const LONG: Duration = Duration::from_millis(100);
/// A scan is ended after so long: what it took is enough to tell.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Eight times the length takes eight times as long, and a little more as memory is slower than a cache.
const MOST_GROWTH: f64 = 3.0;
/// Less than this for 1 MiB says nothing about growth.
const LEAST: Duration = Duration::from_millis(4);

/// What a content begins with, and what it is called.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) file_name: String,
    pub(super) bytes: Vec<u8>,
}

/// A content: a piece over and over, behind a head.
#[derive(Clone, Debug, Default)]
pub struct Input {
    head: Head,
    piece: Vec<u8>,
}

impl Input {
    pub(super) fn of(length: usize, head: &Head, piece: &[u8]) -> Vec<u8> {
        filled(&head.bytes, piece, length)
    }

    pub(super) fn content(&self, length: usize) -> Vec<u8> {
        Self::of(length, &self.head, &self.piece)
    }

    pub(super) fn new(head: &Head, piece: &[u8]) -> Self {
        Self { head: head.clone(), piece: piece.to_vec() }
    }
}

/// The piece, shortened, as it could stand in a program's text.
impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 70;
        let text = self.piece.escape_ascii().to_string();
        match text.get(..MOST) {
            Some(start) => write!(f, "\"{start}…\" ({} bytes)", self.piece.len())?,
            None => write!(f, "\"{text}\"")?,
        }
        f.write_str(" over and over")?;
        if self.head.file_name.is_empty() {
            return Ok(());
        }
        write!(f, " behind the beginning of {}", self.head.file_name)
    }
}

/// What was found hardest.
#[derive(Clone, Debug, Default)]
pub struct Worst {
    /// What it is.
    pub input: Input,
    /// How long 1 MiB of it takes.
    pub time_per_mib: Duration,
    /// Whether 1 MiB takes longer the more of it there is.
    pub grows: bool,
}

/// The processor's time that this thread has used.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanoseconds)
}

/// What scans, in time of this thread alone: what else the machine does only adds to it.
pub(super) struct Watch<'e> {
    scanner: Scanner<'e>,
}

impl<'e> Watch<'e> {
    pub(super) fn new(engine: &'e Engine) -> Self {
        Self { scanner: engine.scanner() }
    }

    /// How long one scan takes. One that is given up counts too: it has taken its time.
    pub(super) fn once(&mut self, content: &[u8], file_name: &str) -> Result<Duration, EngineError> {
        let content_type = media_types::of_file_name(file_name).map_or("", |known| known.name);
        let declared = Declared { content_type, file_name, size: content.len() as u64 };
        let start = thread_time();
        let scanned = self.scanner.scan(content, &declared, TIMEOUT);
        let taken = thread_time().saturating_sub(start);
        match scanned {
            Ok(_) | Err(EngineError::TimedOut(_) | EngineError::TooManyMatches(_)) => Ok(taken),
            Err(error) => Err(error),
        }
    }

    /// For 1 MiB, the best of some rounds.
    pub(super) fn per_mib(
        &mut self,
        input: &Input,
        length: usize,
        rounds: usize,
    ) -> Result<Duration, EngineError> {
        let content = input.content(length);
        let mut best = Duration::MAX;
        for _ in 0..rounds {
            let taken = self.once(&content, &input.head.file_name)?;
            best = best.min(taken);
            if taken > LONG {
                break;
            }
        }
        Ok(best.mul_f64(MIB as f64 / content.len().max(1) as f64))
    }

    /// At growing lengths, the last one first; with the rate at which a MiB takes longer.
    fn measure(&mut self, input: &Input, rounds: usize) -> Result<(Duration, f64), EngineError> {
        let (mut last, mut growth) = (None::<Duration>, 1.0_f64);
        for length in LENGTHS {
            let per_mib = self.per_mib(input, length, rounds)?;
            if let Some(before) = last {
                growth = per_mib.as_secs_f64() / before.as_secs_f64().max(1e-9);
            }
            last = Some(per_mib);
            if per_mib.mul_f64(length as f64 / MIB as f64) > LONG {
                break;
            }
        }
        Ok((last.unwrap_or_default(), growth))
    }
}

/// A rule of known cost, which tells how much slower, or faster, this machine is at the moment than the one
/// that the bounds are for.
pub(super) struct Yardstick(Engine);

impl Yardstick {
    /// So long it takes for 1 MiB on that machine, with nothing else to do.
    const QUIET: Duration = Duration::from_millis(220);

    pub(super) fn new(kind: EngineKind) -> Result<Self, RulesError> {
        let meta = "meta: severity = \"low\" description = \"d\" reference = \"r\"";
        let rule = format!("rule yardstick {{ {meta} strings: $a = /abcd[^x]{{0,40}}xxxx/ condition: $a }}");
        Ok(Self(Engine::compile_whole(kind, &[RuleFile::new("yardstick.yar", &rule)])?))
    }

    /// How long 1 MiB of `input` takes, as that machine would tell: both are read by turns, so that what else
    /// this machine does slows both, and the least of each is compared.
    fn beside(&self, watch: &mut Watch<'_>, input: &Input, length: usize) -> Result<Duration, EngineError> {
        let mut own = Watch::new(&self.0);
        let known = Input::new(&Head::default(), b"abcd....");
        let (mut least, mut reading) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            least = least.min(own.per_mib(&known, 2 * SMALL, 1)?);
            reading = reading.min(watch.per_mib(input, length, 1)?);
        }
        Ok(reading.mul_f64(Self::QUIET.as_secs_f64() / least.as_secs_f64().max(1e-9)))
    }

    /// The same, and the least of some more readings if it is over `most`.
    pub(super) fn judged(
        &self,
        watch: &mut Watch<'_>,
        input: &Input,
        length: usize,
        most: Duration,
    ) -> Result<Duration, EngineError> {
        let mut least = self.beside(watch, input, length)?;
        for _ in 0..AGAIN {
            if least <= most {
                break;
            }
            least = least.min(self.beside(watch, input, length)?);
        }
        Ok(least)
    }
}

/// The worst for one rule, which `engine` has alone.
pub(super) fn worst(
    engine: &Engine,
    patterns: &[Pattern],
    heads: &[Head],
    others: &[Input],
    most: Duration,
    yardstick: &Yardstick,
) -> Result<Worst, EngineError> {
    let mut watch = Watch::new(engine);
    let mut dice = Dice::new();
    let none = Head::default();
    let enough = most.mul_f64(ENOUGH);
    let kept = hardest(&mut watch, patterns, enough.mul_f64(SMALL as f64 / MIB as f64), &mut dice)?;
    let wholes = wholes(patterns, &mut dice);
    let all_heads = || std::iter::once(&none).chain(heads);
    let mut tried = Vec::new();
    let contents = kept.iter().take(3).map(|piece| Input::new(&none, piece)).chain(others.iter().cloned());
    let contents = contents
        .chain(kept.iter().take(1).flat_map(|piece| heads.iter().map(|head| Input::new(head, piece))));
    for input in contents {
        tried.push((watch.per_mib(&input, MIDDLE, 1)?, input));
    }
    // Apart, as what a condition does with matches shows late.
    let mut matching = Vec::new();
    for input in wholes.iter().flat_map(|piece| all_heads().map(|head| Input::new(head, piece))) {
        matching.push((watch.per_mib(&input, MIDDLE, 1)?, input));
    }
    let slowest = |mut all: Vec<(Duration, Input)>| {
        all.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
        all.into_iter().take(2).map(|(_, input)| input)
    };
    let mut worst = Worst::default();
    for input in slowest(tried).chain(slowest(matching)) {
        if worst.time_per_mib > enough {
            break;
        }
        let (first, mut growth) = watch.measure(&input, 1)?;
        if growth > MOST_GROWTH && first > LEAST {
            // Noise only adds: a second look decides.
            growth = watch.measure(&input, 4)?.1;
        }
        let time_per_mib =
            if first > enough { first } else { yardstick.judged(&mut watch, &input, MIDDLE, most)? };
        let grows = growth > MOST_GROWTH && time_per_mib > LEAST;
        if (grows, time_per_mib) > (worst.grows, worst.time_per_mib) {
            worst = Worst { input, time_per_mib, grows };
        }
    }
    Ok(worst)
}

/// The pieces that took longest, the worst first. It ends at the first that takes `enough`.
///
/// What is tried depends on the rule alone, not on how long anything took: a climb from what took longest would
/// go another way each time, and a rule would pass by chance.
fn hardest(
    watch: &mut Watch<'_>,
    patterns: &[Pattern],
    enough: Duration,
    dice: &mut Dice,
) -> Result<Vec<Vec<u8>>, EngineError> {
    let seeds = beginnings(patterns, dice);
    let step = seeds.len().div_ceil(BEGINNINGS).max(1);
    let mut pieces: Vec<Vec<u8>> = seeds.iter().step_by(step).cloned().collect();
    for _ in 0..CHANGES {
        let Some(parent) = dice.one_of(&pieces) else { break };
        let piece = changed(parent, &seeds, patterns, dice);
        pieces.push(piece);
    }
    let mut kept: Vec<(Duration, Vec<u8>)> = Vec::new();
    for piece in pieces {
        if kept.first().is_some_and(|(time, _)| *time > enough) {
            break;
        }
        keep(watch, &mut kept, piece)?;
    }
    Ok(kept.into_iter().map(|(_, piece)| piece).collect())
}

/// Puts a piece among those kept, the worst first, if it takes longer than one of them, and does so again.
fn keep(
    watch: &mut Watch<'_>,
    kept: &mut Vec<(Duration, Vec<u8>)>,
    piece: Vec<u8>,
) -> Result<(), EngineError> {
    let least = kept.get(KEPT - 1).map_or(Duration::ZERO, |(time, _)| *time);
    let content = filled(&[], &piece, SMALL);
    if piece.is_empty() || kept.iter().any(|(_, known)| *known == piece) {
        return Ok(());
    }
    let mut time = watch.once(&content, "")?;
    for _ in 0..2 {
        if time <= least {
            return Ok(());
        }
        time = time.min(watch.once(&content, "")?);
    }
    let at = kept.partition_point(|(known, _)| *known >= time);
    kept.insert(at, (time, piece));
    kept.truncate(KEPT);
    Ok(())
}
