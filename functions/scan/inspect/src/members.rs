//! The members of an archive, or of a document that is one: each is identified and scanned under
//! its own name, and walked in turn if it is an archive, whatever it is called.

use crate::{
    identify::{Flaw, identify},
    opaque,
};
use airlock_content::{
    Declared,
    media_types::{self, DEFAULT, MediaType},
    verdict::RuleMatch,
};
use airlock_engine::{EngineError, Scanner};
use airlock_unpack::{Budget, Format, Kind, Limits, Member, Refusal, Scratch, Unpacker, Visitor, Why};
use std::{fs::File, io::Cursor, ops::ControlFlow, time::Instant};

/// What unpacking may take unless a deployment says otherwise. The rules that ship look at 20 MB of
/// text in a second of one processor and at 180 MB of zeros, so what a small object can unpack to
/// is decided within seconds, and mapping its largest member takes less than 256 MB.
pub const LIMITS: Limits = Limits {
    depth: 8,
    members: 10_000,
    member_bytes: 128 << 20,
    total_bytes: 256 << 20,
    multiple: 8,
    // A log of some megabytes may compress a thousandfold; what is 100 times smaller than its
    // content at larger sizes is hardly ever honest.
    floor_bytes: 64 << 20,
    ratio: 100,
    path_bytes: 1024,
    window_bytes: 64 << 20,
};

/// A verdict is stored with its matches: after so many there is nothing more to learn.
const MOST_MATCHES: usize = 20;

/// What was found in an object's members.
#[derive(Default)]
pub(crate) struct Found {
    /// Rules that matched.
    pub(crate) matches: Vec<RuleMatch>,
    /// The first thing that no honest archive has.
    pub(crate) structure: Option<String>,
    /// The limit that ended the walk.
    pub(crate) limit: Option<String>,
    /// The first thing that could not be looked at.
    pub(crate) unscannable: Option<String>,
    /// Whether the time was over before all had been looked at.
    pub(crate) out_of_time: bool,
    /// Whether the object itself was too large to be looked into.
    pub(crate) is_too_large: bool,
}

/// Looks at all members of the object that `bytes` are, if it has some.
pub(crate) fn look_at(
    scanner: &mut Scanner<'_>,
    bytes: &[u8],
    scratch: File,
    limits: Limits,
    file_name: &str,
    deadline: Instant,
) -> Found {
    let mut members = Members { scanner, found: Found::default() };
    if let Some(format) = Format::of(bytes) {
        let budget = Budget::new(limits, bytes.len() as u64, deadline);
        let mut unpacker = Unpacker::new(Scratch::new(scratch), budget);
        // What ended the walk has been noted.
        let _: ControlFlow<()> = unpacker.walk(format, file_name, bytes, &mut members);
    }
    members.found
}

struct Members<'m, 'e> {
    scanner: &'m mut Scanner<'e>,
    found: Found,
}

impl Visitor for Members<'_, '_> {
    fn member(&mut self, member: Member<'_>, unpacker: &mut Unpacker) -> ControlFlow<()> {
        // First, because this has limits: identification reads directories of ZIPs as they come.
        if let Some(format) = Format::of(member.bytes) {
            unpacker.walk(format, member.name, member.bytes, self)?;
        } else if let Some(format) = opaque::format(member.bytes) {
            let why = Why::Unsupported(format!("the {format} format"));
            self.refused(Refusal { path: member.path.to_owned(), why });
        }
        let media_type = match identify(Cursor::new(member.bytes), expected(member.name)) {
            Ok(content) => {
                if let Some(flaw) = content.flaw {
                    self.flawed(member.path, &flaw);
                }
                content.media_type
            }
            Err(error) => {
                self.cannot(format!("{}: it could not be read: {error}", member.path));
                return ControlFlow::Continue(());
            }
        };
        let size = member.bytes.len() as u64;
        let declared = Declared { content_type: &media_type, file_name: member.name, size };
        let left = unpacker.budget().deadline().saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.found.out_of_time = true;
            return ControlFlow::Break(());
        }
        match self.scanner.scan(member.bytes, &declared, left) {
            Ok(matches) => self.matched(member.path, matches),
            Err(EngineError::TimedOut(_)) => {
                self.found.out_of_time = true;
                ControlFlow::Break(())
            }
            Err(error) => {
                self.cannot(format!("{}: {error}", member.path));
                ControlFlow::Continue(())
            }
        }
    }

    fn refused(&mut self, refusal: Refusal) {
        let kind = refusal.why.kind();
        self.found.is_too_large |= kind == Kind::Limit && refusal.path.is_empty();
        let noted = match kind {
            Kind::Structure => &mut self.found.structure,
            Kind::Limit => &mut self.found.limit,
            Kind::Unscannable => &mut self.found.unscannable,
            Kind::Time => {
                self.found.out_of_time = true;
                return;
            }
        };
        noted.get_or_insert_with(|| refusal.to_string());
    }
}

impl Members<'_, '_> {
    fn cannot(&mut self, reason: String) {
        self.found.unscannable.get_or_insert(reason);
    }

    /// Archives hold broken files for good reasons, but none for files that are two things at once
    /// or hide macros.
    fn flawed(&mut self, path: &str, flaw: &Flaw) {
        let noted = match flaw {
            Flaw::Polyglot(_) | Flaw::Macros(_) => &mut self.found.structure,
            Flaw::Encrypted(_) => &mut self.found.unscannable,
            Flaw::Malformed(_) | Flaw::Trailing(_) => return,
        };
        noted.get_or_insert_with(|| format!("{path}: {flaw}"));
    }

    fn matched(&mut self, path: &str, matches: Vec<RuleMatch>) -> ControlFlow<()> {
        let inside = matches.into_iter().map(|found| RuleMatch { member: Some(path.to_owned()), ..found });
        self.found.matches.extend(inside);
        if self.found.matches.len() < MOST_MATCHES {
            return ControlFlow::Continue(());
        }
        self.found.matches.truncate(MOST_MATCHES);
        ControlFlow::Break(())
    }
}

/// What the owner of a file of this name holds it to be: of text, only the name tells the kind.
fn expected(name: &str) -> &'static MediaType {
    const PLAIN: &MediaType = &MediaType { name: "text/plain", extensions: &["txt"], aliases: &[] };
    let extension = media_types::extension(name).unwrap_or_default();
    DEFAULT.iter().find(|known| known.extensions.contains(&extension.as_str())).unwrap_or(PLAIN)
}
