//! Holds the engines against each other: this crate with libyara against one or more `yara` commands,
//! and, where it is built in, against YARA-X, over the rules that ship, their samples and files of
//! this machine. Ends with an error at the first run that finds a difference, or too little to compare.
//!
//!     differential YARA_COMMAND…

#[path = "../corpus/mod.rs"]
mod corpus;

use airlock_content::{Declared, media_types};
use airlock_engine::{Engine, EngineKind, RuleFile};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// Fewer files of the machine prove too little.
const LEAST_FILES: usize = 2_000;
const MOST_FILES: usize = 2_200;
const LARGEST: u64 = 4 << 20;
const TIMEOUT: Duration = Duration::from_secs(60);

/// One file to scan and what it is said to be.
struct Case {
    path: PathBuf,
    name: String,
    content_type: &'static str,
}

impl Case {
    fn new(path: PathBuf, name: &str, number: usize) -> Self {
        // Rules depend on the declared type, so files without a usual one take turns.
        let types = media_types::DEFAULT;
        let content_type = media_types::of_file_name(name).unwrap_or(&types[number % types.len()]).name;
        // The command takes what looks like a number or a truth value for one.
        let looks_typed = |text: &str| text.parse::<f64>().is_ok() || text == "true" || text == "false";
        let extension = media_types::extension(name).unwrap_or_default();
        let name =
            if looks_typed(name) || looks_typed(&extension) { format!("{name}_") } else { name.to_owned() };
        Self { path, name, content_type }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(differences) => {
            eprintln!("{differences} differences");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<usize, Box<dyn Error>> {
    let commands: Vec<String> = std::env::args().skip(1).collect();
    if commands.is_empty() {
        return Err("name a `yara` command to compare with".into());
    }
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../inspect");
    let sources = RuleFile::read(&shipped.join("rules"))?;
    let ours = Engine::compile(EngineKind::Yara, &sources)?;
    let scratch = tempfile::tempdir()?;
    let mut cases = Vec::new();
    samples(&shipped.join("samples"), scratch.path(), &mut cases)?;
    let samples = cases.len();
    for path in corpus::files(&corpus::folders(), LARGEST, MOST_FILES) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        cases.push(Case::new(path, &name, cases.len()));
    }
    let files = cases.len() - samples;
    if files < LEAST_FILES {
        return Err(format!("only {files} files to compare on, {LEAST_FILES} are wanted").into());
    }
    let mut differences = 0;
    for command in &commands {
        let version = String::from_utf8(Command::new(command).arg("--version").output()?.stdout)?;
        let name = format!("{command} {}", version.trim());
        differences +=
            compare(&name, &cases, samples, &ours, &|case, size| by_command(command, &sources, case, size))?;
    }
    for kind in EngineKind::AVAILABLE.iter().filter(|kind| **kind != EngineKind::Yara) {
        let other = Engine::compile(*kind, &sources)?;
        let name = format!("{kind} {}", kind.version());
        differences += compare(&name, &cases, samples, &ours, &|case, _| by_engine(&other, case))?;
    }
    Ok(differences)
}

type Other<'o> = &'o (dyn Fn(&Case, u64) -> Result<Vec<String>, String> + Sync);

fn compare(
    name: &str,
    cases: &[Case],
    samples: usize,
    ours: &Engine,
    other: Other<'_>,
) -> Result<usize, String> {
    let (next, matches, differences) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let size = fs::metadata(&case.path).map_or(0, |about| about.len());
                    let (mine, theirs) = (by_engine(ours, case), other(case, size));
                    matches.fetch_add(mine.as_ref().map_or(0, Vec::len), Ordering::Relaxed);
                    // An error is a difference even if both have one: nothing was compared.
                    if mine.is_err() || mine != theirs {
                        differences.fetch_add(1, Ordering::Relaxed);
                        println!(
                            "{} as {}: yara {mine:?}, {name} {theirs:?}",
                            case.path.display(),
                            case.content_type
                        );
                    }
                }
            });
        }
    });
    let (matches, differences) = (matches.into_inner(), differences.into_inner());
    println!(
        "{name}: {} samples, {} files, {matches} matches, {differences} differences",
        samples,
        cases.len() - samples
    );
    if matches < samples / 3 {
        Err(format!("only {matches} matches: that compares nothing"))
    } else {
        Ok(differences)
    }
}

fn by_engine(engine: &Engine, case: &Case) -> Result<Vec<String>, String> {
    let file = fs::File::open(&case.path).map_err(|error| error.to_string())?;
    let bytes = airlock_formats::map(&file).map_err(|error| error.to_string())?;
    let declared =
        Declared { content_type: case.content_type, file_name: &case.name, size: bytes.len() as u64 };
    let found = engine.scan(&bytes, &declared, TIMEOUT).map_err(|error| error.to_string())?;
    Ok(found.into_iter().map(|found| found.rule).collect())
}

fn by_command(command: &str, sources: &[RuleFile], case: &Case, size: u64) -> Result<Vec<String>, String> {
    let extension = media_types::extension(&case.name).unwrap_or_default();
    let output = Command::new(command)
        .args(["-d", &format!("filename={}", case.name)])
        .args(["-d", &format!("extension={extension}")])
        .args(["-d", &format!("declared_type={}", case.content_type)])
        .args(["-d", &format!("size={size}"), "--no-warnings"])
        .args(sources.iter().map(|source| &source.path))
        .arg(&case.path)
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() || !output.stderr.is_empty() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut rules: Vec<_> =
        text.lines().filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect();
    rules.sort_unstable();
    Ok(rules)
}

/// Decodes every sample below `folder` into a file of its own.
fn samples(folder: &Path, scratch: &Path, cases: &mut Vec<Case>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            samples(&path, scratch, cases)?;
            continue;
        }
        let text: String = fs::read_to_string(&path)?.split_ascii_whitespace().collect();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let decoded = scratch.join(cases.len().to_string());
        fs::write(&decoded, BASE64_STANDARD.decode(text)?)?;
        cases.push(Case::new(decoded, &name, cases.len()));
    }
    Ok(())
}
