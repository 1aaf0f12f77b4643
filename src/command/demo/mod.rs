//! `airlock demo`: shows the whole way of a file, step by step, and checks what must hold.

mod journal;
mod samples;
mod steps;

use super::{
    connection::{BearerToken, Output},
    stack::{self, TENANT, USER},
};
use crate::{
    client::{
        ApiUrl, Client, Token,
        issuer::{self, Subject},
        local::Local,
        source::{Declared, Source},
    },
    exit::{self, End, unless_interrupted},
    terminal,
};
use anyhow::Context as _;
use clap::Args;
use std::path::PathBuf;
use steps::Expected;

/// Show the eight steps of an upload on a clean file and on the EICAR test file, or on yours
///
/// Runs on a local stack of its own, or on --api. Ends with 0 only if everything that must hold
/// did.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Files to upload instead
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Base URL of an API to use instead of a local stack of its own
    #[arg(long, env = "AIRLOCK_API", value_name = "URL")]
    api: Option<ApiUrl>,
    #[command(flatten)]
    token: BearerToken,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<End> {
    let Arguments { files, api, token, output } = arguments;
    let sources = sources(&files).await?;
    let Some(api) = api else {
        let stack = stack::temporary(None).await?;
        let shown = async { show(&stack::client(&stack)?, &sources, output.json).await };
        let end = unless_interrupted(shown).await;
        stack.stop().await;
        return end;
    };
    unless_interrupted(async {
        let token = match token.token {
            Some(token) => token.read()?,
            None => demo_token(&api).await?,
        };
        show(&Client::new(api, token)?, &sources, output.json).await
    })
    .await
}

/// What is to be shown, and how each has to end.
async fn sources(files: &[PathBuf]) -> anyhow::Result<Vec<(Source, Expected)>> {
    if files.is_empty() {
        return Ok(vec![(samples::clean()?, Expected::Published), (samples::eicar()?, Expected::Malicious)]);
    }
    let mut sources = Vec::new();
    for path in files {
        let source = Source::read(path, Declared::default(), |_| ()).await;
        sources.push((source.map_err(|error| exit::about(path, error))?, Expected::Anything));
    }
    Ok(sources)
}

/// A token for an API whose caller brought none, which a local stack has.
async fn demo_token(api: &ApiUrl) -> anyhow::Result<Token> {
    let (tenant, user) = (TENANT.to_owned(), USER.to_owned());
    let subject = Subject { tenant, user, role: None, ttl_seconds: None };
    let issued = async { issuer::token(&Local::find(Some(api), None)?, &subject).await };
    issued.await.context("no --token, and the API has no issuer of a local stack")
}

async fn show(client: &Client, sources: &[(Source, Expected)], for_machines: bool) -> anyhow::Result<End> {
    let mut end = End::Done;
    for (source, expected) in sources {
        if !steps::walk(client, source, *expected, for_machines).await? {
            end = End::No;
        }
    }
    if !for_machines {
        terminal::line(match end {
            End::Done => "\nEverything that must hold did.",
            _ => "\nNot everything that must hold did; see DEVIATION above.",
        })?;
    }
    Ok(end)
}
