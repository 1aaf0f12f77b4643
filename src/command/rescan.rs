//! `airlock rescan`: holds every published object against the current rules.

use super::connection::{LocalStack, Output};
use crate::{
    client::rescan::{self, Progress},
    exit::End,
    terminal,
};
use clap::Args;

/// Scan again what was published under older rules, and recall what the current rules do not accept
///
/// The stack does this by itself, every five minutes, when its rules have changed; this has the local
/// stack do it now, and shows how far it is. It can be interrupted and started again. On AWS, the same
/// is `aws lambda invoke` of the function RescanObjects, until it answers that it is finished.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    stack: LocalStack,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn run(Arguments { stack, output }: Arguments) -> anyhow::Result<End> {
    let local = stack.find()?;
    let spinner = terminal::spinner("starting", output.json);
    let mut before = None;
    let last = loop {
        let progress = rescan::run(&local).await?;
        spinner.set_message(terminal::plain(&sentence(&progress)));
        // Nothing new came out: what is left cannot be scanned.
        if progress.finished || before.as_ref() == Some(&progress) {
            break progress;
        }
        before = Some(progress);
    };
    spinner.finish_and_clear();
    if output.json {
        terminal::json(&last)?;
    } else {
        terminal::line(terminal::plain(&sentence(&last)))?;
        if last.failed > 0 {
            terminal::line("what could not be scanned stays published; the log of rescan-objects says why")?;
        }
    }
    Ok(if last.finished { End::Done } else { End::No })
}

fn sentence(progress: &Progress) -> String {
    let Progress { rules, scanned, recalled, failed, .. } = progress;
    let rules: String = rules.chars().take(12).collect();
    format!("rules {rules}…: {scanned} scanned again, {recalled} recalled, {failed} could not be scanned")
}
