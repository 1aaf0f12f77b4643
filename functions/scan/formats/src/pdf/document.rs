//! All objects of a file: whatever stands behind `N G obj` anywhere in it, and whatever the object streams hold. Tables
//! are not asked: they only choose among these objects, and viewers that repair a file choose others. So nothing that
//! any viewer can find is missing here: no older revision, nothing that a table hides, nothing inside another object.

use super::{
    crypt::{Crypt, Id},
    filters::{Filter, MOST_FILTERS, Predictor, unpacked},
    marks::{data_start, ids_before},
    syntax::{Dict, Object, Parser, is_space},
};
use crate::{
    refusal::{Exceeded, Stop, Why},
    walk::Walk,
};
use memchr::memmem;
use std::{
    borrow::Cow,
    cell::Cell,
    collections::{HashMap, HashSet},
    io::Read,
};

/// How often the bytes of a file may be parsed. An object is read some times over, and objects that begin within
/// others are read in each of them; only a file that is made for it exceeds this.
const MOST_WORK: u64 = 32;
const LEAST_WORK: u64 = 16 << 20;

/// What the list of objects takes for each, about.
const BYTES_PER_OBJECT: u64 = 64;

/// How many references may lead to each other.
const MOST_HOPS: u32 = 8;

/// Where an object stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) id: Id,
    /// In which object stream; none is the file.
    stream: Option<usize>,
    at: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// What follows the word `trailer`.
    Trailer,
}

/// An object that was read.
#[derive(Debug)]
pub(super) struct Found<'d> {
    pub(super) place: Place,
    pub(super) object: Object<'d>,
    /// Where the data of a stream begin.
    data: Option<usize>,
}

/// All objects of a file.
pub(super) struct Document<'d> {
    file: &'d [u8],
    streams: Vec<Vec<u8>>,
    pub(super) places: Vec<Place>,
    by_number: HashMap<u32, Vec<usize>>,
    /// Where the word `endstream` stands.
    ends: Vec<usize>,
    pub(super) crypt: Option<Crypt>,
    work: Cell<u64>,
    /// Which places are object streams.
    packed: HashSet<usize>,
}

impl<'d> Document<'d> {
    /// Finds all objects of a file.
    pub(super) fn read(walk: &mut Walk<'_>, file: &'d [u8]) -> Result<Self, Stop> {
        let mut places = Vec::new();
        for at in memmem::find_iter(file, b"obj") {
            let ids = ids_before(&file[..at]);
            places.extend(ids.map(|id| Place { id, stream: None, at: at + 3, kind: Kind::Plain }));
        }
        let trailers = memmem::find_iter(file, b"trailer").map(|at| at + 7);
        places.extend(trailers.map(|at| Place { id: (0, 0), stream: None, at, kind: Kind::Trailer }));
        let ends = memmem::find_iter(file, b"endstream").collect();
        let mut document = Self {
            file,
            streams: Vec::new(),
            places,
            by_number: HashMap::new(),
            ends,
            crypt: None,
            work: Cell::new((file.len() as u64 * MOST_WORK).max(LEAST_WORK)),
            packed: HashSet::new(),
        };
        document.bounded(walk)?;
        document.index(0);
        let packed = document.look_for_streams_and_encryption()?;
        for at in packed {
            document.unpack_objects(walk, at)?;
            document.packed.insert(at);
        }
        Ok(document)
    }

    /// The list of objects is in memory.
    fn bounded(&self, walk: &mut Walk<'_>) -> Result<(), Why> {
        let most = walk.budget().limits().window_bytes;
        let needs = self.places.len() as u64 * BYTES_PER_OBJECT;
        if needs > most { Err(Why::Limit(Exceeded::WindowBytes(most))) } else { Ok(()) }
    }

    fn index(&mut self, from: usize) {
        for (at, place) in self.places.iter().enumerate().skip(from) {
            if place.kind == Kind::Plain {
                self.by_number.entry(place.id.0).or_default().push(at);
            }
        }
    }

    /// Finds out how the file is encrypted, and answers where the object streams are.
    fn look_for_streams_and_encryption(&mut self) -> Result<Vec<usize>, Why> {
        let mut packed = Vec::new();
        let mut crypt = None;
        for at in 0..self.places.len() {
            let read = self.read_at(at)?;
            let Object::Dict(dict) = &read.object else { continue };
            let is_xref = self.resolved(dict.get("Type"))?.is_some_and(|kind| is_name(&kind, "XRef"));
            if (is_xref || read.place.kind == Kind::Trailer) && crypt.is_none() {
                crypt = self.encryption(dict)?;
            }
            // Some viewers do not ask for the type.
            if read.data.is_some() && dict.has("First") && dict.has("N") {
                packed.push(at);
            }
        }
        self.crypt = crypt;
        Ok(packed)
    }

    fn encryption(&self, trailer: &Dict<'_>) -> Result<Option<Crypt>, Why> {
        let how = match self.resolved(trailer.get("Encrypt"))? {
            None | Some(Object::Null) => return Ok(None),
            Some(Object::Dict(how)) => how,
            Some(_) => return Err(Why::Encrypted),
        };
        let mut values = Vec::new();
        for (key, value) in how.0 {
            values.push((key, self.resolved(Some(&value))?.unwrap_or(Object::Null)));
        }
        let id = match self.resolved(trailer.get("ID"))? {
            Some(Object::Array(parts)) => self.resolved(parts.first())?,
            _ => None,
        };
        let id = if let Some(Object::Text(id)) = id { id.into_owned() } else { Vec::new() };
        Crypt::new(&Dict(values), &id).ok_or(Why::Encrypted).map(Some)
    }

    /// Puts the objects of an object stream (section 7.5.7) with the others.
    fn unpack_objects(&mut self, walk: &mut Walk<'_>, at: usize) -> Result<(), Stop> {
        let read = self.read_at(at)?;
        let number = read.place.id.0;
        let Object::Dict(dict) = &read.object else { return Ok(()) };
        let Some(Object::Number(first)) = self.resolved(dict.get("First"))? else { return Ok(()) };
        let filters = self.filters(dict)?;
        let data = self.data(&read, false)?;
        let held: u64 = self.streams.iter().map(|stream| stream.len() as u64).sum();
        let mut objects = Vec::new();
        let mut reader = unpacked(&data, &filters);
        let mut piece = vec![0; 1 << 16];
        let most = walk.budget().limits().window_bytes;
        loop {
            let count = reader.read(&mut piece).map_err(Why::broken)?;
            if count == 0 {
                break;
            }
            objects.extend_from_slice(&piece[..count]);
            walk.budget().charge(count as u64)?;
            if held + objects.len() as u64 > most {
                return Err(Why::Limit(Exceeded::WindowBytes(most)).into());
            }
        }
        let is_empty = objects.is_empty() && !data.is_empty();
        drop(reader);
        if is_empty || filters.iter().any(|filter| matches!(filter, Filter::Unknown(_) | Filter::Picture)) {
            return Err(
                Why::Broken(format!("object {number}, which holds others, cannot be unpacked")).into()
            );
        }
        walk.decoded(&format!("object {number}"), &objects)?;
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        let mut header = Parser::new(&objects[..first.min(objects.len())], 0);
        let mut numbers = Vec::new();
        while let Ok(Some(Object::Number(number))) = header.object() {
            numbers.push(number);
        }
        let before = self.places.len();
        for pair in numbers.as_chunks::<2>().0 {
            let (Ok(number), Ok(offset)) = (u32::try_from(pair[0]), usize::try_from(pair[1])) else {
                continue;
            };
            let at = first.saturating_add(offset);
            let place = Place { id: (number, 0), stream: Some(self.streams.len()), at, kind: Kind::Plain };
            self.places.push(place);
        }
        self.streams.push(objects);
        self.bounded(walk)?;
        self.index(before);
        Ok(())
    }

    /// Counts bytes that are read again.
    fn works(&self, bytes: usize) -> Result<(), Why> {
        let left = self.work.get().checked_sub(bytes as u64);
        self.work.set(left.ok_or_else(|| Why::Unsupported("objects that lie in each other".to_owned()))?);
        Ok(())
    }

    /// Reads the object at one of the [places](Self::places).
    pub(super) fn read_at(&self, at: usize) -> Result<Found<'_>, Why> {
        let place = self.places[at];
        let bytes = match place.stream {
            None => self.file,
            Some(stream) => &self.streams[stream],
        };
        let mut parser = Parser::new(bytes, place.at);
        let object =
            parser.object().map_err(|_| Why::Unsupported("objects in too many others".to_owned()))?;
        let object = object.unwrap_or(Object::Null);
        let mut data = None;
        if place.stream.is_none() && matches!(object, Object::Dict(_)) {
            parser.skip_space();
            data = data_start(bytes, parser.at);
        }
        self.works(parser.at.saturating_sub(place.at) + 16)?;
        Ok(Found { place, object, data })
    }

    /// Whether the object at this place is a stream of other objects, which were shown.
    pub(super) fn holds_objects(&self, at: usize) -> bool {
        self.packed.contains(&at)
    }

    /// All objects that have been given this number.
    pub(super) fn with_number(&self, number: u32) -> impl Iterator<Item = usize> {
        self.by_number.get(&number).into_iter().flatten().copied()
    }

    /// What a value is, if it is not written in its place; the latest of several.
    pub(super) fn resolved<'s>(&'s self, value: Option<&Object<'s>>) -> Result<Option<Object<'s>>, Why> {
        let Some(value) = value else { return Ok(None) };
        let mut value = value.clone();
        for _ in 0..MOST_HOPS {
            let Object::Ref(number) = value else { return Ok(Some(value)) };
            let Some(at) = self.with_number(number).last() else { return Ok(None) };
            value = self.read_at(at)?.object;
        }
        Ok(None)
    }

    /// The data of a stream, decrypted and still packed; empty if it is none.
    pub(super) fn data(&self, read: &Found<'_>, is_file: bool) -> Result<Cow<'d, [u8]>, Why> {
        let (Some(start), Object::Dict(dict)) = (read.data, &read.object) else {
            return Ok(Cow::Borrowed(&[]));
        };
        let rest = &self.file[start..];
        let end = self.ends.partition_point(|end| *end < start);
        let by_word = self.ends.get(end).map_or(rest.len(), |end| end - start);
        let announced = match self.resolved(dict.get("Length"))? {
            Some(Object::Number(length)) => {
                usize::try_from(length).ok().filter(|length| *length <= rest.len())
            }
            _ => None,
        };
        let is_right = |length: usize| {
            let behind = &rest[length..];
            let blanks = behind.iter().take(4).take_while(|byte| is_space(**byte)).count();
            behind[blanks..].starts_with(b"endstream")
        };
        // The longer of two that disagree: unpackers stop by themselves.
        let length =
            announced.map_or(by_word, |length| if is_right(length) { length } else { length.max(by_word) });
        self.works(length)?;
        let data = &rest[..length];
        let is = |key: &str, name: &str| dict.get(key).is_some_and(|value| is_name(value, name));
        let Some(crypt) = &self.crypt else { return Ok(Cow::Borrowed(data)) };
        let is_plain = is("Type", "XRef")
            || (is("Type", "Metadata") && !crypt.with_metadata)
            || self.is_identity(dict)?;
        Ok(if is_plain { Cow::Borrowed(data) } else { crypt.stream(read.place.id, data, is_file) })
    }

    /// Whether the stream's own filter says that it is not encrypted (section 7.4.10).
    fn is_identity(&self, dict: &Dict<'_>) -> Result<bool, Why> {
        let names = self.list(dict, &["Filter"])?;
        let parameters = self.list(dict, &["DecodeParms", "DP"])?;
        let Some(at) = names.iter().position(|name| is_name(name, "Crypt")) else { return Ok(false) };
        Ok(match parameters.get(at) {
            Some(Object::Dict(how)) => how.get("Name").is_none_or(|name| is_name(name, "Identity")),
            _ => true,
        })
    }

    /// A value that may be one or a list of several.
    pub(super) fn list<'s>(&'s self, dict: &Dict<'s>, keys: &[&str]) -> Result<Vec<Object<'s>>, Why> {
        for key in keys {
            match self.resolved(dict.get(key))? {
                Some(Object::Array(items)) => {
                    let items = items.iter().take(MOST_FILTERS + 1);
                    let items: Result<Vec<_>, Why> = items.map(|item| self.resolved(Some(item))).collect();
                    return Ok(items?.into_iter().map(|item| item.unwrap_or(Object::Null)).collect());
                }
                Some(one) => return Ok(vec![one]),
                None => {}
            }
        }
        Ok(Vec::new())
    }

    /// What a stream goes through when it is read.
    pub(super) fn filters(&self, dict: &Dict<'_>) -> Result<Vec<Filter>, Why> {
        let names = self.list(dict, &["Filter"])?;
        let parameters = self.list(dict, &["DecodeParms", "DP"])?;
        if names.len() > MOST_FILTERS {
            return Err(Why::Limit(Exceeded::Pieces(MOST_FILTERS as u64)));
        }
        let mut filters = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let Object::Name(name) = name else { continue };
            let number = |key: &str, otherwise: i64| match parameters.get(at) {
                Some(Object::Dict(how)) => match self.resolved(how.get(key)) {
                    Ok(Some(Object::Number(number))) => number,
                    _ => otherwise,
                },
                _ => otherwise,
            };
            let predictor = Predictor {
                kind: number("Predictor", 1),
                colors: number("Colors", 1),
                bits: number("BitsPerComponent", 8),
                columns: number("Columns", 1),
            };
            filters.push(match name.as_ref() {
                b"FlateDecode" | b"Fl" => Filter::Flate(predictor),
                b"LZWDecode" | b"LZW" => Filter::Lzw(predictor, number("EarlyChange", 1) != 0),
                b"ASCII85Decode" | b"A85" => Filter::Ascii85,
                b"ASCIIHexDecode" | b"AHx" => Filter::AsciiHex,
                b"RunLengthDecode" | b"RL" => Filter::RunLength,
                b"DCTDecode" | b"DCT" | b"JPXDecode" | b"CCITTFaxDecode" | b"CCF" | b"JBIG2Decode" => {
                    Filter::Picture
                }
                b"Crypt" => continue,
                other => Filter::Unknown(String::from_utf8_lossy(other).into_owned()),
            });
        }
        Ok(filters)
    }

    /// The bytes of a string that stands in an object at that place.
    pub(super) fn string<'s>(&self, place: Place, text: &'s [u8]) -> Cow<'s, [u8]> {
        match &self.crypt {
            Some(crypt) if place.stream.is_none() && place.kind == Kind::Plain => {
                crypt.string(place.id, text)
            }
            _ => Cow::Borrowed(text),
        }
    }
}

impl Found<'_> {
    pub(super) fn is_stream(&self) -> bool {
        self.data.is_some()
    }
}

pub(super) fn is_name(object: &Object<'_>, name: &str) -> bool {
    matches!(object, Object::Name(found) if found.as_ref() == name.as_bytes())
}
