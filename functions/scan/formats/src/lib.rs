//! Walks the members of one archive, and of archives in it, within limits. Names that lead out of the archive,
//! contradictions and bombs are refused before the content is inspected. Knows nothing of rules, media types or
//! services.
//!
//! Made to run where nothing can be opened: no threads, no temporary files, no environment. Content is a slice (an
//! object is mapped), and unpacked members are in memory or in one file that the caller opened (see [`Scratch`]).

mod archive;
mod compressed;
pub mod embedded;
mod facts;
mod flaw;
mod format;
pub mod identify;
mod input;
mod leftover;
mod limits;
mod link;
mod lzma;
mod media;
mod numbers;
mod office;
mod ole;
mod ooxml;
pub mod opaque;
mod path;
mod pdf;
mod program;
mod refusal;
mod scratch;
mod second;
mod seven_zip;
mod tar;
mod text;
mod walk;
mod xml;
mod zip;
pub mod zips;

pub use facts::Facts;
pub use format::Format;
pub use limits::{Budget, Limits};
pub use media::Media;
pub use refusal::{Exceeded, Kind, NameFault, Refusal, Special, Why};
pub use scratch::{Scratch, map};
pub use tar::is_tar_header;
pub use text::Text;
pub use walk::{Member, Unpacker, Visitor, Walked};
pub use zip::{ZIP_WITHIN, ZipMember, has_zip_member, is_zip_member_header, zip_directory, zip_traces};
