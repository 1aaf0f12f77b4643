//! Where published objects live: the bucket that downloads come from, and the keys in it. Nothing
//! here knows quarantine.

pub mod bucket;
pub mod disposition;
pub mod key;

pub use bucket::{GetTerms, Published, PublishedError};
pub use disposition::attachment;
pub use key::PublishedKey;
