//! Files of this machine, of every kind: what the engines are compared and measured on.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Not more of one kind than this many, so that a folder of icons is not the whole corpus.
const MOST_OF_A_KIND: usize = 60;

/// Files in `folders`, each at least one byte and at most `largest` bytes, a few of each extension.
pub(crate) fn files(folders: &[PathBuf], largest: u64, most: usize) -> Vec<PathBuf> {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for (index, folder) in folders.iter().enumerate() {
        // Each folder has its share, whatever the ones before it hold.
        let most = most * (index + 1) / folders.len();
        collect(folder, largest, most, &mut kinds, &mut found);
        kinds.clear();
    }
    found
}

fn collect(
    folder: &Path,
    largest: u64,
    most: usize,
    kinds: &mut BTreeMap<String, usize>,
    found: &mut Vec<PathBuf>,
) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    for path in paths {
        let Ok(about) = fs::symlink_metadata(&path) else { continue };
        if about.is_dir() {
            collect(&path, largest, most, kinds, found);
        } else if about.is_file() && (1..=largest).contains(&about.len()) && found.len() < most {
            let kind = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            let count = kinds.entry(kind).or_default();
            *count += 1;
            if *count <= MOST_OF_A_KIND {
                found.push(path);
            }
        }
    }
}

/// Where files of many kinds are: what the system has installed, and what Cargo has fetched.
pub(crate) fn folders() -> Vec<PathBuf> {
    let cargo = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".cargo")))
        .map(|home| home.join("registry"));
    ["/usr/bin", "/usr/lib", "/usr/share", "/usr/include"]
        .into_iter()
        .map(PathBuf::from)
        .chain(cargo)
        .collect()
}
