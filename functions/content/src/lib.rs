//! What both the API and the scan know of content: the media types that uploads can have, which of them a deployment
//! allows, what may be in archives, what an upload declares, and the verdict on it. Knows no service at all.

pub mod media_types;
pub mod members;
pub mod policy;
pub mod verdict;

/// What rules are told that the type of a part's facts is, which readers of content state about it. Nobody can declare it,
/// as it is no media type.
pub const FACTS: &str = "facts";

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
