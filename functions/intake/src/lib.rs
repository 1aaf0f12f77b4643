//! Phase 1: taking uploads in. May write quarantine, and nothing else.
//!
//! A module per function. Nothing here can read an object's bytes, and there is no name for where
//! published objects live:
//!
//! ```compile_fail
//! extern crate airlock_published;
//! ```

pub mod create_upload;
pub mod expire_uploads;
pub mod finalize_upload;
pub mod get_upload;
mod requeue;
pub mod watch_quarantine;

use airlock_http::Problem;
use airlock_quarantine::{QuarantineError, QueueError};

fn quarantine_problem(error: QuarantineError) -> Problem {
    Problem::unavailable(error)
}

fn queue_problem(error: QueueError) -> Problem {
    Problem::unavailable(error)
}
