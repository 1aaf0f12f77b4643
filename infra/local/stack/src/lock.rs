//! A folder of data belongs to one stack at a time: two would write over each other's objects.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Its name in the folder.
pub(crate) const NAME: &str = "lock";

/// Why the folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum NotLocked {
    /// Another stack has it.
    #[error("another local stack uses the folder {0}; stop it, or choose another folder")]
    InUse(PathBuf),
    /// The lock cannot be made.
    #[error("the folder {0} cannot be locked")]
    Io(PathBuf, #[source] io::Error),
}

/// The lock on a folder, until it is dropped. It ends with its process too, however that ends.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "it is held, not read")] File);

impl Lock {
    /// Takes the folder.
    pub(crate) fn take(folder: &Path) -> Result<Self, NotLocked> {
        let failed = |source| NotLocked::Io(folder.to_owned(), source);
        let file = OpenOptions::new().create(true).append(true).open(folder.join(NAME)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(NotLocked::InUse(folder.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}
