//! The command line: one module per subcommand.

mod connection;
mod delete;
mod demo;
mod download;
mod inspect;
mod invoke;
mod list;
mod local;
mod rescan;
mod rules;
mod stack;
mod status;
mod token;
mod upload;

use crate::exit::{End, unless_interrupted};
use clap::{Parser, Subcommand};

/// Uploads from strangers, done right: quarantine, finalize, scan, publish.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Without a command, `local` is run.\n\n\
        Exit codes: 0 done, 1 the answer is no (rejected, not found, …), 2 wrong usage, 3 could not ask."
)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    local: local::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    Local(local::Arguments),
    Token(token::Arguments),
    Upload(upload::Arguments),
    Download(download::Arguments),
    List(list::Arguments),
    Status(status::Arguments),
    Delete(delete::Arguments),
    Demo(demo::Arguments),
    Inspect(inspect::Arguments),
    Invoke(invoke::Arguments),
    Rescan(rescan::Arguments),
    Rules(rules::Arguments),
}

/// Runs the command that was asked for.
///
/// # Errors
/// Those of the command; [`End`] says what they mean for scripts.
pub(crate) fn run(line: CommandLine) -> anyhow::Result<End> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        match line.command.unwrap_or(Command::Local(line.local)) {
            Command::Local(arguments) => local::run(arguments).await,
            Command::Token(arguments) => unless_interrupted(token::run(arguments)).await,
            Command::Upload(arguments) => unless_interrupted(upload::run(arguments)).await,
            Command::Download(arguments) => unless_interrupted(download::run(arguments)).await,
            Command::List(arguments) => unless_interrupted(list::run(arguments)).await,
            Command::Status(arguments) => unless_interrupted(status::run(arguments)).await,
            Command::Delete(arguments) => unless_interrupted(delete::run(arguments)).await,
            Command::Demo(arguments) => demo::run(arguments).await,
            Command::Inspect(arguments) => inspect::run(arguments),
            Command::Invoke(arguments) => invoke::run(arguments).await,
            Command::Rules(arguments) => rules::run(arguments),
            Command::Rescan(arguments) => unless_interrupted(rescan::run(arguments)).await,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(line: &str) -> Result<CommandLine, clap::Error> {
        CommandLine::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn no_command_is_local_with_the_same_options() -> Result<(), clap::Error> {
        assert!(parse("airlock")?.command.is_none());
        assert_eq!(parse("airlock --api-port 0")?.local.api_port, 0);
        let Some(Command::Local(local)) = parse("airlock local --api-port 9")?.command else {
            return Err(clap::Error::new(clap::error::ErrorKind::InvalidSubcommand));
        };
        assert_eq!(local.api_port, 9);
        Ok(())
    }

    #[test]
    fn wrong_usage_is_exit_code_2() {
        for line in
            ["airlock upload", "airlock nonsense", "airlock --api-port x", "airlock list --api ftp://x"]
        {
            assert_eq!(parse(line).map_err(|error| error.exit_code()).err(), Some(2), "{line}");
        }
    }
}
