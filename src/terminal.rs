//! Standard output and standard error: answers on one, progress on the other.

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{
    fmt,
    io::{self, Write},
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether nobody reads standard output any more.
static UNREAD: AtomicBool = AtomicBool::new(false);

/// Whether nobody reads standard output any more (`airlock list | head`), so that what only shows something can end.
pub(crate) fn is_unread() -> bool {
    UNREAD.load(Ordering::Relaxed)
}

/// Writes lines for people to standard output; nothing in them can control the terminal. When nobody reads them any
/// more, they are dropped: what the command does besides, it does to its end.
///
/// # Errors
/// When standard output cannot be written to.
pub(crate) fn line(text: impl fmt::Display) -> io::Result<()> {
    write(&harmless(&text.to_string()))
}

/// Writes a JSON document on a line of its own.
///
/// # Errors
/// When standard output cannot be written to.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    // serde_json escapes only what JSON demands.
    let text = serde_json::to_string(value)?;
    let escaped = text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        if is_harmful(c) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| escaped.push_str(&format!("\\u{unit:04x}")));
        } else {
            escaped.push(c);
        }
        escaped
    });
    write(&escaped)
}

/// Says on standard error why a command failed.
pub(crate) fn failure(why: impl fmt::Display) {
    // Where nobody hears it, the exit code says it.
    let _ = writeln!(io::stderr(), "airlock: {}", harmless(&why.to_string()));
}

fn write(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            UNREAD.store(true, Ordering::Relaxed);
            Ok(())
        }
        written => written,
    }
}

/// Text of others on one line, without what could control the terminal.
pub(crate) fn plain(text: &str) -> String {
    harmless(text).replace('\n', "\u{fffd}")
}

/// Text without what could control the terminal, or reorder or hide what it shows.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c != '\n' && is_harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// Control characters, and what reorders or hides text (Unicode TR 36).
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
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
        assert_eq!(plain("a\u{200b}b\u{2028}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(plain("naïve “résumé”.pdf"), "naïve “résumé”.pdf");
        assert_eq!(plain("gpj\u{202e}exe.\u{9b}1m"), "gpj\u{fffd}exe.\u{fffd}1m");
    }
}
