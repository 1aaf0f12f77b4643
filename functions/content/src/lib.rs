//! What content may be and what may be said of it: the media types that uploads can have, which
//! of them a deployment takes, what may lie in archives, what an upload declares, and the verdict on it. Shared by the API and the scan; knows no service at all.

pub mod media_types;
pub mod members;
pub mod policy;
pub mod verdict;

/// What an object is declared to be.
#[derive(Clone, Copy, Debug)]
pub struct Declared<'a> {
    /// The media type, as it was declared, parameters included.
    pub content_type: &'a str,
    /// The file name.
    pub file_name: &'a str,
    /// The size in bytes.
    pub size: u64,
}
