//! Identifies any file under any declaration: no panic, and no error from a
//! reader that has none.
#![no_main]

use airlock_content::media_types::DEFAULT;
use airlock_formats::identify::identify;
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(|input: &[u8]| {
    let Some((declared, content)) = input.split_first() else { return };
    let declared = &DEFAULT[usize::from(*declared) % DEFAULT.len()];
    identify(Cursor::new(content), declared).expect("memory can be read");
});
