//! `airlock rules check`: whether a folder of rules is fit to be used.

use super::connection::Output;
use crate::{
    exit::{End, WrongUsage},
    terminal,
};
use airlock_engine::{CheckReport, EngineKind, Progress, check, samples_of};
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;

/// Work on rule sets
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compile the rules of a folder, try each on its samples, and say how fast each is
    ///
    /// Samples are looked for in DIR/samples, else in DIR/../samples: for each rule a folder with its
    /// name, in it `match` and `clean`, in these files in base64. To deploy the rules together with
    /// those that ship, build with AIRLOCK_RULES set to the folder's absolute path.
    Check(CheckArguments),
}

#[derive(Debug, Args)]
struct CheckArguments {
    /// Folder with *.yar files
    #[arg(value_name = "DIR")]
    rules: PathBuf,
    /// Engine that runs them: yara, or yara-x if it is built in
    #[arg(long, value_name = "NAME", default_value_t)]
    engine: EngineKind,
    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(Arguments { command: Command::Check(arguments) }: Arguments) -> anyhow::Result<End> {
    let CheckArguments { rules, engine, output } = arguments;
    if !rules.is_dir() {
        return Err(WrongUsage(format!("{} is no folder", rules.display())).into());
    }
    let spinner = terminal::spinner("compiling, and trying each rule on its samples", output.json);
    let checked = check(engine, &rules, &samples_of(&rules), &mut |progress| {
        let Progress { rule, done, of } = progress;
        spinner.set_message(terminal::plain(&format!("{done} of {of} measured, now {rule}")));
    });
    spinner.finish_and_clear();
    let report = match checked {
        Ok(report) => report,
        Err(error) if output.json => {
            terminal::json(&json!({ "problems": [error.to_string()] }))?;
            return Ok(End::No);
        }
        Err(error) => {
            terminal::line(error)?;
            return Ok(End::No);
        }
    };
    if output.json {
        as_json(&report)?
    } else {
        as_text(&report)?
    }
    Ok(if report.problems.is_empty() { End::Done } else { End::No })
}

fn as_json(report: &CheckReport) -> std::io::Result<()> {
    let rules = report.rules.iter().map(|rule| {
        json!({
            "rule": rule.rule.name, "severity": rule.rule.severity.name(), "matching_samples": rule.matching,
            "clean_samples": rule.clean, "microseconds_per_mib": rule.worst.time_per_mib.as_micros() as u64,
            "hardest": rule.worst.input.to_string(), "grows": rule.worst.grows,
        })
    });
    let problems = report.problems.iter().map(ToString::to_string);
    terminal::json(&json!({
        "engine": report.engine.name(), "hash": report.hash,
        "together": {
            "microseconds_per_mib": report.together.1.time_per_mib.as_micros() as u64,
            "hardest": report.together.1.input.to_string(), "rule": report.together.0,
        },
        "rules": rules.collect::<Vec<_>>(), "problems": problems.collect::<Vec<_>>(),
    }))
}

/// The slowest rules first: they are what a scan's time is made of.
fn as_text(report: &CheckReport) -> std::io::Result<()> {
    let mut rules: Vec<_> = report.rules.iter().collect();
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.worst.time_per_mib));
    terminal::line(" ms/MiB  match  clean  rule, and what it finds hardest")?;
    for rule in rules {
        let milliseconds = rule.worst.time_per_mib.as_secs_f64() * 1000.0;
        let input = &rule.worst.input;
        let (matching, clean, name) = (rule.matching, rule.clean, terminal::plain(&rule.rule.name));
        terminal::line(format_args!("{milliseconds:7.2}  {matching:5}  {clean:5}  {name}: {input}"))?;
    }
    let (rule, worst) = &report.together;
    let milliseconds = worst.time_per_mib.as_secs_f64() * 1000.0;
    terminal::line(format_args!(
        "{milliseconds:7.2}  all of them together, on what {} finds hardest",
        terminal::plain(rule)
    ))?;
    for problem in &report.problems {
        terminal::line(format_args!("problem: {}", terminal::plain(&problem.to_string())))?;
    }
    let (rules, problems) = (report.rules.len(), report.problems.len());
    terminal::line(format_args!("{rules} rules, {problems} problems; rule set {}", report.hash))
}
