//! An object's bytes where nobody can change them any more.

use std::{
    fs::File,
    io::{self, Write},
};

/// An object that is being put together.
#[derive(Debug)]
pub struct Draft {
    store: Store,
    left: u64,
    size: u64,
}

/// An object that does not change any more.
///
/// In memory the kernel sees to that (`F_SEAL_*`), for everyone. A file has no name and no
/// descriptor that could write; who has the same user, and is not held by landlock or seccomp, could
/// still truncate it through `/proc`: a child so taken over could lie in its report as well.
#[derive(Debug)]
pub struct Sealed {
    kept: Kept,
    size: u64,
}

impl Draft {
    /// Makes room for an object of at most `size` bytes.
    ///
    /// # Errors
    ///
    /// If there is no room.
    pub fn new(size: u64) -> io::Result<Self> {
        Ok(Self { store: Store::new(size)?, left: size, size: 0 })
    }

    /// No byte can be written from here on.
    ///
    /// # Errors
    ///
    /// If the system refuses to.
    pub fn seal(self) -> io::Result<Sealed> {
        Ok(Sealed { kept: self.store.seal()?, size: self.size })
    }
}

/// Refuses what is more than the size that was asked for.
impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the object is larger than was said"));
        }
        let written = self.store.file().write(bytes)?;
        self.left -= written as u64;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.store.file().flush()
    }
}

impl Sealed {
    /// The object's size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The object, at its start, read-only, with a position of its own.
    ///
    /// # Errors
    ///
    /// If the system refuses to open it.
    pub fn open(&self) -> io::Result<File> {
        self.kept.open()
    }
}

#[cfg(target_os = "linux")]
mod store {
    //! A memfd, or a file in the temporary folder that never has a name.

    use super::{File, io};
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    use std::os::fd::AsRawFd;

    /// Up to this size an object is kept in memory, where it can be sealed; larger ones go to a file.
    const IN_MEMORY: u64 = 32 * 1024 * 1024;

    #[derive(Debug)]
    pub(super) enum Store {
        Memory(File),
        Disk(File),
    }

    /// Opened anew for each reader: descriptors that are handed on share their position.
    #[derive(Debug)]
    pub(super) struct Kept(File);

    impl Store {
        pub(super) fn new(size: u64) -> io::Result<Self> {
            if size <= IN_MEMORY {
                let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
                // Where memfd is refused, a file does.
                if let Ok(memory) = memfd_create("object", flags) {
                    return Ok(Self::Memory(memory.into()));
                }
            }
            tempfile::tempfile().map(Self::Disk)
        }

        pub(super) fn file(&mut self) -> &mut File {
            match self {
                Self::Memory(file) | Self::Disk(file) => file,
            }
        }

        pub(super) fn seal(self) -> io::Result<Kept> {
            match self {
                Self::Memory(file) => {
                    fcntl_add_seals(
                        &file,
                        SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
                    )?;
                    read_only(&file).map(Kept)
                }
                Self::Disk(file) => read_only(&file).map(Kept),
            }
        }
    }

    impl Kept {
        pub(super) fn open(&self) -> io::Result<File> {
            read_only(&self.0)
        }
    }

    fn read_only(file: &File) -> io::Result<File> {
        File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
    }
}

#[cfg(not(target_os = "linux"))]
mod store {
    //! A temporary file, which keeps its name so that it can be opened again.

    use super::{File, io};
    use tempfile::{NamedTempFile, TempPath};

    #[derive(Debug)]
    pub(super) struct Store(NamedTempFile);

    #[derive(Debug)]
    pub(super) struct Kept(TempPath);

    impl Store {
        pub(super) fn new(_size: u64) -> io::Result<Self> {
            NamedTempFile::new().map(Self)
        }

        pub(super) fn file(&mut self) -> &mut File {
            self.0.as_file_mut()
        }

        pub(super) fn seal(self) -> io::Result<Kept> {
            Ok(Kept(self.0.into_temp_path()))
        }
    }

    impl Kept {
        pub(super) fn open(&self) -> io::Result<File> {
            File::open(&self.0)
        }
    }
}

use store::{Kept, Store};

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

    #[cfg(target_os = "linux")]
    #[test]
    fn a_small_object_cannot_be_written_even_by_who_opens_it_anew() {
        use std::os::fd::AsRawFd;
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
