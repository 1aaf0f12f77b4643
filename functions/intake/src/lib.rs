//! Phase 1: taking uploads in. May write quarantine, and nothing else.
//!
//! A module per function. Nothing here can read an object's bytes, and there is no name for where
//! published objects live:
//!
//! ```compile_fail
//! extern crate airlock_published;
//! ```

mod create_upload;
mod finalize_upload;
mod get_upload;
mod sweep_uploads;
mod watch_quarantine;

pub use create_upload::CreateUpload;
pub use finalize_upload::FinalizeUpload;
pub use get_upload::GetUpload;
pub use sweep_uploads::SweepUploads;
pub use watch_quarantine::WatchQuarantine;
