//! Holds the rules that ship against files of your own choosing: rules that match what programs and libraries
//! ship would keep honest people out. Ends with an error if a rule matches a file whose name has the extension of
//! an allowed type, or if there are too few such files to say anything.
//!
//!     cargo run --example false_positives -- FOLDER...

use airlock_content::{Declared, media_types};
use airlock_engine::{Engine, EngineKind};
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Fewer files prove too little.
const LEAST_FILES: usize = 100;
const LARGEST: u64 = 1_000_000;
const TIMEOUT: Duration = Duration::from_secs(20);

fn main() -> Result<(), Box<dyn Error>> {
    let engine = airlock_inspect::engine(EngineKind::Yara)?;
    let (mut files, mut matched) = (0, 0);
    let mut folders: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))? {
            let path = entry?.path();
            let about = fs::symlink_metadata(&path)?;
            if about.is_dir() {
                folders.push(path);
            } else if about.is_file()
                && about.len() <= LARGEST
                && let Some(rules) = matches(&engine, &path)?
            {
                files += 1;
                matched += usize::from(!rules.is_empty());
                rules.iter().for_each(|rule| println!("{}: {rule}", path.display()));
            }
        }
    }
    println!("{files} files, {matched} of them matched");
    match (files, matched) {
        (LEAST_FILES.., 0) => Ok(()),
        (LEAST_FILES.., _) => Err("a rule matches what it should not".into()),
        _ => Err(format!("{LEAST_FILES} files are wanted").into()),
    }
}

/// The rules that match a file; `None` if its name has no extension of an allowed type.
fn matches(engine: &Engine, path: &Path) -> Result<Option<Vec<String>>, Box<dyn Error>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some(media_type) = media_types::of_file_name(&name) else { return Ok(None) };
    let bytes = fs::read(path)?;
    let declared = Declared { content_type: media_type.name, file_name: &name, size: bytes.len() as u64 };
    let found = engine.scan(&bytes, &declared, TIMEOUT)?;
    Ok(Some(found.into_iter().map(|found| found.rule).collect()))
}
