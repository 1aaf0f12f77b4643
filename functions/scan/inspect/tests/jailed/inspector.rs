//! Inspections of named contents in the jail, and the same outside.

use airlock_content::media_types;
use airlock_engine::Scanner;
use airlock_inspect::{
    Finding, LIMITS,
    protocol::{Request, answer},
};
use airlock_jail::{Draft, Sealed, Task};
use std::{io::Write, time::Duration};

pub(crate) fn sealed(content: &[u8]) -> Sealed {
    let mut draft = Draft::new(content.len() as u64).unwrap();
    draft.write_all(content).unwrap();
    draft.seal().unwrap()
}

/// About an object that is declared to be what its name says.
pub(crate) fn request(file_name: &str) -> Request {
    let content_type =
        media_types::of_file_name(file_name).map_or("application/octet-stream", |known| known.name);
    Request {
        content_type: content_type.to_owned(),
        file_name: file_name.to_owned(),
        allowed_types: "default".to_owned(),
        allowed_members: "default".to_owned(),
        time: Duration::from_secs(20),
    }
}

/// The finding of this process. It is read as it was written, whether or not it can be true.
pub(crate) fn found(scanner: &mut Scanner<'_>, object: &Sealed, request: &Request) -> Finding {
    let (file, scratch) = (object.open().unwrap(), tempfile::tempfile().unwrap());
    let task = Task { object: file, size: object.size(), scratch, bytes: request.to_bytes() };
    serde_json::from_slice(&answer(scanner, LIMITS, task)).unwrap()
}
