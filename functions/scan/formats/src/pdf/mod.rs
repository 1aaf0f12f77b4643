//! PDF (ISO 32000-2): all objects of a file, what they do besides showing pages, and what the file carries.

mod calculation;
mod crypt;
mod document;
mod features;
mod filters;
mod frame;
mod marks;
mod syntax;
mod triggers;

pub(crate) use frame::{MEDIA_TYPE, is_pdf, refuse_in_text, refuse_inside};

use crate::{
    flaw::flaw_of,
    identify::Content,
    input::Input,
    refusal::{Stop, Why},
    second,
    walk::Walk,
};
use document::Document;
use features::Features;
use filters::{Filter, unpacked};
use std::{borrow::Cow, io::Cursor};
use syntax::Object;

/// Reads all of a file.
pub(crate) fn walk(walk: &mut Walk<'_>, bytes: &[u8]) -> Result<(), Stop> {
    // With something else in front it is no PDF to us, but some viewers open it, so it is read all the same.
    if frame::begins(bytes) {
        let second = Input::new(Cursor::new(bytes))
            .map_err(Into::into)
            .and_then(|mut input| second::refuse(&mut input));
        let flaw = flaw_of(second::weigh(frame::check(bytes), second)).map_err(Why::broken)?;
        walk.content = Some(Content { media_type: Cow::Borrowed(MEDIA_TYPE), flaw });
    }
    let document = Document::read(walk, bytes)?;
    let mut features = Features::new(walk, &document)?;
    features.look()?;
    for at in 0..document.places.len() {
        if !features.is_attached(at) {
            show(features.walk, &document, at)?;
        }
    }
    Ok(())
}

/// Shows what a stream holds, unless that is a picture.
fn show(walk: &mut Walk<'_>, document: &Document<'_>, at: usize) -> Result<(), Stop> {
    let read = document.read_at(at)?;
    let Object::Dict(dict) = &read.object else { return Ok(()) };
    let is_picture = dict.has("Width") && dict.has("Height");
    if !read.is_stream() || is_picture || document.holds_objects(at) {
        return Ok(());
    }
    let filters = document.filters(dict)?;
    if matches!(filters.last(), Some(Filter::Picture)) || (filters.is_empty() && document.crypt.is_none()) {
        return Ok(());
    }
    let data = document.data(&read, false)?;
    walk.unpacked(&format!("object {}", read.place.id.0), &mut *unpacked(&data, &filters), Why::broken)
}
