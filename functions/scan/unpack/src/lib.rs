//! Walks the members of one archive, and of archives in it, within limits: what a name would
//! overwrite, what an archive says twice and what unpacks without end is refused before it is
//! looked at. Knows nothing of rules, media types or services.
//!
//! Made to run where nothing can be opened: no threads, no temporary files, no environment. Content
//! comes as a slice (an object is mapped), and what is unpacked lies in memory or in one file that
//! the caller opened (see [`Scratch`]).

mod format;
mod limits;
mod path;
mod refusal;
mod scratch;
mod seven_zip;
mod stream;
mod tar;
mod walk;
mod zip;

pub use format::Format;
pub use limits::{Budget, Limits};
pub use refusal::{Exceeded, Kind, NameFault, Refusal, Special, Why};
pub use scratch::{Scratch, map};
pub use tar::is_tar_header;
pub use walk::{Member, Unpacker, Visitor};
pub use zip::{ZIP_WITHIN, ZipMember, has_zip_member, is_zip_member_header, zip_directory, zip_traces};
