//! `airlock download`: a published object, checked against its SHA-256 before it gets its name.

use super::connection::Connection;
use crate::{
    client::{ClientError, answer::Record, content_disposition::safe_name, storage::Download},
    exit::{End, WrongUsage},
    terminal,
};
use anyhow::Context as _;
use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    fs::Permissions,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// Download a published object
///
/// Without -o it is saved in the current folder under the name it was uploaded with, unless there
/// is a file of that name.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Id of the object
    id: String,
    /// Where to save it; a file that is there is replaced
    #[arg(short, long = "output", value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(Arguments { id, output, connection }: Arguments) -> anyhow::Result<End> {
    let for_machines = connection.output.json;
    let client = connection.client()?;
    if let Some(folder) = output.as_deref().map(folder_of).filter(|folder| !folder.is_dir()) {
        return Err(WrongUsage(format!("-o: there is no folder {}", folder.display())).into());
    }
    let is_no_file = |path: &&Path| path.symlink_metadata().is_ok_and(|found| !found.is_file());
    if let Some(other) = output.as_deref().filter(is_no_file) {
        return Err(WrongUsage(format!(
            "-o: {} is no file that could be replaced; name another",
            other.display()
        ))
        .into());
    }
    let record = client.object(&id).await?;
    let signed = client.download_url(&id).await?;
    let mut download = client.get(&signed).await?;
    let target = match &output {
        Some(path) => path.clone(),
        None => free_name(&download, &record)?,
    };
    let bar = terminal::progress(&target.to_string_lossy(), record.size, for_machines);
    let saved = save(&mut download, &target, &record, &bar).await;
    bar.finish_and_clear();
    let (file, bytes) = saved?;
    name(file, &target, output.is_some())?;
    let sha256 = &record.sha256;
    if for_machines {
        let file = target.to_string_lossy();
        let document = json!({"object_id": id, "file": file, "size": bytes, "sha256": sha256});
        terminal::json(&document)?;
    } else {
        let path = terminal::plain(&target.to_string_lossy());
        terminal::line(format_args!("{path}  {bytes} bytes, SHA-256 verified"))?;
    }
    Ok(End::Done)
}

/// The name that the download suggests, made safe.
fn free_name(download: &Download, record: &Record) -> Result<PathBuf, WrongUsage> {
    let suggested = download.disposition().and_then(|found| found.file_name);
    let name = safe_name(suggested.as_deref().unwrap_or(&record.file_name));
    let path = PathBuf::from(name);
    if path.symlink_metadata().is_ok() { Err(taken(&path)) } else { Ok(path) }
}

fn taken(path: &Path) -> WrongUsage {
    WrongUsage(format!("{} exists; choose a name with -o", path.display()))
}

fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Writes the download beside `target`, and checks it.
async fn save(
    download: &mut Download,
    target: &Path,
    record: &Record,
    bar: &ProgressBar,
) -> anyhow::Result<(NamedTempFile, u64)> {
    let expected = record.sha256.clone().context("the API does not know the object's SHA-256")?;
    let failed = || target.display().to_string();
    let folder = folder_of(target);
    let mut file = tempfile::Builder::new()
        .prefix(".airlock-")
        // As any new file; the umask takes the rest away.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .with_context(failed)?;
    let mut hash = Sha256::new();
    let mut bytes = 0;
    while let Some(chunk) = download.chunk().await? {
        let chunk = chunk.as_ref();
        hash.update(chunk);
        file.write_all(chunk).with_context(failed)?;
        bytes += chunk.len() as u64;
        bar.inc(chunk.len() as u64);
    }
    file.as_file().sync_all().with_context(failed)?;
    let found = hex::encode(hash.finalize());
    if found == expected { Ok((file, bytes)) } else { Err(ClientError::Corrupt { found, expected }.into()) }
}

/// Gives the finished file its name; a file of that name is replaced only if `replace`.
fn name(file: NamedTempFile, target: &Path, replace: bool) -> anyhow::Result<()> {
    let named = if replace { file.persist(target) } else { file.persist_noclobber(target) };
    named.map(drop).map_err(|error| match error.error {
        why if why.kind() == io::ErrorKind::AlreadyExists => taken(target).into(),
        why => anyhow::Error::new(why).context(target.display().to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_only_when_its_name_was_given() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let target = folder.path().join("a.txt");
        let fresh = || -> io::Result<NamedTempFile> {
            let mut file = NamedTempFile::new_in(folder.path())?;
            file.write_all(b"new")?;
            Ok(file)
        };
        std::fs::write(&target, "old")?;
        let refused = name(fresh()?, &target, false);
        assert!(refused.is_err_and(|error| error.is::<WrongUsage>()));
        assert_eq!(std::fs::read(&target)?, b"old");
        name(fresh()?, &target, true)?;
        assert_eq!(std::fs::read(&target)?, b"new");
        assert_eq!(folder.path().read_dir()?.count(), 1, "no temporary file is left");
        Ok(())
    }
}
