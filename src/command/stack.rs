//! A local stack for a command: its template, its executable, its log.

use crate::client::{ApiUrl, Client};
use airlock_local_stack::{Options, Stack, TokenRequest};
use anyhow::Context as _;
use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;
use tracing_subscriber::EnvFilter;

/// The tenant that a command acts for when nobody said which.
pub(crate) const TENANT: &str = "demo";
/// The user that a command acts as when nobody said which.
pub(crate) const USER: &str = "demo";

/// The template whose functions this executable holds.
const TEMPLATE: &str = include_str!("../../template.yaml");

/// What a stack is started with.
#[derive(Debug)]
pub(crate) struct Wish<'a> {
    /// The template; the one that this executable was built with if none is given.
    pub(crate) template: Option<&'a Path>,
    /// The port of the API; 0 is any free one.
    pub(crate) api_port: u16,
    /// Where data is kept; nowhere if not given.
    pub(crate) data: Option<&'a Path>,
    /// How much the functions log.
    pub(crate) log_level: &'a str,
}

/// Brings a stack up.
///
/// # Errors
/// When the template cannot be understood, or the port is taken.
pub(crate) async fn start(wish: &Wish<'_>) -> anyhow::Result<Stack> {
    // Lives until the stack has read it.
    let mut built_in = NamedTempFile::with_suffix(".yaml")?;
    built_in.write_all(TEMPLATE.as_bytes())?;
    let options = Options {
        template: wish.template.unwrap_or(built_in.path()).to_owned(),
        api_port: wish.api_port,
        data: wish.data.map(Path::to_owned),
        executable: std::env::current_exe().context("cannot find this executable")?,
        parameters: Default::default(),
        log_level: wish.log_level.to_owned(),
        dynamodb_engine: None,
    };
    Stack::start(options).await.map_err(|error| explain(error.into(), wish.api_port))
}

/// Names the option that helps when the port is taken.
fn explain(error: anyhow::Error, port: u16) -> anyhow::Error {
    let taken = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::AddrInUse)
    };
    if error.chain().any(taken) {
        error.context(format!("port {port} is taken; choose another with --api-port, 0 is any free one"))
    } else {
        error.context("the local stack did not start")
    }
}

/// A stack for one command, on free ports and quiet.
pub(crate) async fn temporary(data: Option<PathBuf>) -> anyhow::Result<Stack> {
    log("warn");
    start(&Wish { template: None, api_port: 0, data: data.as_deref(), log_level: "warn" }).await
}

/// A client of a stack.
pub(crate) fn client(stack: &Stack) -> anyhow::Result<Client> {
    let api: ApiUrl = stack.ready().api.parse().map_err(anyhow::Error::msg)?;
    let token = token(stack)?.parse().map_err(anyhow::Error::msg)?;
    Ok(Client::new(api, token)?)
}

/// A token of a stack for [`TENANT`] and [`USER`].
pub(crate) fn token(stack: &Stack) -> anyhow::Result<String> {
    let (tenant, user) = (TENANT.to_owned(), USER.to_owned());
    Ok(stack.token(&TokenRequest { tenant, user, ..TokenRequest::default() })?)
}

/// Logs to standard error: what is ours at `level`, libraries' warnings. Libraries log whole
/// requests at lower levels, with the signatures in them.
pub(crate) fn log(level: &str) {
    let parts = ["access", "dynamodb", "s3", "sqs", "stack", "template"];
    let ours = parts.map(|name| format!(",airlock_local_{name}={level}")).concat();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("warn,airlock={level}{ours}")))
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_names_the_option() {
        let taken = || io::Error::from(io::ErrorKind::AddrInUse);
        let error = explain(anyhow::Error::new(taken()).context("listening"), 8787);
        assert!(format!("{error:#}").contains("--api-port"), "{error:#}");
        let other = explain(anyhow::Error::new(io::Error::from(io::ErrorKind::NotFound)), 8787);
        assert!(!format!("{other:#}").contains("--api-port"), "{other:#}");
    }
}
