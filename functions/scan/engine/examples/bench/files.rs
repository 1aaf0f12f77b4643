//! What is scanned: files of 10 kB, 1 MB and 100 MB, made of files of this machine.

use crate::{contender::SMALL, corpus};
use std::{
    error::Error,
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
};

/// Some files and a list of them.
pub(crate) struct Set {
    /// A file with a path a line.
    pub(crate) list: PathBuf,
    pub(crate) bytes: u64,
}

/// A size and its sets for one thread and for two.
pub(crate) type SizeSets = (&'static str, [Set; 2]);

/// For each size a set for one thread and one for two.
pub(crate) fn sets(scratch: &Path) -> Result<Vec<SizeSets>, Box<dyn Error>> {
    let found = corpus::files(&corpus::folders(), 4 << 20, 6_000);
    let mut next = found.iter().cycle();
    let mut sets = Vec::new();
    for (name, size, counts) in
        [("10 kB", 10_000, [1_000, 2_000]), ("1 MB", 1_000_000, [20, 40]), ("100 MB", 100_000_000, [1, 2])]
    {
        let mut paths = Vec::new();
        let folder = scratch.join(size.to_string());
        fs::create_dir(&folder)?;
        for number in 0..counts[1] {
            let path = folder.join(number.to_string());
            let mut file = fs::File::create(&path)?;
            let mut left = size;
            // Whole files one after the other, so that the mixture is the machine's.
            while left > 0 {
                let source = next.next().ok_or("no files to take contents from")?;
                let mut bytes = Vec::new();
                if let Ok(source) = fs::File::open(source) {
                    source.take(left).read_to_end(&mut bytes)?;
                }
                file.write_all(&bytes)?;
                left -= bytes.len() as u64;
            }
            paths.push(path);
        }
        let set = |count: usize| -> Result<Set, Box<dyn Error>> {
            let list = scratch.join(format!("{size}-{count}"));
            let lines: Vec<_> = paths.iter().take(count).map(|path| path.display().to_string()).collect();
            // Small files more than once, as starting takes as long as all of them.
            let rounds = if size <= SMALL { 5 } else { 1 };
            fs::write(&list, (lines.join("\n") + "\n").repeat(rounds))?;
            Ok(Set { list, bytes: size * (count * rounds) as u64 })
        };
        sets.push((name, [set(counts[0])?, set(counts[1])?]));
    }
    Ok(sets)
}
