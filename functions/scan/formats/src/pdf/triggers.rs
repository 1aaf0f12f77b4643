//! When actions happen: by themselves when a file or a page is opened, at other events, or when somebody clicks. An
//! action may stand anywhere; who refers to it decides.

use super::{
    document::Document,
    syntax::{Dict, Object},
};
use crate::refusal::Why;
use std::collections::{HashMap, VecDeque};

/// What makes an action happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// Nobody refers to it.
    Nothing,
    /// A click, or the like.
    Use,
    /// A key, a field that is left, the file that is closed (ISO 32000-2, section 12.6.3).
    Event,
    /// Opening the file, or looking at a page.
    Open,
    /// It is no action, but a list of actions by their events.
    Events,
}

impl Trigger {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing | Self::Events => "nothing",
            Self::Use => "use",
            Self::Event => "event",
            Self::Open => "open",
        }
    }

    /// What triggers the value of `key` in a dictionary that this triggers.
    pub(super) fn of(self, key: &[u8]) -> Self {
        match (self, key) {
            // Page: opened; annotation: its page opened or visible.
            (Self::Events, b"O" | b"PO" | b"PV") => Self::Open,
            (Self::Events, _) => Self::Event,
            (_, b"AA") => Self::Events,
            // Scripts by name run when the file is opened (section 7.7.4).
            (_, b"OpenAction" | b"JavaScript") => Self::Open,
            (_, b"A" | b"PA") => Self::Use,
            // An action's next, and the nodes of a tree of names.
            (own, b"Next" | b"Kids" | b"Names") => own,
            _ => Self::Nothing,
        }
    }

    fn is_stronger_than(self, other: Self) -> bool {
        self as u8 > other as u8
    }
}

/// What triggers each object, by its number.
pub(super) fn triggers(document: &Document<'_>) -> Result<HashMap<u32, Trigger>, Why> {
    let mut found = HashMap::new();
    // Where each object leads to, by the keys in between.
    let mut leads: HashMap<u32, Vec<Edge>> = HashMap::new();
    let mut queue = VecDeque::new();
    for at in 0..document.places.len() {
        let read = document.read_at(at)?;
        let mut edges = Edges { keys: Vec::new(), found: Vec::new() };
        edges.of(&read.object);
        for (keys, target) in edges.found {
            // Whatever triggers the object around it, some keys say it all.
            let known = follow(Trigger::Nothing, &keys);
            if known != Trigger::Nothing {
                queue.push_back((target, known));
            }
            leads.entry(read.place.id.0).or_default().push((keys, target));
        }
    }
    while let Some((number, trigger)) = queue.pop_front() {
        let known = found.entry(number).or_insert(Trigger::Nothing);
        if !trigger.is_stronger_than(*known) {
            continue;
        }
        *known = trigger;
        for (keys, target) in leads.get(&number).into_iter().flatten() {
            let next = follow(trigger, keys);
            if next != Trigger::Nothing {
                queue.push_back((*target, next));
            }
        }
    }
    Ok(found)
}

/// The keys on the way to an object, and its number.
type Edge = (Vec<&'static [u8]>, u32);

fn follow(trigger: Trigger, keys: &[&[u8]]) -> Trigger {
    keys.iter().fold(trigger, |trigger, key| trigger.of(key))
}

/// The keys that [`Trigger::of`] tells apart, without those that change nothing. All others are one.
const KEYS: [&[u8]; 8] = [b"AA", b"OpenAction", b"JavaScript", b"A", b"PA", b"O", b"PO", b"PV"];
const SAME: [&[u8]; 3] = [b"Next", b"Kids", b"Names"];

/// How many keys matter at most: what comes before them does not change what they lead to.
const LAST_KEYS: usize = 3;

struct Edges {
    keys: Vec<&'static [u8]>,
    found: Vec<Edge>,
}

impl Edges {
    fn of(&mut self, object: &Object<'_>) {
        match object {
            Object::Ref(target) => {
                let last = &self.keys[self.keys.len().saturating_sub(LAST_KEYS)..];
                if leads_somewhere(last) {
                    self.found.push((last.to_vec(), *target));
                }
            }
            Object::Array(items) => items.iter().for_each(|item| self.of(item)),
            Object::Dict(Dict(entries)) => {
                for (key, value) in entries {
                    if SAME.contains(&key.as_ref()) {
                        self.of(value);
                        continue;
                    }
                    let known = KEYS.iter().find(|known| **known == key.as_ref()).copied();
                    self.keys.push(known.unwrap_or_default());
                    self.of(value);
                    self.keys.pop();
                }
            }
            _ => {}
        }
    }
}

/// Whether some trigger leads on through these keys.
fn leads_somewhere(keys: &[&[u8]]) -> bool {
    let all = [Trigger::Nothing, Trigger::Use, Trigger::Open, Trigger::Events];
    all.into_iter().any(|from| follow(from, keys) != Trigger::Nothing)
}
