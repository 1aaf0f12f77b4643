//! What is left behind the end of an archive. Every byte is looked at: what nothing recognises, and is too little to
//! hold anything, is scanned and passes.

use crate::{
    Format, embedded,
    identify::identify,
    opaque,
    refusal::{Stop, Why},
    walk::Walk,
    zip_traces,
};
use airlock_content::media_types::PLAIN_TEXT;
use std::io::Cursor;

/// How much may be left over: a line end, a note, what a transfer added.
const MOST: usize = 64;

/// Types that say that nothing was recognised.
const NOTHING: [&str; 2] = ["text/plain", "application/octet-stream"];

impl Walk<'_> {
    /// Looks at a comment, which may be long, but no archive.
    pub(crate) fn comment(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if opaque::format(bytes).is_some()
            || embedded::archive(bytes).is_some()
            || Format::of(bytes).is_some()
        {
            return Err(Why::Hidden("its comment is an archive").into());
        }
        if bytes.is_empty() { Ok(()) } else { self.decoded("", bytes) }
    }

    /// Looks at what follows the end of the part.
    pub(crate) fn leftover(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        // Media and transfers pad with zeros, and programs end files with a line end.
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        if bytes.len() > MOST || is_something(bytes) {
            return Err(Why::Hidden("something follows its end").into());
        }
        self.decoded("", bytes)
    }
}

fn is_something(bytes: &[u8]) -> bool {
    let is_typed = || {
        identify(Cursor::new(bytes), &PLAIN_TEXT)
            .is_ok_and(|content| !NOTHING.contains(&content.media_type.as_ref()))
    };
    // Control codes and letters of no encoding are what packed and encrypted data is made of.
    let is_plain = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || *byte == 0;
    !bytes.iter().all(is_plain)
        || Format::of(bytes).is_some()
        || opaque::format(bytes).is_some()
        || embedded::archive(bytes).is_some()
        || !zip_traces(bytes, || true).is_empty()
        || is_typed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_something_is_told_from_a_note() {
        for nothing in [&b"W"[..], b"\r\n", b"-- \n", b"A note.\n", b"\0\0\0 \n"] {
            assert!(!is_something(nothing), "{nothing:?}");
        }
        for something in [
            &b"<html><body>hello</body></html>"[..],
            b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0",
            b"\x93\x01\xfe\x8e\x11\x7f\x02",
            b"#!/bin/sh\nrm -r x\n",
            b"<?php system(1);",
            b"PK\x03\x04",
        ] {
            assert!(is_something(something), "{something:?}");
        }
    }
}
