//! `airlock invoke`: one function with one event, as Lambda would invoke it.

use super::stack;
use crate::{
    exit::{End, WrongUsage, unless_interrupted},
    terminal,
};
use airlock_local_stack::InvokeError;
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;

/// Invoke a function with an event, on a local stack of its own, and print what it answers
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Name of the function, such as create-upload
    function: String,
    /// File with the event, as JSON
    #[arg(long, value_name = "FILE")]
    event: PathBuf,
    /// Folder with the data of an earlier `airlock local --data`; without it the stack is empty
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(crate) async fn run(Arguments { function, event, data }: Arguments) -> anyhow::Result<End> {
    let wrong = |why: &dyn std::fmt::Display| WrongUsage(format!("{}: {why}", event.display()));
    let text = std::fs::read_to_string(&event).map_err(|why| wrong(&why))?;
    let event: Value = serde_json::from_str(&text).map_err(|why| wrong(&why))?;
    let local = stack::temporary(data).await?;
    let answer = unless_interrupted(async { Ok(local.invoke(&function, event).await) }).await;
    local.stop().await;
    match answer? {
        Ok(answer) => {
            terminal::json(&answer)?;
            Ok(End::Done)
        }
        Err(InvokeError::Function(error)) => {
            terminal::json(&error.to_json())?;
            Ok(End::No)
        }
        Err(error @ InvokeError::UnknownFunction(_)) => Err(WrongUsage(error.to_string()).into()),
        Err(error) => Err(error.into()),
    }
}
