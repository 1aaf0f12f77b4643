//! `airlock local`: the whole service on this machine, until it is told to stop.

use super::stack::{self, TENANT, USER, Wish};
use crate::{
    client::{DEFAULT_API, local},
    exit::End,
    terminal,
};
use airlock_local_stack::{Ready, Stack, private_folder};
use anyhow::Context as _;
use clap::{Args, builder::PossibleValuesParser};
use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Run the service on this machine, for development and tests
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Port of the API; 0 is any free one
    #[arg(long, value_name = "N", default_value_t = 8787)]
    pub(crate) api_port: u16,
    /// Folder to keep data in; without it everything is gone at the end
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Template to bring up instead of the one that this program was built with
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// One more file to write addresses and keys to, as JSON, once everything answers
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// How much to log on standard error
    #[arg(long, value_name = "LEVEL", default_value = "info",
        value_parser = PossibleValuesParser::new(["error", "warn", "info", "debug", "trace"]))]
    log: String,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<End> {
    stack::log(&arguments.log);
    let mut stop = Stop::new()?;
    if let Some(path) = &arguments.ready_file {
        ReadyFile::forget(path).with_context(|| path.display().to_string())?;
    }
    let wish = Wish {
        template: arguments.template.as_deref(),
        api_port: arguments.api_port,
        data: arguments.data.as_deref(),
        log_level: &arguments.log,
    };
    let stack = tokio::select! {
        stack = stack::start(&wish) => stack?,
        () = stop.asked() => return Ok(End::Done),
    };
    let served = serve(&stack, &arguments, &mut stop).await;
    stack.stop().await;
    served.map(|()| End::Done)
}

async fn serve(stack: &Stack, arguments: &Arguments, stop: &mut Stop) -> anyhow::Result<()> {
    let _ready_file = match &arguments.ready_file {
        Some(path) => {
            Some(ReadyFile::write(path, stack.ready()).with_context(|| path.display().to_string())?)
        }
        None => None,
    };
    let known = known_file(stack.ready());
    terminal::line(welcome(stack, arguments, known.as_ref().map(|file| file.0.as_path()))?)?;
    stop.asked().await;
    tracing::info!("stopping");
    Ok(())
}

/// What a person wants to know once it is up.
fn welcome(stack: &Stack, arguments: &Arguments, known: Option<&Path>) -> anyhow::Result<String> {
    let Ready { api, issuer, endpoints, .. } = stack.ready();
    let program = std::env::args().next().unwrap_or_else(|| "airlock".to_owned());
    let data = match &arguments.data {
        Some(folder) => format!("kept in {}", folder.display()),
        None => "temporary, gone at the end; --data DIR keeps it".to_owned(),
    };
    let keys = match known.or(arguments.ready_file.as_deref()) {
        Some(file) => format!("in {}, for you alone", file.display()),
        None => "in no file; --ready-file FILE writes them".to_owned(),
    };
    let elsewhere = if api == DEFAULT_API { String::new() } else { format!("  export AIRLOCK_API={api}\n") };
    let absent = match stack.not_simulated() {
        [] => String::new(),
        names => format!("\nIn the template, but not here: {}\n", names.join(", ")),
    };
    Ok(format!(
        "Airlock is up, for development and tests only; production is AWS (README.md).\n\n  \
           API       {api}\n  \
           issuer    {issuer}\n  \
           S3        {}\n  \
           DynamoDB  {}\n  \
           SQS       {}\n  \
           data      {data}\n  \
           keys      {keys}\n\
         {absent}\n\
         Next, in another shell, as user {USER} of tenant {TENANT} for an hour:\n\
         {elsewhere}  export AIRLOCK_TOKEN={}\n  \
           {program} upload FILE\n  \
         {program} list",
        endpoints.s3,
        endpoints.dynamodb,
        endpoints.sqs,
        stack::token(stack)?,
    ))
}

/// Leaves a ready file where the other commands of this user look for it. A stack is of use without.
fn known_file(ready: &Ready) -> Option<ReadyFile> {
    let port = ready.api.rsplit(':').next()?.parse().ok()?;
    let written = local::folders().into_iter().map(|folder| {
        private_folder(&folder, |name| name.to_string_lossy().starts_with("local-"))?;
        Ok::<_, anyhow::Error>(ReadyFile::write(&folder.join(local::file_name(port)), ready)?)
    });
    let mut failures = Vec::new();
    for file in written {
        match file {
            Ok(file) => return Some(file),
            Err(error) => failures.push(format!("{error:#}")),
        }
    }
    let why = failures.join("; ");
    tracing::warn!(why, "token and rescan will need --ready-file: there is no place for this stack's own");
    None
}

/// Ctrl-C and SIGTERM.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}

/// The ready file; it is removed when this is dropped.
struct ReadyFile(PathBuf);

impl ReadyFile {
    /// Removes what an earlier run left, that nobody takes it for this one's.
    fn forget(path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The file appears whole, and only its owner can read it: it holds keys.
    fn write(path: &Path, ready: &Ready) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        // Temporary files have mode 0600.
        let mut file = NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, ready)?;
        file.write_all(b"\n")?;
        file.persist(path)?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        if let Err(error) = Self::forget(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "cannot remove the ready file");
        }
    }
}
