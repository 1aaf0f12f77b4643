//! An archive of any format, walked by the module of its format.

use crate::{
    Budget, Exceeded, Facts, Format, Kind, Refusal, Scratch, Unpacker, Visitor, Walked, Why, compressed,
    flaw::Flaw, media, ole, path::Paths, pdf, refusal::Stop, seven_zip, tar, text, walk::Walk, xml, zip,
};
use std::ops::ControlFlow;

impl Unpacker {
    /// For one object.
    pub fn new(scratch: Scratch, budget: Budget) -> Self {
        Self { scratch, budget, here: String::new(), depth: 0 }
    }

    /// What is left of the budget.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Reads a part called `name`: the object, or the member that a visitor is looking at.
    pub fn walk(&mut self, format: Format, name: &str, bytes: &[u8], visitor: &mut dyn Visitor) -> Walked {
        self.depth += 1;
        let mut walk = Walk {
            unpacker: self,
            visitor,
            paths: Paths::default(),
            facts: Facts::default(),
            content: None,
            covered: 0,
        };
        let walked = of_format(&mut walk, format, name, bytes);
        match &walked {
            Err(Stop::Why(Why::Broken(what))) => walk.flaw(Flaw::Malformed(what.clone())),
            Err(Stop::Why(why)) if why.kind() == Kind::Structure => {
                walk.flaw(Flaw::Malformed(why.to_string()))
            }
            _ => {}
        }
        let Walk { facts, content, covered, .. } = walk;
        self.depth -= 1;
        let here = self.here.clone();
        let flow = match walked {
            Ok(()) => ControlFlow::Continue(()),
            Err(Stop::Enough) => ControlFlow::Break(()),
            Err(Stop::Why(why)) => {
                let is_final = why.is_final();
                visitor.refused(Refusal { path: here.clone(), why });
                if is_final { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
        };
        let told = if facts.is_empty() { flow } else { visitor.facts(&here, &facts, self) };
        Walked { content, covered, flow: if flow.is_break() { flow } else { told } }
    }
}

fn of_format(walk: &mut Walk<'_>, format: Format, name: &str, bytes: &[u8]) -> Result<(), Stop> {
    let most = walk.budget().limits().depth;
    // A picture in the innermost archive, and a video behind it, are no archives.
    let more = if format.is_archive() { 0 } else { 2 };
    if walk.unpacker.depth > most.saturating_add(more) {
        return Err(Why::Limit(Exceeded::Depth(most)).into());
    }
    match format {
        Format::Text(text) => text::walk(walk, text, bytes),
        Format::Zip => zip::walk(walk, bytes),
        Format::Tar => tar::walk(walk, bytes),
        Format::SevenZip => seven_zip::walk(walk, bytes),
        Format::Pdf => pdf::walk(walk, bytes),
        Format::Media(media) => media::walk(walk, media, bytes),
        Format::Gzip | Format::Bzip2 | Format::Xz | Format::Zstd => {
            compressed::walk(walk, format, &format.unpacked_name(name), bytes)
        }
        Format::Ole => ole::walk(walk, bytes),
        Format::Xml => xml::walk(walk, bytes),
    }
}
