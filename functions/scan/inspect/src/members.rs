//! The members of an archive, or of a document that is one. Each is identified and scanned under its own name. A
//! member that is an archive is walked in turn, whatever its name.

use crate::{Seen, remedy::Remedy, unopened};
use airlock_content::{
    Declared, FACTS,
    media_types::{self, MediaType, PLAIN_TEXT},
    members::{AllowedMembers, Class, NotTaken},
    verdict::RuleMatch,
};
use airlock_engine::{EngineError, Scanner};
use airlock_formats::{
    Budget, Facts, Format, Kind, Limits, Member, Refusal, Scratch, Unpacker, Visitor, Walked,
    identify::{Content, Flaw, identify},
    opaque,
    zips::SeenZips,
};
use std::{
    borrow::Cow,
    fs::File,
    io::{self, Cursor},
    ops::ControlFlow,
    time::Instant,
};

/// The limits of unpacking. The rules that ship scan 20 MB of text or 180 MB of zeros in a second of one processor, so
/// an inspection of what a small object can unpack to takes seconds, and mapping its largest member takes less than
/// 256 MB.
pub const LIMITS: Limits = Limits {
    depth: 8,
    members: 10_000,
    member_bytes: 128 << 20,
    total_bytes: 256 << 20,
    multiple: 8,
    // A log of some megabytes may compress a thousandfold. Larger content that compresses more than a hundredfold is
    // hardly ever honest.
    floor_bytes: 64 << 20,
    ratio: 100,
    path_bytes: 1024,
    window_bytes: 64 << 20,
    // The largest cameras have 150 million, a panorama of a phone fewer, and viewers end near 2^29.
    pixels: 500_000_000,
    frames: 100_000,
};

/// The most matches of one object. They are stored with the verdict, and more would say nothing new.
const MOST_MATCHES: usize = 20;

/// What was found in an object's members.
#[derive(Default)]
pub(crate) struct Found {
    /// Rules that matched.
    pub(crate) matches: Vec<RuleMatch>,
    /// The first thing that only a malicious archive has.
    pub(crate) structure: Option<String>,
    /// The limit that ended the walk.
    pub(crate) limit: Option<String>,
    /// The first thing that could not be looked at.
    pub(crate) unscannable: Option<String>,
    /// Whether time ran out before everything was inspected.
    pub(crate) out_of_time: bool,
    /// Whether the object itself is over a limit.
    pub(crate) is_too_large: bool,
}

/// What is declared of an object, and what it may hold and use.
pub(crate) struct Scope<'t> {
    /// The policy of members.
    pub(crate) allowed: &'t AllowedMembers,
    /// What the object is declared to be, if that can be.
    pub(crate) media_type: Option<&'static MediaType>,
    pub(crate) file_name: &'t str,
    /// The media type as it was declared.
    pub(crate) declared_type: &'t str,
    pub(crate) limits: Limits,
    pub(crate) deadline: Instant,
}

/// Inspects all members of the object `bytes`. Also returns what the object itself is, unless there was no time to
/// identify it or it is too large.
pub(crate) fn look_at(
    scanner: &mut Scanner<'_>,
    bytes: &[u8],
    scratch: File,
    scope: &Scope<'_>,
    seen: Option<&mut Seen>,
) -> (Found, Option<io::Result<Content>>) {
    let mut members = Members {
        scanner,
        allowed: scope.allowed,
        found: Found::default(),
        zips: SeenZips::default(),
        part: Part::default(),
        seen,
    };
    let budget = Budget::new(scope.limits, bytes.len() as u64, scope.deadline);
    let mut unpacker = Unpacker::new(Scratch::new(scratch), budget);
    let object = Member { path: "", name: scope.file_name, other_name: None, bytes };
    // The reason why a walk ended is in `found`.
    let (walked, _) = members.walk(object, scope.declared_type, &mut unpacker);
    let content = match scope.media_type {
        // Identification reads the whole directory of a ZIP, which must be within the limits.
        _ if members.found.is_too_large => None,
        None => None,
        // An inspection that takes too long is killed, and then nothing of what it found is known.
        Some(_) if Instant::now() >= scope.deadline => {
            members.found.out_of_time = true;
            None
        }
        Some(expected) => Some(members.identify(object, walked, expected)),
    };
    (members.found, content)
}

struct Members<'m, 'e> {
    scanner: &'m mut Scanner<'e>,
    allowed: &'m AllowedMembers,
    found: Found,
    zips: SeenZips,
    /// The part that is read at the moment.
    part: Part,
    seen: Option<&'m mut Seen>,
}

/// What rules are told of a part whose forms and facts they see.
#[derive(Clone, Default)]
struct Part {
    name: String,
    media_type: String,
}

/// What the walk of a part told.
#[derive(Default)]
struct Read {
    /// Whether it was walked as something that is there to hold files.
    is_archive: bool,
    /// What it is, where its reader says so.
    content: Option<Content>,
}

impl Visitor for Members<'_, '_> {
    fn member(&mut self, member: Member<'_>, unpacker: &mut Unpacker) -> ControlFlow<()> {
        self.zips.saw(member.bytes);
        // The walk comes first, because it has limits: identification reads a ZIP's directory of any size.
        let expected = expected(member.name);
        let (read, flow) = self.walk(member, expected.name, unpacker);
        flow?;
        let content = match self.identify(member, read, expected) {
            Ok(content) => content,
            Err(error) => {
                self.cannot(format!("{}: it could not be read: {error}", member.path));
                return ControlFlow::Continue(());
            }
        };
        if let Some(seen) = &mut self.seen {
            seen.part(member.path, Some(&content.media_type), member.bytes);
        }
        if let Some(flaw) = &content.flaw {
            self.flawed(member.path, flaw);
        }
        self.hold_against_policy(member, &content.media_type);
        self.scan(member.path, member.bytes, member.name, &content.media_type, unpacker)
    }

    fn decoded(&mut self, path: &str, bytes: &[u8], unpacker: &mut Unpacker) -> ControlFlow<()> {
        if let Some(seen) = &mut self.seen {
            seen.part(path, None, bytes);
        }
        let Part { name, media_type } = self.part.clone();
        self.scan(path, bytes, &name, &media_type, unpacker)
    }

    fn facts(&mut self, path: &str, facts: &Facts, unpacker: &mut Unpacker) -> ControlFlow<()> {
        for (kind, line) in facts.each() {
            if let Some(seen) = &mut self.seen {
                seen.facts.push((path.to_owned(), line.to_owned()));
            }
            if let Some(NotTaken { one, .. }) = self.allowed.refuse_fact(kind) {
                self.has(path, one, line);
            }
        }
        let name = self.part.name.clone();
        self.scan(path, facts.text().as_bytes(), &name, FACTS, unpacker)
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
        noted.get_or_insert_with(|| Remedy::of_refusal(&refusal.why).after(&refusal));
    }
}

impl Members<'_, '_> {
    /// Walks `part`, the object or a member, as what it is. A part with a second format is refused: another program would see content that was not inspected.
    fn walk(
        &mut self,
        part: Member<'_>,
        media_type: &str,
        unpacker: &mut Unpacker,
    ) -> (Read, ControlFlow<()>) {
        let formats = Format::all_of(part.bytes);
        let Some(format) = formats.first() else { return (Read::default(), ControlFlow::Continue(())) };
        let outside = self.zips.enter();
        let here = Part { name: part.name.to_owned(), media_type: media_type.to_owned() };
        let around = std::mem::replace(&mut self.part, here);
        let Walked { content, flow, .. } = unpacker.walk(*format, part.name, part.bytes, self);
        self.part = around;
        if matches!(format, Format::Text(_)) {
            // What is read as text may still be what nothing here opens, or another archive.
            self.zips.leave(outside);
            return (Read { is_archive: false, content }, flow);
        }
        let is_zip_too = self.zips.is_zip_too(*format, part.bytes);
        self.zips.leave(outside);
        if let Some(second) = formats.get(1) {
            self.opens_as(part.path, &second.to_string());
        } else if is_zip_too {
            self.opens_as(part.path, "application/zip");
        } else if let Some(second) = opaque::elsewhere(part.bytes) {
            self.opens_as(part.path, second);
        }
        (Read { is_archive: formats.iter().any(|format| format.is_archive()), content }, flow)
    }

    /// Identifies `part`, the object or a member. A part that was recognised as an archive, a compressed or an
    /// encrypted file, and was not walked, is unscannable.
    fn identify(&mut self, part: Member<'_>, read: Read, expected: &MediaType) -> io::Result<Content> {
        let content = match read.content {
            Some(content) => content,
            None => identify(Cursor::new(part.bytes), expected)?,
        };
        // The list of a document's parts says whether the document is encrypted.
        let (path, is_encrypted) = match opaque::lists_encrypted_parts(part.path, part.bytes) {
            Some(document) => (document, true),
            None => (part.path, false),
        };
        let unopened = if is_encrypted {
            Some(Cow::Borrowed("encrypted OpenDocument"))
        } else if !read.is_archive {
            unopened::format(&content, part.bytes)
        } else {
            None
        };
        if let Some(format) = unopened {
            let remedy = if is_encrypted { Remedy::Unlock } else { Remedy::PackOtherwise };
            let what = format_args!("{}its format is {format}, which cannot be checked here", prefix(path));
            self.cannot(remedy.after(what));
        }
        Ok(content)
    }

    /// Runs the rules over bytes of the part at `path`.
    fn scan(
        &mut self,
        path: &str,
        bytes: &[u8],
        file_name: &str,
        media_type: &str,
        unpacker: &Unpacker,
    ) -> ControlFlow<()> {
        let declared = Declared { content_type: media_type, file_name, size: bytes.len() as u64 };
        let left = unpacker.budget().deadline().saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.found.out_of_time = true;
            return ControlFlow::Break(());
        }
        match self.scanner.scan(bytes, &declared, left) {
            Ok(matches) => self.matched(path, matches),
            Err(EngineError::TimedOut(_)) => {
                self.found.out_of_time = true;
                ControlFlow::Break(())
            }
            Err(error) => {
                self.cannot(format!("{}{error}", prefix(path)));
                ControlFlow::Continue(())
            }
        }
    }

    fn cannot(&mut self, reason: String) {
        self.found.unscannable.get_or_insert(reason);
    }

    fn opens_as(&mut self, path: &str, what: &str) {
        let what = format_args!("{}it also opens as {what}", prefix(path));
        self.found.structure.get_or_insert_with(|| Remedy::SaveAgain.after(what));
    }

    /// The type of the content is checked before the name, which may be wrong. The reason says which one is refused.
    fn hold_against_policy(&mut self, member: Member<'_>, media_type: &str) {
        if let Some(not_taken) = self.allowed.refuse_type(media_type) {
            return self.not_taken(member.path, not_taken);
        }
        let named = |name: Option<&str>| name.and_then(|name| self.allowed.refuse_name(name));
        let (NotTaken { one, all, .. }, instead) = match (named(Some(member.name)), named(member.other_name))
        {
            (Some(not_taken), _) => (not_taken, None),
            (None, Some(not_taken)) => (not_taken, member.other_name),
            (None, None) => return,
        };
        let also = instead.map_or_else(String::new, |name| format!(", also called {name},"));
        self.found.structure.get_or_insert_with(|| {
            Remedy::LeaveOut.after(format_args!(
                "{}{also} has the name of {one}, and {all} are not taken here inside archives",
                member.path
            ))
        });
    }

    fn not_taken(&mut self, path: &str, NotTaken { one, .. }: NotTaken) {
        self.found.structure.get_or_insert_with(|| {
            Remedy::LeaveOut.after(format_args!("it holds {one}, {path}, which is not taken here"))
        });
    }

    /// Notes what a document has that is not taken, with the fact that says so.
    fn has(&mut self, path: &str, one: &str, line: &str) {
        const SHOWN: usize = 200;
        let fact: String = line.chars().take(SHOWN).collect();
        self.found.structure.get_or_insert_with(|| {
            Remedy::LeaveOut
                .after(format_args!("{}it has {one}, which is not taken here ({fact})", prefix(path)))
        });
    }

    /// An honest archive may hold a broken file, but not a file of two types.
    fn flawed(&mut self, path: &str, flaw: &Flaw) {
        match flaw {
            Flaw::Polyglot(what) => self.opens_as(path, what),
            Flaw::Hidden(what) => {
                let what = format_args!("{}{what}", prefix(path));
                self.found.structure.get_or_insert_with(|| Remedy::of_flaw(flaw).after(what));
            }
            Flaw::Macros(_) => {
                if let Some(not_taken) = self.allowed.refuse_class(Class::Macros) {
                    self.not_taken(path, not_taken);
                }
            }
            Flaw::Encrypted(_) => self.cannot(Remedy::Unlock.after(format_args!("{path}: {flaw}"))),
            Flaw::Malformed(_) | Flaw::Trailing(_) => {}
        }
    }

    /// A match of a rule that only recognises a class of members is not malicious: the policy decides.
    fn matched(&mut self, path: &str, matches: Vec<RuleMatch>) -> ControlFlow<()> {
        for found in matches {
            match self.scanner.member_class(&found.rule) {
                None => {
                    let member = (!path.is_empty()).then(|| path.to_owned());
                    let found = RuleMatch { member, ..found };
                    // A rule may match several forms of one part.
                    if !self.found.matches.contains(&found) {
                        self.found.matches.push(found);
                    }
                }
                Some(class) => {
                    if let Some(not_taken) = self.allowed.refuse_named(class) {
                        self.not_taken(path, not_taken);
                    }
                }
            }
        }
        if self.found.matches.len() < MOST_MATCHES {
            return ControlFlow::Continue(());
        }
        self.found.matches.truncate(MOST_MATCHES);
        ControlFlow::Break(())
    }
}

fn prefix(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}

/// The type that the name of a member suggests. Only the name tells one kind of text from another.
fn expected(name: &str) -> &'static MediaType {
    media_types::of_file_name(name).unwrap_or(&PLAIN_TEXT)
}
