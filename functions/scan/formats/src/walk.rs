//! The walk: what all formats have in common. Each member's name is checked, its bytes are charged to the budget, and
//! the visitor is shown it and may walk it in turn.

use crate::{
    facts::Facts,
    flaw::Flaw,
    identify::Content,
    limits::Budget,
    path::{self, Paths},
    refusal::{Exceeded, Refusal, Stop, Why},
    scratch::Scratch,
};
use std::{
    borrow::Cow,
    io::{self, Read},
    ops::ControlFlow,
};

/// A file in an archive.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Its path from the object down, printable and of bounded length.
    pub path: &'a str,
    /// Its name within its folder, printable and of bounded length.
    pub name: &'a str,
    /// The name that it has to other programs, if the archive says two.
    pub other_name: Option<&'a str>,
    /// Its content.
    pub bytes: &'a [u8],
}

/// Is shown the members of an archive.
pub trait Visitor {
    /// Looks at one member. It may be an archive, which can be [walked](Unpacker::walk) in turn.
    /// `Break` ends the walk, as does any limit.
    fn member(&mut self, member: Member<'_>, unpacker: &mut Unpacker) -> ControlFlow<()>;

    /// Looks at another form of the part at `path`, or of a piece of it: a stream unpacked, a text in UTF-8, the source of
    /// a macro. It is no file of its own, so it has no type.
    fn decoded(&mut self, path: &str, bytes: &[u8], unpacker: &mut Unpacker) -> ControlFlow<()>;

    /// Is told what the part at `path` says of itself, if it says anything.
    fn facts(&mut self, path: &str, facts: &Facts, unpacker: &mut Unpacker) -> ControlFlow<()>;

    /// Is told of a member, or an archive, that cannot be looked at or must not be trusted. The walk
    /// goes on behind it where it can.
    fn refused(&mut self, refusal: Refusal);
}

/// How the walk of a part ended.
#[derive(Debug)]
pub struct Walked {
    /// What the part is, where its reader says so.
    pub content: Option<Content>,
    /// How many bytes from the beginning the reader has accounted for, where it counts them.
    pub covered: usize,
    /// `Break` if nothing more of the object can or need be looked at.
    pub flow: ControlFlow<()>,
}

/// What the walk of one object needs, across all archives in it.
#[derive(Debug)]
pub struct Unpacker {
    pub(crate) scratch: Scratch,
    pub(crate) budget: Budget,
    /// The path of the archive that is walked; empty for the object.
    pub(crate) here: String,
    pub(crate) depth: u32,
}

/// What an archive calls a member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'n> {
    /// What most programs read.
    pub(crate) main: &'n [u8],
    /// What others read.
    pub(crate) other: Option<&'n [u8]>,
}

impl<'n> From<&'n [u8]> for Names<'n> {
    fn from(main: &'n [u8]) -> Self {
        Self { main, other: None }
    }
}

/// The walk of one part.
pub(crate) struct Walk<'w> {
    pub(crate) unpacker: &'w mut Unpacker,
    pub(crate) visitor: &'w mut dyn Visitor,
    pub(crate) paths: Paths,
    pub(crate) facts: Facts,
    pub(crate) content: Option<Content>,
    pub(crate) covered: usize,
}

impl Walk<'_> {
    /// Notes that the part's bytes from `start` to `end` are accounted for. They must follow those before.
    pub(crate) fn covers(&mut self, start: usize, end: usize) {
        if start <= self.covered {
            self.covered = self.covered.max(end);
        }
    }

    pub(crate) fn budget(&mut self) -> &mut Budget {
        &mut self.unpacker.budget
    }

    /// Tells the visitor what is wrong with one member, unless the walk ends with it.
    pub(crate) fn refuse(&mut self, raw_name: &[u8], why: Why) -> Result<(), Stop> {
        let path = self.path_of(&path::shown(raw_name));
        let is_final = why.is_final();
        self.visitor.refused(Refusal { path, why });
        if is_final { Err(Stop::Enough) } else { Ok(()) }
    }

    fn path_of(&self, name: &str) -> String {
        let here = &self.unpacker.here;
        path::shorten(&if here.is_empty() { name.to_owned() } else { format!("{here}/{name}") })
    }

    /// Counts a member and checks its name.
    ///
    /// # Errors
    ///
    /// If it is one too many, or its name makes it unacceptable; to be given to [`Walk::refuse`].
    pub(crate) fn enter(&mut self, raw_name: &[u8], is_folder: bool) -> Result<(), Why> {
        self.budget().charge_member()?;
        let longest = self.budget().limits().path_bytes;
        if raw_name.len() > longest {
            return Err(Why::Limit(Exceeded::PathBytes(longest)));
        }
        let path = path::check(raw_name).map_err(Why::Name)?;
        if path.is_empty() && !is_folder {
            return Err(Why::Name(crate::NameFault::Empty));
        }
        if self.paths.is_behind_a_link(&path) {
            return Err(Why::Disagreement("it lies behind a link"));
        }
        if self.paths.insert(path, is_folder) { Ok(()) } else { Err(Why::Duplicate) }
    }

    /// Shows the visitor a member that is stored without compression.
    pub(crate) fn stored<'n>(&mut self, names: impl Into<Names<'n>>, bytes: &[u8]) -> Result<(), Stop> {
        let names = names.into();
        let size = bytes.len() as u64;
        let charged = self.budget().announced_member(size).and_then(|()| self.budget().charge(size));
        match charged {
            Ok(()) => self.show(names, bytes),
            Err(why) => self.refuse(names.main, why),
        }
    }

    /// Unpacks a member of at most `most` bytes, has `check` look at it and shows it the visitor.
    pub(crate) fn packed<'n>(
        &mut self,
        names: impl Into<Names<'n>>,
        content: &mut dyn Read,
        most: u64,
        fault: impl Fn(io::Error) -> Why,
        check: impl FnOnce(&[u8]) -> Result<(), Why>,
    ) -> Result<(), Stop> {
        let names = names.into();
        let Unpacker { scratch, budget, .. } = &mut *self.unpacker;
        let held = match scratch.hold(content, budget, most, fault) {
            Ok(held) => held,
            Err(Stop::Why(why)) => return self.refuse(names.main, why),
            Err(enough) => return Err(enough),
        };
        // A member that fails its checksum is shown all the same: a rule may match it.
        let checked = check(held.bytes());
        let shown = self.show(names, held.bytes());
        self.unpacker.scratch.release(held)?;
        shown?;
        checked.or_else(|why| self.refuse(names.main, why))
    }

    /// Says what the part is.
    pub(crate) fn is(&mut self, media_type: &'static str) {
        let flaw = self.content.take().and_then(|content| content.flaw);
        self.content = Some(Content { media_type: Cow::Borrowed(media_type), flaw });
    }

    /// Says what is wrong with the part, which said what it is.
    pub(crate) fn flaw(&mut self, flaw: Flaw) {
        if let Some(content) = &mut self.content {
            content.flaw.get_or_insert(flaw);
        }
    }

    /// Notes a fact about the part.
    pub(crate) fn fact(&mut self, kind: &'static str, fields: &[(&'static str, &str)]) -> Result<(), Stop> {
        let size = self.facts.push(kind, fields) as u64;
        self.budget().charge(size).map_err(Stop::Why)
    }

    /// Shows the visitor another form of the part, which is in memory already, or of the piece of it that `place` names.
    pub(crate) fn decoded(&mut self, place: &str, bytes: &[u8]) -> Result<(), Stop> {
        self.budget().charge(bytes.len() as u64)?;
        self.show_decoded(place, bytes)
    }

    /// The same for a form that has to be decoded first. What goes wrong while decoding is
    /// what `fault` makes of it.
    pub(crate) fn unpacked(
        &mut self,
        place: &str,
        content: &mut dyn Read,
        fault: impl Fn(io::Error) -> Why,
    ) -> Result<(), Stop> {
        let Unpacker { scratch, budget, .. } = &mut *self.unpacker;
        let held = scratch.hold(content, budget, u64::MAX, fault)?;
        let shown = self.show_decoded(place, held.bytes());
        self.unpacker.scratch.release(held)?;
        shown
    }

    fn show_decoded(&mut self, place: &str, bytes: &[u8]) -> Result<(), Stop> {
        let path = if place.is_empty() { self.unpacker.here.clone() } else { self.path_of(place) };
        match self.visitor.decoded(&path, bytes, self.unpacker) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Stop::Enough),
        }
    }

    fn show(&mut self, names: Names<'_>, bytes: &[u8]) -> Result<(), Stop> {
        let path = self.path_of(&path::shown(names.main));
        let name = path::name(names.main);
        let other_name = names.other.map(path::name);
        let outside = std::mem::replace(&mut self.unpacker.here, path.clone());
        let member = Member { path: &path, name: &name, other_name: other_name.as_deref(), bytes };
        let flow = self.visitor.member(member, self.unpacker);
        self.unpacker.here = outside;
        if flow.is_break() { Err(Stop::Enough) } else { Ok(()) }
    }
}
