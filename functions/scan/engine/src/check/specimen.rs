//! Contents that a rule may find hard, made of what it looks for.

use super::strings::Pattern;
use regex_syntax::hir::{Class, Hir, HirKind};

/// So long may a piece be that is written over and over.
pub(super) const LONGEST: usize = 2048;

/// Xorshift: the same numbers each time.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    /// Any number below `limit`; 0 if there is none.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default().checked_rem(limit).unwrap_or_default()
    }

    pub(super) fn one_of<'t, T>(&mut self, all: &'t [T]) -> Option<&'t T> {
        all.get(self.below(all.len()))
    }
}

/// Something that some parts of a string accept.
pub(super) fn written(parts: &[Hir], wide: bool, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = Vec::new();
    parts.iter().for_each(|part| write(part, dice, &mut bytes));
    if wide { bytes.into_iter().flat_map(|byte| [byte, 0]).collect() } else { bytes }
}

fn write(part: &Hir, dice: &mut Dice, bytes: &mut Vec<u8>) {
    if bytes.len() >= LONGEST {
        return;
    }
    match part.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => bytes.extend_from_slice(&literal.0),
        HirKind::Class(class) => bytes.push(of_class(class, dice)),
        HirKind::Capture(capture) => write(&capture.sub, dice, bytes),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, dice, bytes)),
        HirKind::Alternation(parts) => {
            if let Some(part) = dice.one_of(parts) {
                write(part, dice, bytes);
            }
        }
        HirKind::Repetition(repeated) => {
            // As few as will do, or one that need not be.
            let least = usize::try_from(repeated.min).unwrap_or(LONGEST);
            let times = if least == 0 { dice.below(2) } else { least };
            (0..times.min(LONGEST)).for_each(|_| write(&repeated.sub, dice, bytes));
        }
    }
}

/// A byte of a class: a blank, a letter or a digit rather than another.
fn of_class(class: &Class, dice: &mut Dice) -> u8 {
    let ranges: Vec<(u8, u8)> = match class {
        Class::Bytes(class) => class.iter().map(|range| (range.start(), range.end())).collect(),
        Class::Unicode(class) => {
            let byte = |c: char| u8::try_from(u32::from(c)).unwrap_or(0x7F);
            class.iter().map(|range| (byte(range.start()), byte(range.end()))).collect()
        }
    };
    let likely: Vec<u8> = b" a0\tZ/"
        .iter()
        .copied()
        .filter(|byte| ranges.iter().any(|(first, last)| (first..=last).contains(&byte)))
        .collect();
    let (one, other) = (dice.one_of(&likely).copied(), dice.one_of(&ranges).map(|range| range.0));
    if dice.below(4) == 0 { other.or(one) } else { one.or(other) }.unwrap_or(b' ')
}

/// What a search begins with: each string's beginnings and ends, its parts, and beginnings with later parts.
pub(super) fn beginnings(patterns: &[Pattern], dice: &mut Dice) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for Pattern { parts, wide } in patterns {
        let count = parts.len();
        let starts = (1..=count).map(|end| 0..end);
        let ends = (1..count).map(|start| start..count);
        let ones = (0..count).map(|at| at..at + 1);
        for range in starts.chain(ends).chain(ones) {
            for _ in 0..2 {
                let whole = written(parts.get(range.clone()).unwrap_or_default(), *wide, dice);
                if let Some((_, but_one)) = whole.split_last() {
                    found.push(but_one.to_vec());
                }
                found.push(whole);
            }
        }
        // A beginning, and a later part at once: what stands between them may be a jump, at whose every step
        // the later part is tried.
        let skips = (1..count).flat_map(|end| (end + 1..count).map(move |at| (0..end, at..at + 1)));
        for (first, then) in skips {
            let [first, then] =
                [first, then].map(|range| written(parts.get(range).unwrap_or_default(), *wide, dice));
            found.push([first, then].concat());
        }
    }
    found.retain(|piece| !piece.is_empty());
    found.sort_unstable();
    found.dedup();
    found
}

/// Each string as a whole, and two of a rule's strings next to each other: where these match, a condition
/// that counts or loops has the most to do.
pub(super) fn wholes(patterns: &[Pattern], dice: &mut Dice) -> Vec<Vec<u8>> {
    const MOST: usize = 12;
    let one: Vec<Vec<u8>> =
        patterns.iter().map(|pattern| written(&pattern.parts, pattern.wide, dice)).collect();
    let neighbours = one.iter().zip(one.iter().skip(1)).map(|(first, second)| [&first[..], second].concat());
    let mut found: Vec<Vec<u8>> = one.iter().cloned().chain(neighbours).collect();
    found.retain(|piece| !piece.is_empty());
    found.truncate(MOST);
    found
}

/// A piece that is a little different from another.
pub(super) fn changed(piece: &[u8], others: &[Vec<u8>], patterns: &[Pattern], dice: &mut Dice) -> Vec<u8> {
    let mut piece = piece.to_vec();
    let at = dice.below(piece.len() + 1);
    match dice.below(8) {
        0 => {
            piece.pop();
        }
        1 => drop(piece.drain(..at.min(piece.len()))),
        2 => piece.truncate(at.max(1)),
        // What loops accept.
        3 => {
            let filler = [b' ', b'a', b'0', b'\n', b'\t', b'A', b'/', 0][dice.below(8)];
            let times = [1, 1, 2, 4, 16, 64, 256][dice.below(7)];
            let at = if dice.below(2) == 0 { piece.len() } else { at };
            piece.splice(at..at, std::iter::repeat_n(filler, times));
        }
        4 | 5 => {
            if let Some(other) = dice.one_of(others) {
                let at = if dice.below(2) == 0 { 0 } else { piece.len() };
                piece.splice(at..at, other.iter().copied());
            }
        }
        6 => {
            if let Some(Pattern { parts, wide }) = dice.one_of(patterns) {
                let start = dice.below(parts.len());
                let end = start + 1 + dice.below(parts.len() - start.min(parts.len()));
                let more = written(parts.get(start..end).unwrap_or_default(), *wide, dice);
                let at = if dice.below(2) == 0 { at } else { piece.len() };
                piece.splice(at..at, more);
            }
        }
        // A string once, and what follows it many times.
        _ => {
            let tail = piece.get(at..).unwrap_or_default().repeat(1 + dice.below(8));
            piece.extend(tail);
        }
    }
    piece.truncate(LONGEST);
    piece
}

/// `head`, and a piece over and over behind it, `length` bytes in all.
pub(super) fn filled(head: &[u8], piece: &[u8], length: usize) -> Vec<u8> {
    let mut content = Vec::with_capacity(length + piece.len());
    content.extend_from_slice(head);
    let missing = length.saturating_sub(content.len());
    content.extend(piece.repeat(missing.checked_div(piece.len()).map_or(0, |times| times + 1)));
    content.truncate(length);
    content
}
