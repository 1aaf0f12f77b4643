//! Who is measured, and how: each is a process of its own, whose time and peak memory Python reads.

use crate::plain;
use airlock_content::Declared;
use airlock_engine::{Engine, EngineKind, RuleFile};
use std::{
    error::Error,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// Runs what follows; says how many seconds it took, how many of a processor's, and how many kilobytes it
/// had at most.
const WRAPPER: &str = "import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss)";

/// The loop that a script with yara-python is.
const LOOP: &str = "import sys, yara
from concurrent.futures import ThreadPoolExecutor
threads, paths, *rules = sys.argv[1:]
variables = {'filename': 'x', 'extension': '', 'declared_type': 'application/zip', 'size': 0}
compiled = yara.compile(filepaths={path: path for path in rules}, externals=variables)
files = open(paths).read().split()
if threads == '1':
    for file in files:
        compiled.match(file)
else:
    with ThreadPoolExecutor(int(threads)) as pool:
        list(pool.map(compiled.match, files))";

/// Files of so many bytes at most are read, as a mapping costs more: with threads, all of them wait for it.
pub(crate) const SMALL: u64 = 100_000;

const NOT_FAST: &str = "yara, not fast";

/// The command line for so many threads and this list of files.
type CommandLine = Box<dyn Fn(usize, &Path) -> Vec<String>>;

/// Someone who scans.
pub(crate) struct Contender {
    pub(crate) name: String,
    /// Whether the others are compared with it.
    pub(crate) is_reference: bool,
    python: String,
    command: CommandLine,
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) seconds: f64,
    /// Of a processor, which other work on the machine hardly changes.
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_mb: f64,
}

impl Contender {
    pub(crate) fn run(&self, threads: usize, list: &Path) -> Result<Run, Box<dyn Error>> {
        let output =
            Command::new(&self.python).args(["-c", WRAPPER]).args((self.command)(threads, list)).output()?;
        let text = String::from_utf8(output.stdout)?;
        let mut numbers = text.split_whitespace().map(str::parse::<f64>);
        match (output.status.success(), numbers.next(), numbers.next(), numbers.next()) {
            (true, Some(Ok(seconds)), Some(Ok(cpu_seconds)), Some(Ok(kilobytes))) => {
                Ok(Run { seconds, cpu_seconds, peak_mb: kilobytes / 1e3 })
            }
            _ => Err(format!("{}: {}", self.name, String::from_utf8_lossy(&output.stderr)).into()),
        }
    }

    pub(crate) fn best(&self, threads: usize, list: &Path, repeats: usize) -> Result<Run, Box<dyn Error>> {
        Ok(best((0..repeats).map(|_| self.run(threads, list)).collect::<Result<_, _>>()?))
    }
}

/// The least of each figure: what else the machine does only adds to it.
pub(crate) fn best(runs: Vec<Run>) -> Run {
    let least = |figure: fn(&Run) -> f64| runs.iter().map(figure).fold(f64::INFINITY, f64::min);
    Run {
        seconds: least(|run| run.seconds),
        cpu_seconds: least(|run| run.cpu_seconds),
        peak_mb: least(|run| run.peak_mb),
    }
}

/// Everyone. The engines of this crate load what a build would have compiled, from files in `scratch`.
pub(crate) fn all(
    command: &str,
    python: &str,
    rules: &[PathBuf],
    scratch: &Path,
) -> Result<Vec<Contender>, Box<dyn Error>> {
    let this = std::env::current_exe()?.display().to_string();
    let rules: Vec<String> = rules.iter().map(|path| path.display().to_string()).collect();
    let sources = rules
        .iter()
        .map(|path| Ok(RuleFile::new(path, &fs::read_to_string(path)?)))
        .collect::<Result<Vec<_>, std::io::Error>>()?;
    let contender = |name: &str, command: CommandLine| Contender {
        name: name.to_owned(),
        is_reference: false,
        python: python.to_owned(),
        command,
    };
    let mut all = Vec::new();
    for (option, name) in [("", "yara command"), ("--fast-scan", "yara command, fast mode")] {
        let (command, rules) = (command.to_owned(), rules.clone());
        let mut contender = contender(
            name,
            Box::new(move |threads, list| {
                let variables = ["filename=x", "extension=", "declared_type=application/zip", "size=0"];
                let mut line = vec![
                    command.clone(),
                    "--no-warnings".into(),
                    "--scan-list".into(),
                    "-p".into(),
                    threads.to_string(),
                ];
                line.extend((!option.is_empty()).then(|| option.to_owned()));
                line.extend(variables.iter().flat_map(|variable| ["-d".to_owned(), (*variable).to_owned()]));
                line.extend(rules.iter().cloned());
                line.push(list.display().to_string());
                line
            }),
        );
        contender.is_reference = option.is_empty();
        all.push(contender);
    }
    let interpreter = python.to_owned();
    all.push(contender(
        "yara-python loop",
        Box::new(move |threads, list| {
            let head = [
                interpreter.clone(),
                "-c".into(),
                LOOP.into(),
                threads.to_string(),
                list.display().to_string(),
            ];
            head.into_iter().chain(rules.iter().cloned()).collect()
        }),
    ));
    let kinds = EngineKind::AVAILABLE.iter();
    let mut compiled = vec![(NOT_FAST, plain::compile(&sources)?)];
    for kind in kinds {
        compiled.push((kind.name(), Engine::compile(*kind, &sources)?.save()?));
    }
    for (kind, bytes) in compiled {
        let artefact = scratch.join(kind).display().to_string();
        fs::write(&artefact, bytes)?;
        let this = this.clone();
        let line = move |threads: usize, list: &Path| {
            let list = list.display().to_string();
            vec![this.clone(), "scan".into(), kind.into(), threads.to_string(), artefact.clone(), list]
        };
        all.push(contender(&format!("ours, {kind}"), Box::new(line)));
    }
    Ok(all)
}

/// What this program does when it is a contender.
pub(crate) fn scan(kind: &str, threads: &str, rules: &Path, list: &Path) -> Result<(), Box<dyn Error>> {
    let rules = fs::read(rules)?;
    let list = fs::read_to_string(list)?;
    let files = Files { paths: list.lines().collect(), next: AtomicUsize::new(0) };
    let threads = threads.parse()?;
    if kind == NOT_FAST {
        let rules = yara::Rules::load_from_stream(rules.as_slice())?;
        return on_threads(threads, || {
            let mut scanner = plain::scanner(&rules)?;
            files.scan_each(|bytes| Ok(scanner.scan_mem(bytes).map(drop)?))
        });
    }
    let engine = Engine::load(&rules)?;
    let declared = Declared { content_type: "application/zip", file_name: "x", size: 0 };
    on_threads(threads, || {
        let mut scanner = engine.scanner();
        files.scan_each(|bytes| Ok(scanner.scan(bytes, &declared, Duration::from_secs(600)).map(drop)?))
    })
}

/// What a thread may end with.
type Done = Result<(), Box<dyn Error + Send + Sync>>;

/// Files that threads take from each other.
struct Files<'f> {
    paths: Vec<&'f str>,
    next: AtomicUsize,
}

impl Files<'_> {
    fn scan_each(&self, mut scan: impl FnMut(&[u8]) -> Done) -> Done {
        let mut small = Vec::new();
        while let Some(path) = self.paths.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let mut file = fs::File::open(path)?;
            if file.metadata()?.len() > SMALL {
                scan(&airlock_formats::map(&file)?)?;
                continue;
            }
            small.clear();
            file.read_to_end(&mut small)?;
            scan(&small)?;
        }
        Ok(())
    }
}

fn on_threads(threads: usize, work: impl Fn() -> Done + Sync) -> Result<(), Box<dyn Error>> {
    let done: Done = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| "a thread failed")?)
    });
    done.map_err(|error| -> Box<dyn Error> { error })
}
