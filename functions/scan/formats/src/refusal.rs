//! Why an archive, or one of its members, is refused. Callers decide by its kind, and people read its sentence.

use std::io;

/// What was refused, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}{why}", path_prefix(.path))]
pub struct Refusal {
    /// The member's path from the object down, printable and of bounded length; empty where the
    /// object itself is at fault.
    pub path: String,
    /// What is wrong.
    #[source]
    pub why: Why,
}

fn path_prefix(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// The member is no file and no folder.
    #[error("it is {0}")]
    NotAFile(Special),
    /// The member's name leads out of the folder, or misleads a reader.
    #[error("its name {0}")]
    Name(NameFault),
    /// Another member has the same name.
    #[error("two members have this name")]
    Duplicate,
    /// It uses bytes that belong to something else in the archive.
    #[error("it overlaps with another part of the archive")]
    Overlap,
    /// The archive says two things of it, so two programs can see two things.
    #[error("the archive contradicts itself: {0}")]
    Disagreement(&'static str),
    /// Bytes of the archive belong to no member.
    #[error("{0}")]
    Hidden(&'static str),
    /// More than allowed.
    #[error("{0}")]
    Limit(Exceeded),
    /// It needs a password.
    #[error("it is encrypted")]
    Encrypted,
    /// It uses something that this crate does not read.
    #[error("it uses {0}, which cannot be read")]
    Unsupported(String),
    /// It does not follow its format, or fails its checksum.
    #[error("it is broken: {0}")]
    Broken(String),
    /// The scratch file cannot be written or mapped.
    #[error("there is no room to unpack it")]
    Scratch(#[source] io::Error),
}

/// A member that is no file and no folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Special {
    /// A symbolic link that leads out, or to where nobody can tell.
    #[error("a symbolic link that leads out of the archive")]
    SymbolicLink,
    /// Another name for a file of the machine.
    #[error("a hard link to what is not in the archive")]
    HardLink,
    /// A device, a pipe or a socket.
    #[error("a device or a pipe")]
    Device,
}

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// There is none.
    #[error("is empty")]
    Empty,
    /// It starts with a slash or a backslash.
    #[error("is an absolute path")]
    Absolute,
    /// It starts with a drive letter.
    #[error("starts with a drive letter")]
    Drive,
    /// One of its parts is `..`.
    #[error("leads out of the archive")]
    Parent,
    /// It has a folder where there can be none.
    #[error("has a folder, which the header of gzip cannot have")]
    Folder,
    /// It has a character that is not shown, or turns the direction of the text.
    #[error("has control characters")]
    Control,
}

/// A limit, with what it allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// Archives inside archives.
    #[error("archives are nested more than {0} deep")]
    Depth(u32),
    /// Members, in all archives together.
    #[error("it has more than {0} members")]
    Members(u64),
    /// The size of one member, in bytes.
    #[error("it unpacks to more than {0} bytes")]
    MemberBytes(u64),
    /// The size of all members, in bytes.
    #[error("the archive unpacks to more than {0} bytes")]
    TotalBytes(u64),
    /// How much larger the members are than the object; the bytes that its size allows.
    #[error("the archive unpacks to more than {0} bytes, too many for its size")]
    Ratio(u64),
    /// The length of a path, in bytes.
    #[error("its path is longer than {0} bytes")]
    PathBytes(usize),
    /// The memory that a decoder would need, in bytes.
    #[error("it needs more than {0} bytes of memory to unpack")]
    WindowBytes(u64),
    /// A file of compressed pieces of which too many hold next to nothing.
    #[error("it is compressed in more than {0} pieces")]
    Pieces(u64),
    /// The pixels of a picture.
    #[error("it announces a picture of {has} pixels, more than the {most} that are taken here")]
    Pixels {
        /// How many it has.
        has: u64,
        /// How many it may have.
        most: u64,
    },
    /// The pictures of an animation.
    #[error("it announces {has} pictures one after another, more than the {most} that are taken here")]
    Frames {
        /// How many it has.
        has: u64,
        /// How many it may have.
        most: u64,
    },
    /// The time for the object.
    #[error("it could not be unpacked in time")]
    Time,
}

/// What a refusal means for the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Made to mislead or to overwrite: no honest archive is like this.
    Structure,
    /// Larger, deeper or more numerous than allowed.
    Limit,
    /// The time for the object was over: what it holds is not known, but with more time it could be.
    Time,
    /// What it holds is not known.
    Unscannable,
}

impl Why {
    /// What this means for the object.
    pub fn kind(&self) -> Kind {
        match self {
            Self::NotAFile(_)
            | Self::Name(_)
            | Self::Duplicate
            | Self::Overlap
            | Self::Disagreement(_)
            | Self::Hidden(_) => Kind::Structure,
            Self::Encrypted | Self::Unsupported(_) | Self::Broken(_) | Self::Scratch(_) => Kind::Unscannable,
            Self::Limit(Exceeded::Time) => Kind::Time,
            Self::Limit(_) => Kind::Limit,
        }
    }

    /// Whether the walk of the whole object has to end.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Limit(_) | Self::Scratch(_))
    }

    pub(crate) fn broken(what: impl ToString) -> Self {
        Self::Broken(what.to_string())
    }
}

/// Why a walk ends before the last member.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something is wrong with the archive.
    Why(Why),
    /// The visitor has seen enough.
    Enough,
}

impl From<Why> for Stop {
    fn from(why: Why) -> Self {
        Self::Why(why)
    }
}
