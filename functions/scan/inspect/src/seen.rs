//! What an inspection saw, for people who want to know what Airlock makes of a file.

/// All that an inspection looked at in one object.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Files within the object and other forms of it, in the order in which they were looked at.
    pub parts: Vec<SeenPart>,
    /// What its parts say of themselves: the path of the part (empty for the object) and the fact.
    pub facts: Vec<(String, String)>,
}

/// A file within an object, or another form of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPart {
    /// Its path from the object down; empty for a form of the object.
    pub path: String,
    /// The media type that was found; `None` for another form of a part, such as an unpacked stream.
    pub media_type: Option<String>,
    /// Its size in bytes.
    pub size: u64,
}

impl Seen {
    pub(crate) fn part(&mut self, path: &str, media_type: Option<&str>, bytes: &[u8]) {
        self.parts.push(SeenPart {
            path: path.to_owned(),
            media_type: media_type.map(str::to_owned),
            size: bytes.len() as u64,
        });
    }
}
