//! Quarantine: where strangers' bytes wait. Its bucket, the keys in it, and the queue that leads out
//! of it to the scan. Nothing here can read an object's bytes, and nothing here knows where published
//! objects live.

pub mod bucket;
pub mod key;
pub mod queue;

pub use bucket::{Found, PutTerms, Quarantine, QuarantineError, SignedPut};
pub use key::{HeldKey, QuarantineKey};
pub use queue::{NotAScanRequest, ScanQueue, requested};
