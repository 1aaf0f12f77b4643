//! Phase 3: handing published objects out, and removing them. Knows published, and nothing else.
//!
//! A module per function. There is no name here for quarantine:
//!
//! ```compile_fail
//! extern crate airlock_quarantine;
//! ```

mod create_download_url;
mod delete_object;
mod get_object;
mod list_objects;
mod sweep_published;

pub use create_download_url::CreateDownloadUrl;
pub use delete_object::DeleteObject;
pub use get_object::GetObject;
pub use list_objects::ListObjects;
pub use sweep_published::SweepPublished;

use airlock_http::Problem;
use airlock_objects::{record::Record, state::State};

/// Only what is published exists here; everything else is one and the same 404 (C-03, C-07).
fn published(record: Option<Record>) -> Result<Record, Problem> {
    record.filter(|record| record.state == State::Published).ok_or_else(Problem::not_found)
}
