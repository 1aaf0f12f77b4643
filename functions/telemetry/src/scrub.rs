//! Takes signed query parameters, bearer tokens and cookies out of what is about to be logged.

use std::io::{self, Write};
use tracing_subscriber::fmt::MakeWriter;

/// What precedes a secret, in lower case, and the bytes that end it.
const SECRETS: [(&str, &[u8]); 9] = [
    ("x-amz-signature=", b"&\"' ,;\\\n"),
    ("x-amz-credential=", b"&\"' ,;\\\n"),
    ("x-amz-security-token=", b"&\"' ,;\\\n"),
    ("signature=", b"&\"' ,;\\\n"),
    ("credential=", b"&\"' ,;\\\n"),
    ("bearer ", b"\"', ;\\\n"),
    ("cookie: ", b"\"\\\n"),
    ("x-amz-security-token: ", b"\"', \\\n"),
    ("\"x-amz-security-token\": \"", b"\""),
];

/// The text in a secret's place; the name before it goes as well, so that a search for it finds
/// nothing.
const REDACTED: &str = "[redacted]";

/// `line` without its secrets.
pub fn scrub(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let mut clean = String::with_capacity(line.len());
    let mut position = 0;
    while position < line.len() {
        let next = SECRETS
            .iter()
            .filter_map(|(name, ends)| lower[position..].find(name).map(|at| (at, *name, *ends)))
            .min_by_key(|(at, name, _)| (*at, std::cmp::Reverse(name.len())));
        let Some((at, name, ends)) = next else { break };
        let secret = position + at + name.len();
        let length = line.as_bytes()[secret..].iter().position(|byte| ends.contains(byte));
        clean.push_str(&line[position..position + at]);
        clean.push_str(REDACTED);
        position = length.map_or(line.len(), |length| secret + length);
    }
    clean.push_str(&line[position..]);
    clean
}

/// Standard output, with every line scrubbed.
#[derive(Clone, Copy, Debug)]
pub struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The formatter writes a whole event at a time.
        io::stdout().lock().write_all(scrub(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().lock().flush()
    }
}

impl<'a> MakeWriter<'a> for Stdout {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn c06_secrets_go_and_the_rest_stays() {
        assert_eq!(
            scrub(
                r#"GET "http://h/b/k?a=1&X-Amz-Credential=AKIA/x&X-Amz-Signature=00ff&b=2" Bearer ey.J-x, ok"#
            ),
            r#"GET "http://h/b/k?a=1&[redacted]&[redacted]&b=2" [redacted], ok"#
        );
        assert_eq!(scrub("authorization: Bearer a.b.c"), "authorization: [redacted]");
        assert_eq!(scrub("nothing here"), "nothing here");
    }

    proptest! {
        #[test]
        fn c06_no_secret_survives(before in ".*", after in ".*", token in "[A-Za-z0-9._/-]{8,40}") {
            for name in ["X-Amz-Signature=", "Bearer ", "x-amz-security-token=", "Signature="] {
                let clean = scrub(&format!("{before}{name}{token} {after}"));
                prop_assert!(!clean.contains(&format!("{name}{token}")), "{}", clean);
            }
        }
    }
}
