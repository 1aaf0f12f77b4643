//! An object's bytes, which can no longer be changed.

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsRawFd,
};

/// Up to this size an object is kept in memory, where it can be sealed; larger ones go to a file.
const IN_MEMORY: u64 = 32 << 20;

/// An object that is being put together: a memfd, or a file in the temporary folder that never has a name.
#[derive(Debug)]
pub struct Draft {
    file: File,
    is_in_memory: bool,
    left: u64,
    size: u64,
}

/// An object that no longer changes.
///
/// In memory the kernel seals it for every process (`F_SEAL_*`). A file has no name and no writable descriptor.
/// A process of the same user that neither landlock nor seccomp restricts could still truncate it through `/proc`:
/// such a child could lie in its report as well.
#[derive(Debug)]
pub struct Sealed {
    file: File,
    size: u64,
}

impl Draft {
    /// Makes room for an object of at most `size` bytes.
    ///
    /// # Errors
    ///
    /// If there is no room.
    pub fn new(size: u64) -> io::Result<Self> {
        // If the kernel refuses a memfd, a file is used.
        let memory = (size <= IN_MEMORY)
            .then(|| memfd_create("object", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).ok())
            .flatten();
        let is_in_memory = memory.is_some();
        let file = memory.map_or_else(tempfile::tempfile, |memory| Ok(memory.into()))?;
        Ok(Self { file, is_in_memory, left: size, size: 0 })
    }

    /// Makes the object immutable.
    ///
    /// # Errors
    ///
    /// If the system refuses to.
    pub fn seal(self) -> io::Result<Sealed> {
        if self.is_in_memory {
            let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
            fcntl_add_seals(&self.file, seals)?;
        }
        Ok(Sealed { file: read_only(&self.file)?, size: self.size })
    }
}

/// Refuses bytes beyond the size that was announced.
impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the object is larger than was said"));
        }
        let written = self.file.write(bytes)?;
        self.left -= written as u64;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Sealed {
    /// The object's size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The object, at its start, read-only, with a position of its own: descriptors that are handed on share
    /// theirs.
    ///
    /// # Errors
    ///
    /// If the system refuses to open it.
    pub fn open(&self) -> io::Result<File> {
        read_only(&self.file)
    }
}

fn read_only(file: &File) -> io::Result<File> {
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek};

    fn sealed(room: u64) -> Sealed {
        let mut draft = Draft::new(room).unwrap();
        draft.write_all(b"some").unwrap();
        draft.write_all(b" bytes").unwrap();
        draft.seal().unwrap()
    }

    #[test]
    fn a_sealed_object_is_read_by_many_and_written_by_none() {
        for room in [10, 1 << 30] {
            let object = sealed(room);
            assert_eq!(object.size(), 10);
            let (mut first, mut second) = (object.open().unwrap(), object.open().unwrap());
            let mut text = String::new();
            first.read_to_string(&mut text).unwrap();
            assert_eq!(text, "some bytes");
            assert_eq!(second.stream_position().unwrap(), 0, "readers have positions of their own");
            assert!(first.write_all(b"x").is_err());
            assert!(second.set_len(0).is_err());
        }
    }

    #[test]
    fn a_small_object_cannot_be_written_even_by_who_opens_it_anew() {
        let object = sealed(10);
        let reader = object.open().unwrap();
        let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
        let mut writer = File::options().write(true).open(&path).unwrap();
        assert!(writer.write_all(b"x").is_err());
        assert!(writer.set_len(0).is_err());
        assert_eq!(std::fs::read(path).unwrap(), b"some bytes");
    }

    #[test]
    fn a_draft_takes_no_more_than_was_said() {
        let mut draft = Draft::new(4).unwrap();
        assert_eq!(draft.write_all(b"12345").unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        draft.write_all(b"1234").unwrap();
        assert!(draft.write_all(b"5").is_err());
        assert_eq!(draft.seal().unwrap().size(), 4);
    }
}
