//! Names of members: which could lead a program out of the folder that it unpacks to, which are the
//! same file, and how they are shown.

use crate::refusal::NameFault;
use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, Hasher, RandomState},
};

/// Characters of a path that a reason may have.
const SHOWN: usize = 200;

/// A name as it can be shown: bytes that are no UTF-8 are taken for code page 437 (APPNOTE.TXT,
/// appendix D), of which only the fact matters that they are letters and signs.
pub(crate) fn shown(raw: &[u8]) -> String {
    shorten(&printable(raw))
}

fn printable(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    text.chars().map(|c| if is_control(c) { '\u{fffd}' } else { c }).collect()
}

/// The name of what a path leads to, within its folder: parts that are nothing, or only the folder
/// itself, make no difference to where it leads. On Windows neither do parts of spaces.
///
/// It is not shortened: a program may use any part of it.
pub(crate) fn name(raw: &[u8]) -> String {
    let text = printable(raw);
    let is_part = |part: &&str| !part.trim_end_matches(['.', ' ']).is_empty();
    text.rsplit(['/', '\\']).find(is_part).unwrap_or(&text).to_owned()
}

/// The end of a path is what tells it from others.
pub(crate) fn shorten(text: &str) -> String {
    match text.chars().count().checked_sub(SHOWN) {
        None | Some(0) => text.to_owned(),
        Some(surplus) => format!("…{}", text.chars().skip(surplus + 1).collect::<String>()),
    }
}

/// Control characters, and those that turn the direction of the text: they show `exe.txt` for
/// `txt.exe` (UAX #9, section 2).
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Checks a name and returns its path on any system. Programs on Windows take a backslash for a slash, so it is one
/// here as well.
///
/// Names of devices of Windows are no fault: `aux.c` is in Linux's source, and what unpacks on Windows
/// renames it. A colon behind more than a letter is none either, as logs are named by times; what it
/// may hide is up to the policy of members.
pub(crate) fn check(raw: &[u8]) -> Result<Vec<u8>, NameFault> {
    if raw.is_empty() {
        return Err(NameFault::Empty);
    }
    if String::from_utf8_lossy(raw).chars().any(is_control) {
        return Err(NameFault::Control);
    }
    if matches!(raw[0], b'/' | b'\\') {
        return Err(NameFault::Absolute);
    }
    let mut path = Vec::with_capacity(raw.len());
    for part in raw.split(|byte| matches!(byte, b'/' | b'\\')) {
        if part.len() >= 2 && part[0].is_ascii_alphabetic() && part[1] == b':' && path.is_empty() {
            return Err(NameFault::Drive);
        }
        // Windows drops spaces and dots at the end of a part: `.. ` is `..`.
        let bare = part.trim_ascii_end();
        if bare == b".." || (bare.len() > 2 && bare.iter().all(|byte| matches!(byte, b'.' | b' '))) {
            return Err(NameFault::Parent);
        }
        if !part.is_empty() && part != b"." {
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(part);
        }
    }
    Ok(path)
}

/// The paths of one archive so far. Names are told apart by case: both members are looked at,
/// whichever of them a program on Windows or macOS keeps, and honest archives (Linux itself) have
/// such pairs.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    seen: HashMap<Vec<u8>, bool>,
    /// Hashes of those of links, in lower case: with random keys, so that nobody can make two alike.
    links: HashSet<u64>,
    hasher: RandomState,
}

impl Paths {
    /// Notes a path; false if there is one already, unless both are folders.
    pub(crate) fn insert(&mut self, path: Vec<u8>, is_folder: bool) -> bool {
        match self.seen.insert(path, is_folder) {
            None => true,
            Some(was_folder) => was_folder && is_folder,
        }
    }

    /// Whether it is the path of a member before.
    pub(crate) fn contains(&self, path: &[u8]) -> bool {
        self.seen.contains_key(path)
    }

    /// Notes that a path is that of a link.
    pub(crate) fn insert_link(&mut self, path: &[u8]) {
        let mut hasher = self.hasher.build_hasher();
        path.iter().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase()));
        self.links.insert(hasher.finish());
    }

    /// Whether one of its folders is a link, on a system that tells names apart by case or not.
    pub(crate) fn is_behind_a_link(&self, path: &[u8]) -> bool {
        let mut hasher = self.hasher.build_hasher();
        !self.links.is_empty()
            && path.iter().any(|byte| {
                let is_link = *byte == b'/' && self.links.contains(&hasher.finish());
                hasher.write_u8(byte.to_ascii_lowercase());
                is_link
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for (name, fault) in [
            ("", NameFault::Empty),
            ("/etc/passwd", NameFault::Absolute),
            ("\\windows\\a", NameFault::Absolute),
            ("\\\\server\\share", NameFault::Absolute),
            ("C:\\a", NameFault::Drive),
            ("c:a", NameFault::Drive),
            ("./c:/a", NameFault::Drive),
            ("..", NameFault::Parent),
            ("../a", NameFault::Parent),
            ("a/../../b", NameFault::Parent),
            ("a\\..\\b", NameFault::Parent),
            ("a/.. /b", NameFault::Parent),
            ("a/.. ./b", NameFault::Parent),
            ("a/...", NameFault::Parent),
            ("a\0.txt", NameFault::Control),
            ("a\r\nb", NameFault::Control),
            ("a\u{202e}txt.exe", NameFault::Control),
            ("a\u{85}", NameFault::Control),
        ] {
            assert_eq!(check(name.as_bytes()), Err(fault), "{name:?}");
        }
        for (name, path) in [
            ("a", "a"),
            ("./a//b/./c", "a/b/c"),
            ("a/", "a"),
            ("./", ""),
            ("a..b/..c", "a..b/..c"),
            ("dev-\\x2d", "dev-/x2d"),
            ("12:30.log", "12:30.log"),
            ("größe.txt", "größe.txt"),
        ] {
            assert_eq!(check(name.as_bytes()), Ok(path.as_bytes().to_vec()), "{name:?}");
        }
        assert!(check(b"gr\x94\xe1e.txt").is_ok());
    }

    #[test]
    fn the_name_is_the_last_part_that_leads_anywhere() {
        let long = format!("in/evil.hta{}", "/.".repeat(300));
        let dots = format!("evil.hta{}", ".".repeat(300));
        for (path, name_of_it) in [
            ("a/b.txt", "b.txt"),
            ("evil.hta/.", "evil.hta"),
            ("evil.hta/./.", "evil.hta"),
            ("evil.hta\\.", "evil.hta"),
            ("d/evil.hta/.//", "evil.hta"),
            ("d/evil.hta/ /. ", "evil.hta"),
            ("a/.b", ".b"),
            ("evil.hta. ", "evil.hta. "),
            (&long, "evil.hta"),
            (&dots, &dots),
            (".", "."),
        ] {
            assert_eq!(name(path.as_bytes()), name_of_it, "{path}");
        }
    }

    #[test]
    fn one_path_is_one_member_or_one_folder() {
        let mut paths = Paths::default();
        assert!(paths.insert(b"a".to_vec(), true));
        assert!(paths.insert(b"a".to_vec(), true));
        assert!(!paths.insert(b"a".to_vec(), false));
        assert!(paths.insert(b"b".to_vec(), false));
        assert!(paths.insert(b"B".to_vec(), false));
        assert!(!paths.insert(b"b".to_vec(), false));
    }

    proptest! {
        #[test]
        fn what_is_accepted_stays_inside_and_what_is_shown_is_printable(raw in prop::collection::vec(any::<u8>(), 0..600)) {
            let text = shown(&raw);
            prop_assert!(text.chars().count() <= SHOWN);
            prop_assert!(!text.chars().any(is_control));
            if let Ok(path) = check(&raw) {
                prop_assert!(!path.starts_with(b"/"));
                prop_assert!(!path.split(|b| *b == b'/').any(|part| part == b".."));
            }
        }
    }
}
