//! Where unpacked members are kept while they are looked at: small ones in memory, larger ones in
//! one file that is used as a stack, so that no other descriptor is ever needed.
#![expect(unsafe_code, reason = "mapping a file is unsafe: another process could change it")]

use crate::{
    limits::Budget,
    refusal::{Exceeded, Stop, Why},
};
use memmap2::{Mmap, MmapOptions};
use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
};

/// Members up to this size stay in memory, in bytes.
const IN_MEMORY: usize = 1 << 20;
const CHUNK: usize = 1 << 16;
/// Larger than any page, so that each member can be mapped.
const ALIGNMENT: u64 = 1 << 16;

/// One file, behind whose end members are written and cut off again.
#[derive(Debug)]
pub struct Scratch {
    file: File,
    end: u64,
}

/// A member's content.
pub(crate) enum Held {
    Memory(Vec<u8>),
    Mapped { map: Mmap, start: u64 },
}

impl Held {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::Mapped { map, .. } => map,
        }
    }
}

/// Maps an object, so that it can be walked.
///
/// # Errors
///
/// If the system refuses.
pub fn map(object: &File) -> io::Result<Mmap> {
    // SAFETY: the caller inspects a copy that nothing writes to. If it shrank all the same, the process and with it
    // the inspection would end.
    unsafe { Mmap::map(object) }
}

impl Scratch {
    /// A stack in `file`, which must be open for reading and writing, and used by nothing else. Its
    /// content is lost.
    pub fn new(file: File) -> Self {
        Self { file, end: 0 }
    }

    /// Reads all of a member, at most as much as the budget and `most` allow. What goes wrong while
    /// reading is what `fault` makes of it.
    pub(crate) fn hold(
        &mut self,
        content: &mut dyn Read,
        budget: &mut Budget,
        most: u64,
        fault: impl Fn(io::Error) -> Why,
    ) -> Result<Held, Stop> {
        let mut memory = Vec::new();
        let (start, mut written) = (self.end, 0_u64);
        let mut chunk = vec![0; CHUNK];
        let mut size = 0;
        loop {
            let read = match content.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(fault(error).into()),
            };
            size += read as u64;
            budget.charge(read as u64)?;
            budget.announced_member(size)?;
            if size > most {
                return Err(Why::Disagreement("it is larger than announced").into());
            }
            memory.extend_from_slice(&chunk[..read]);
            if memory.len() > IN_MEMORY {
                self.file.write_all_at(&memory, start + written).map_err(Why::Scratch)?;
                written += memory.len() as u64;
                memory.clear();
            }
        }
        if written == 0 {
            return Ok(Held::Memory(memory));
        }
        self.file.write_all_at(&memory, start + written).map_err(Why::Scratch)?;
        let length =
            usize::try_from(size).map_err(|_| Why::Limit(Exceeded::MemberBytes(usize::MAX as u64)))?;
        // SAFETY: the file is this stack's alone, and what is mapped is cut off only in `release`,
        // which takes the mapping.
        let map = unsafe { MmapOptions::new().offset(start).len(length).map(&self.file) };
        let map = map.map_err(Why::Scratch)?;
        self.end = (start + size).next_multiple_of(ALIGNMENT);
        Ok(Held::Mapped { map, start })
    }

    /// Gives the room of the member on top back.
    pub(crate) fn release(&mut self, held: Held) -> Result<(), Why> {
        if let Held::Mapped { map, start } = held {
            drop(map);
            self.file.set_len(start).map_err(Why::Scratch)?;
            self.end = start;
        }
        Ok(())
    }
}
