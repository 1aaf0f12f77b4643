//! What the demo says of each step, and what it found that must not be.

use crate::{client::answer::Record, client::source::Source, terminal};
use serde::Serialize;
use serde_json::json;
use std::{io, time::Duration};

/// One step that was made.
#[derive(Debug, Serialize)]
struct Step {
    step: usize,
    name: &'static str,
    milliseconds: Option<u128>,
    result: String,
}

/// The story of one file.
#[derive(Debug)]
pub(super) struct Journal {
    for_machines: bool,
    steps: Vec<Step>,
    deviations: Vec<String>,
}

impl Journal {
    /// Begins the story of `source`.
    pub(super) fn begin(source: &Source, for_machines: bool) -> io::Result<Self> {
        if !for_machines {
            let Source { size, sha256, .. } = source;
            let (file_name, content_type) = (terminal::plain(source.file_name()), source.content_type());
            terminal::line(format_args!("\n{file_name}: {content_type}, {size} bytes, SHA-256 {sha256}"))?;
        }
        Ok(Self { for_machines, steps: Vec::new(), deviations: Vec::new() })
    }

    /// Notes a step, and how long it took if that can be seen from here.
    pub(super) fn step(
        &mut self,
        name: &'static str,
        took: Option<Duration>,
        result: String,
    ) -> io::Result<()> {
        let milliseconds = took.map(|took| took.as_millis());
        let step = self.steps.len() + 1;
        if !self.for_machines {
            let took = milliseconds.map_or_else(String::new, |took| format!("{took} ms"));
            terminal::line(format_args!("  {step}. {name:<22}{took:>9}  {}", terminal::plain(&result)))?;
        }
        self.steps.push(Step { step, name, milliseconds, result });
        Ok(())
    }

    /// Notes what must hold, if it does not.
    pub(super) fn must(&mut self, holds: bool, what: impl FnOnce() -> String) -> io::Result<()> {
        if holds {
            return Ok(());
        }
        let what = what();
        if !self.for_machines {
            terminal::line(format_args!("     DEVIATION: {}", terminal::plain(&what)))?;
        }
        self.deviations.push(what);
        Ok(())
    }

    /// Ends the story; true when all that must hold did.
    pub(super) fn end(self, source: &Source, record: &Record) -> io::Result<bool> {
        let held = self.deviations.is_empty();
        if self.for_machines {
            let mut document = json!(record);
            document["file"] = json!(source.file_name());
            document["steps"] = json!(self.steps);
            document["deviations"] = json!(self.deviations);
            terminal::json(&document)?;
        } else {
            let verdict = record.verdict_line().unwrap_or_default();
            terminal::line(format_args!("  => {}  {}", record.state, terminal::plain(&verdict)))?;
        }
        Ok(held)
    }
}
