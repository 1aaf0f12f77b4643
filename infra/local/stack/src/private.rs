//! Folders that only their owner can use: they hold other people's files, tokens and keys.

use std::{
    ffi::OsStr,
    fs::{DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Only the owner reads, writes and enters.
const OWNER: u32 = 0o700;
/// What the group and others may do.
const OTHERS: u32 = 0o077;

/// Why a folder is not the user's alone.
#[derive(Debug, thiserror::Error)]
pub enum NotPrivate {
    /// It cannot be made or looked at.
    #[error("the folder {path} cannot be used")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is somebody else's.
    #[error("the folder {0} belongs to another user; choose one of your own")]
    Foreign(PathBuf),
    /// Others may look into it, and it is not ours to close.
    #[error(
        "others may look into the folder {path} (mode {mode:o}), and it holds other things as well, such as \
         {example}; choose a folder for this alone, or close it: chmod 700 {path}"
    )]
    Open {
        /// Which.
        path: PathBuf,
        /// What others may do.
        mode: u32,
        /// What is in it that is not ours.
        example: String,
    },
}

/// Makes the folder for its owner alone. One that is there already is closed to others, if it holds
/// only names that are `ours`: then an earlier version made it.
///
/// # Errors
/// [`NotPrivate`] when others can look into it all the same.
pub fn private_folder(path: &Path, ours: impl Fn(&OsStr) -> bool) -> Result<(), NotPrivate> {
    let failed = |source| NotPrivate::Io { path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(OWNER).create(path).map_err(failed)?;
    let metadata = path.metadata().map_err(failed)?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(NotPrivate::Foreign(path.to_owned()));
    }
    if metadata.mode() & OTHERS == 0 {
        return Ok(());
    }
    for entry in path.read_dir().map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !ours(&name) {
            let (mode, example) = (metadata.mode() & 0o777, name.to_string_lossy().into_owned());
            return Err(NotPrivate::Open { path: path.to_owned(), mode, example });
        }
    }
    std::fs::set_permissions(path, Permissions::from_mode(OWNER)).map_err(failed)?;
    tracing::info!(folder = %path.display(), "closed to other users");
    Ok(())
}

/// A temporary folder for its owner alone.
pub(crate) fn temporary(prefix: &str) -> io::Result<TempDir> {
    tempfile::Builder::new().prefix(prefix).permissions(Permissions::from_mode(OWNER)).tempdir()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o777
    }

    fn widen(path: &Path) {
        std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_folder_is_made_for_its_owner_alone() {
        let around = temporary("test-").unwrap();
        assert_eq!(mode(around.path()), 0o700);
        let folder = around.path().join("a/b");
        private_folder(&folder, |_| false).unwrap();
        assert_eq!((mode(&folder), mode(folder.parent().unwrap())), (0o700, 0o700));
    }

    #[test]
    fn a_wider_folder_of_ours_is_closed_and_another_is_refused() {
        let around = temporary("test-").unwrap();
        let folder = around.path().join("data");
        std::fs::create_dir(&folder).unwrap();
        widen(&folder);
        private_folder(&folder, |_| false).unwrap();
        assert_eq!(mode(&folder), 0o700, "an empty one is as good as ours");

        widen(&folder);
        std::fs::write(folder.join("ours"), "").unwrap();
        private_folder(&folder, |name| name == "ours").unwrap();
        assert_eq!(mode(&folder), 0o700);

        widen(&folder);
        std::fs::write(folder.join("thesis.odt"), "").unwrap();
        let refused = private_folder(&folder, |name| name == "ours").unwrap_err().to_string();
        assert!(refused.contains("mode 755") && refused.contains("thesis.odt"), "{refused}");
        assert_eq!(mode(&folder), 0o755, "it is left as it is");

        std::fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
        private_folder(&folder, |_| false).unwrap();
    }
}
