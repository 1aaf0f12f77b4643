//! The `airlock` command: the whole upload service on one machine, and a client of it wherever it
//! runs. Started under the name of a function, it is that function.

mod client;
mod command;
mod exit;
mod functions;
mod terminal;

use clap::Parser as _;
use exit::End;
use std::process::ExitCode;

fn main() -> ExitCode {
    let program = std::env::args_os().next().unwrap_or_default();
    let end = match functions::find(&program) {
        Some(function) => function().map(|()| End::Done),
        None => command::run(command::CommandLine::parse()),
    };
    end.unwrap_or_else(|error| exit::explain(&error)).into()
}
