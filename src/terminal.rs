//! Standard output and standard error: answers on one, progress on the other.

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{
    fmt,
    io::{self, Write},
};

/// Writes a line to standard output. When nobody reads it any more (`airlock list | head`), the
/// process ends as one that did what was wanted of it.
///
/// # Errors
/// When standard output cannot be written to.
pub(crate) fn line(text: impl fmt::Display) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        written => written,
    }
}

/// Writes a JSON document on a line of its own.
///
/// # Errors
/// When standard output cannot be written to.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    line(serde_json::to_string(value)?)
}

/// Text of others without what could control the terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A progress bar of bytes on standard error; hidden if that is no terminal, or a machine reads.
pub(crate) fn progress(what: &str, bytes: u64, json: bool) -> ProgressBar {
    if json {
        return ProgressBar::hidden();
    }
    let template = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style).with_message(plain(what))
}

/// A spinner on standard error for what has no measure; hidden like [`progress`].
pub(crate) fn spinner(what: &str, json: bool) -> ProgressBar {
    if json {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner().with_message(plain(what));
    spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    spinner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_cannot_control_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\r\n"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}");
        assert_eq!(plain("naïve “résumé”.pdf"), "naïve “résumé”.pdf");
    }
}
