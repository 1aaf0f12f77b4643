//! Phase 3: handing published objects out, and removing them. Knows published, and nothing else.
//!
//! A module per function. There is no name here for quarantine:
//!
//! ```compile_fail
//! extern crate airlock_quarantine;
//! ```

pub mod create_download_url;
pub mod delete_object;
pub mod get_object;
pub mod list_objects;
pub mod sweep_published;

use airlock_http::Problem;
use airlock_objects::{record::Record, state::State};
use airlock_published::PublishedError;

fn published_problem(error: PublishedError) -> Problem {
    Problem::unavailable(error)
}

/// Only what is published exists here; everything else is one and the same 404 (C-03, C-07).
fn published(record: Option<Record>) -> Result<Record, Problem> {
    record.filter(|record| record.state == State::Published).ok_or_else(Problem::not_found)
}
