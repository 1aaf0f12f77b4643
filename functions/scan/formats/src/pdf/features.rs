//! What a file does besides showing pages, as facts: scripts, actions, attachments, films (ISO 32000-2, sections 12.6,
//! 7.11.4 and 13).

use super::{
    calculation::is_calculation,
    document::{Document, Found, Place, is_name},
    filters::{Filter, unpacked},
    syntax::{Dict, Object, text},
    triggers::{Trigger, triggers},
};
use crate::{
    refusal::{Stop, Why},
    walk::Walk,
};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    io::Read,
};

/// How much of a value a fact shows, in characters.
const SHOWN: usize = 200;

/// The longest script, in bytes. All of it is in memory.
const LONGEST_SCRIPT: u64 = 16 << 20;

/// Where an action or a file specification has names of files and addresses.
const TARGETS: [&str; 8] = ["Win", "Mac", "Unix", "UF", "F", "DOS", "URI", "P"];

/// Looks for features in all objects.
pub(super) struct Features<'f, 'w, 'd> {
    pub(super) walk: &'f mut Walk<'w>,
    pub(super) document: &'f Document<'d>,
    triggers: HashMap<u32, Trigger>,
    /// Facts that were stated.
    stated: HashSet<String>,
    /// Numbers of the objects whose streams were shown as attachments.
    attached: HashSet<usize>,
    has_flash: bool,
    has_media: bool,
    scripts: u32,
}

impl<'f, 'w, 'd> Features<'f, 'w, 'd> {
    pub(super) fn new(walk: &'f mut Walk<'w>, document: &'f Document<'d>) -> Result<Self, Why> {
        let triggers = triggers(document)?;
        let (stated, attached) = Default::default();
        Ok(Self {
            walk,
            document,
            triggers,
            stated,
            attached,
            has_flash: false,
            has_media: false,
            scripts: 0,
        })
    }

    /// States all facts, and shows the scripts and the attachments.
    pub(super) fn look(&mut self) -> Result<(), Stop> {
        let document = self.document;
        let mut files = Vec::new();
        for at in 0..document.places.len() {
            let read = document.read_at(at)?;
            let trigger = self.triggers.get(&read.place.id.0).copied().unwrap_or(Trigger::Nothing);
            self.visit(read.place, &read.object, trigger)?;
            if let Object::Dict(dict) = &read.object
                && read.is_stream()
            {
                self.announced(dict)?;
                if self.is(dict, "Type", "EmbeddedFile")? {
                    files.push(at);
                }
            }
        }
        // Those that no file specification names.
        for at in files {
            self.attach(at, "")?;
        }
        if self.has_media {
            let kind = if self.has_flash { "Flash" } else { "other" };
            self.fact("pdf.richmedia", &[("kind", kind)])?;
        }
        Ok(())
    }

    /// Whether the stream at this place was shown already.
    pub(super) fn is_attached(&self, at: usize) -> bool {
        self.attached.contains(&at)
    }

    fn visit(&mut self, place: Place, object: &Object<'_>, trigger: Trigger) -> Result<(), Stop> {
        match object {
            Object::Array(items) => items.iter().try_for_each(|item| self.visit(place, item, trigger)),
            Object::Dict(dict) => {
                self.dict(place, dict, trigger)?;
                dict.0.iter().try_for_each(|(key, value)| self.visit(place, value, trigger.of(key)))
            }
            _ => Ok(()),
        }
    }

    fn is(&self, dict: &Dict<'_>, key: &str, name: &str) -> Result<bool, Why> {
        for value in dict.all(key) {
            if self.every(value)?.iter().any(|(value, _)| is_name(value, name)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A value as all objects that it may stand for, with their places if they are not written here.
    fn every<'s>(&self, value: &Object<'s>) -> Result<Vec<(Object<'s>, Option<usize>)>, Why>
    where
        'f: 's,
    {
        let mut all = Vec::new();
        let mut left = vec![(value.clone(), None)];
        while let Some((value, at)) = left.pop() {
            match value {
                Object::Ref(number) if all.len() + left.len() < 64 => {
                    for at in self.document.with_number(number) {
                        left.push((self.document.read_at(at)?.object, Some(at)));
                    }
                }
                Object::Ref(_) => return Err(Why::Unsupported("one object in many versions".to_owned())),
                value => all.push((value, at)),
            }
        }
        Ok(all)
    }

    fn dict(&mut self, place: Place, dict: &Dict<'_>, trigger: Trigger) -> Result<(), Stop> {
        for value in dict.all("S") {
            for (kind, _) in self.every(value)? {
                if let Object::Name(kind) = kind {
                    self.action(place, dict, &kind, trigger)?;
                }
            }
        }
        for value in dict.all("XFA") {
            self.form(value)?;
        }
        for value in dict.all("OnInstantiate") {
            self.script(place, value, "open")?;
        }
        for value in dict.all("EF") {
            for (files, _) in self.every(value)? {
                if let Object::Dict(files) = files {
                    self.files(place, dict, &files)?;
                }
            }
        }
        self.has_media |= self.is(dict, "Subtype", "RichMedia")?;
        self.has_flash |= self.is(dict, "Subtype", "Flash")?;
        Ok(())
    }

    fn action(&mut self, place: Place, dict: &Dict<'_>, kind: &[u8], trigger: Trigger) -> Result<(), Stop> {
        let on = trigger.name();
        match kind {
            b"JavaScript" | b"Rendition" => {
                for value in dict.all("JS") {
                    self.script(place, value, on)?;
                }
                Ok(())
            }
            b"Launch" | b"ImportData" | b"SubmitForm" => self.act(place, dict, kind, on),
            b"GoToR" | b"GoToE" | b"Thread" => {
                let is_elsewhere = self.target(place, dict)?.is_some_and(|target| is_elsewhere(&target));
                if is_elsewhere { self.act(place, dict, kind, on) } else { Ok(()) }
            }
            b"URI" => {
                let target = self.target(place, dict)?.unwrap_or_default();
                if target.trim_start().to_ascii_lowercase().starts_with("javascript:") {
                    return self.told("pdf.script", on, &target);
                }
                let is_alone = matches!(trigger, Trigger::Open | Trigger::Event);
                if is_alone { self.act(place, dict, kind, on) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    fn act(&mut self, place: Place, dict: &Dict<'_>, kind: &[u8], on: &str) -> Result<(), Stop> {
        let kind = String::from_utf8_lossy(kind);
        let target = self.target(place, dict)?.unwrap_or_default();
        let target: String = target.chars().take(SHOWN).collect();
        self.fact("pdf.action", &[("kind", &kind), ("on", on), ("target", &target)])
    }

    /// The files or addresses that an action leads to: strings, in file specifications, or by systems.
    fn target(&self, place: Place, dict: &Dict<'_>) -> Result<Option<String>, Why> {
        let mut told = Vec::new();
        for (value, place) in self.values_of(place, dict, &TARGETS)? {
            match value {
                Object::Text(bytes) => told.push(text(&self.document.string(place, &bytes))),
                Object::Dict(inner) => {
                    for (value, place) in self.values_of(place, &inner, &TARGETS)? {
                        if let Object::Text(bytes) = value {
                            told.push(text(&self.document.string(place, &bytes)));
                        }
                    }
                }
                _ => {}
            }
        }
        told.dedup();
        Ok((!told.is_empty()).then(|| told.join(" ")))
    }

    /// Whatever some keys stand for, with the place where it is written.
    fn values_of<'s>(
        &self,
        place: Place,
        dict: &Dict<'s>,
        keys: &[&str],
    ) -> Result<Vec<(Object<'s>, Place)>, Why>
    where
        'f: 's,
    {
        let mut all = Vec::new();
        for value in keys.iter().flat_map(|key| dict.all(key)) {
            let every = self.every(value)?.into_iter();
            all.extend(every.map(|(value, at)| (value, at.map_or(place, |at| self.document.places[at]))));
        }
        Ok(all)
    }

    /// A script, which is a string or a stream.
    fn script(&mut self, place: Place, value: &Object<'_>, on: &str) -> Result<(), Stop> {
        for (value, at) in self.every(value)? {
            let code = match (&value, at) {
                (Object::Text(bytes), at) => {
                    let place = at.map_or(place, |at| self.document.places[at]);
                    text(&self.document.string(place, bytes))
                }
                (Object::Dict(_), Some(at)) => text(&self.all_of(at)?),
                _ => continue,
            };
            if is_calculation(&code) {
                self.told("pdf.calculation", on, &code)?;
            } else if !code.trim_matches(['\0', ' ', '\t', '\r', '\n']).is_empty() {
                self.told("pdf.script", on, &code)?;
                self.scripts += 1;
                self.walk.decoded(&format!("script {}", self.scripts), code.as_bytes())?;
            }
        }
        Ok(())
    }

    fn told(&mut self, kind: &'static str, on: &str, code: &str) -> Result<(), Stop> {
        let code: String = code.chars().take(SHOWN).collect();
        self.fact(kind, &[("on", on), ("code", &code)])
    }

    /// All of a stream that is read to be understood.
    fn all_of(&mut self, at: usize) -> Result<Vec<u8>, Stop> {
        let read = self.document.read_at(at)?;
        let (data, filters) = self.packed(&read, false)?;
        let mut all = Vec::new();
        unpacked(&data, &filters).take(LONGEST_SCRIPT + 1).read_to_end(&mut all).map_err(Why::broken)?;
        self.walk.budget().charge(all.len() as u64)?;
        if all.len() as u64 > LONGEST_SCRIPT {
            return Err(Why::Limit(crate::Exceeded::MemberBytes(LONGEST_SCRIPT)).into());
        }
        Ok(all)
    }

    /// The data of a stream that must be readable, and how.
    fn packed(&self, read: &Found<'_>, is_file: bool) -> Result<(Cow<'d, [u8]>, Vec<Filter>), Why> {
        let Object::Dict(dict) = &read.object else { return Ok((Cow::Borrowed(&[]), Vec::new())) };
        let filters = self.document.filters(dict)?;
        if let Some(Filter::Unknown(name)) =
            filters.iter().find(|filter| matches!(filter, Filter::Unknown(_)))
        {
            return Err(Why::Unsupported(format!("the filter {name}")));
        }
        Ok((self.document.data(read, is_file)?, filters))
    }

    /// A form of the XML Forms Architecture, in one stream or in pieces.
    fn form(&mut self, value: &Object<'_>) -> Result<(), Stop> {
        let mut form = Vec::new();
        for (value, at) in self.every(value)? {
            match (&value, at) {
                (Object::Dict(_), Some(at)) => form.push(self.all_of(at)?),
                (Object::Array(pieces), _) => {
                    for piece in pieces {
                        for (piece, at) in self.every(piece)? {
                            if let (Object::Dict(_), Some(at)) = (piece, at) {
                                form.push(self.all_of(at)?);
                            }
                        }
                    }
                }
                // Nothing else holds pieces of a form.
                _ => {}
            }
        }
        // Where zeros are left out, text of two bytes a letter reads as other text does.
        let mut xml = form.concat();
        xml.retain(|byte| *byte != 0);
        let mut ends = memchr::memmem::find_iter(&xml, b"script");
        if ends.any(|at| at > 0 && matches!(xml[at - 1], b'<' | b':')) {
            self.fact("pdf.script", &[("on", "form"), ("code", "XFA")])?;
        }
        Ok(())
    }

    /// Files that a file specification carries, under their name.
    fn files(&mut self, place: Place, specification: &Dict<'_>, files: &Dict<'_>) -> Result<(), Stop> {
        let names = self.values_of(place, specification, &["UF", "F", "Unix", "DOS", "Mac"])?;
        let name = names.iter().find_map(|(value, place)| match value {
            Object::Text(bytes) => Some(text(&self.document.string(*place, bytes))),
            _ => None,
        });
        let name = name.unwrap_or_default();
        self.has_flash |= name.to_ascii_lowercase().ends_with(".swf");
        for (_, value) in &files.0 {
            for (_, at) in self.every(value)? {
                if let Some(at) = at {
                    self.attach(at, &name)?;
                }
            }
        }
        Ok(())
    }

    /// An embedded file is a member.
    fn attach(&mut self, at: usize, name: &str) -> Result<(), Stop> {
        let read = self.document.read_at(at)?;
        let Object::Dict(dict) = &read.object else { return Ok(()) };
        if !read.is_stream() || self.attached.contains(&at) {
            return Ok(());
        }
        self.attached.insert(at);
        let kind = match self.document.resolved(dict.get("Subtype"))? {
            Some(Object::Name(kind)) => String::from_utf8_lossy(&kind).into_owned(),
            _ => String::new(),
        };
        let unnamed = format!("attachment {}", read.place.id.0);
        let name = if name.is_empty() { unnamed.as_str() } else { name };
        self.fact("pdf.attachment", &[("name", name), ("type", &kind)])?;
        let (data, filters) = self.packed(&read, true)?;
        self.walk.budget().charge_member()?;
        self.walk.packed(name.as_bytes(), &mut *unpacked(&data, &filters), u64::MAX, Why::broken, |_| Ok(()))
    }

    /// Sizes that a stream announces count, whatever it has.
    fn announced(&mut self, dict: &Dict<'_>) -> Result<(), Stop> {
        let number = |key: &str| match self.document.resolved(dict.get(key)) {
            Ok(Some(Object::Number(number))) => u64::try_from(number).unwrap_or(0),
            _ => 0,
        };
        // A bit a pixel at least.
        let sizes = [number("Length"), number("DL"), number("Width").saturating_mul(number("Height")) / 8];
        let budget = self.walk.budget();
        sizes.into_iter().try_for_each(|size| budget.announced_member(size)).map_err(Stop::Why)
    }

    fn fact(&mut self, kind: &'static str, fields: &[(&'static str, &str)]) -> Result<(), Stop> {
        let line = format!("{kind}{fields:?}");
        if self.stated.insert(line) { self.walk.fact(kind, fields) } else { Ok(()) }
    }
}

/// Whether a file's name leads to another machine.
fn is_elsewhere(target: &str) -> bool {
    target.split(' ').any(|part| part.starts_with("\\\\") || part.starts_with("//") || part.contains("://"))
}
