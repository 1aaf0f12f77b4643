//! Links in archives. One that stays within the archive is a fact; one that leads out of it could make a program
//! overwrite or publish any file.

use crate::{
    path,
    refusal::{Special, Stop, Why},
    walk::Walk,
};

impl Walk<'_> {
    /// Notes a member, whose name was [entered](Walk::enter), that is a link to `target`. A symbolic link starts from its own
    /// folder, a hard link from the archive's.
    ///
    /// No member may lie behind a link ([`Walk::enter`]), so the folder of a link is what its name says, and `..` means
    /// the folder above as long as it comes first.
    pub(crate) fn link(&mut self, kind: Special, name: &[u8], target: &[u8]) -> Result<(), Stop> {
        let has_target = || path::check(target).is_ok_and(|target| self.paths.contains(&target));
        let is_within = stays(kind, name, target) && (kind == Special::SymbolicLink || has_target());
        let Some(path) = path::check(name).ok().filter(|_| is_within) else {
            return self.refuse(name, Why::NotAFile(kind));
        };
        self.paths.insert_link(&path);
        let how = if kind == Special::HardLink { "hard" } else { "symbolic" };
        let (shown, to) = (String::from_utf8_lossy(name), String::from_utf8_lossy(target));
        self.fact("archive.link", &[("kind", how), ("name", &shown), ("target", &to)])
    }
}

fn stays(kind: Special, name: &[u8], target: &[u8]) -> bool {
    let is_slash = |byte: &u8| matches!(byte, b'/' | b'\\');
    let parts = |path: &[u8]| path.split(is_slash).filter(|part| !matches!(*part, b"" | b".")).count();
    let mut above = if kind == Special::HardLink { 0 } else { parts(name).saturating_sub(1) };
    let mut rest = target;
    while let [b'.', b'.', behind @ ..] = rest {
        let (Some(left), true) = (above.checked_sub(1), behind.first().is_none_or(is_slash)) else {
            return false;
        };
        above = left;
        rest = &behind[behind.iter().take_while(|byte| is_slash(byte)).count()..];
    }
    // The folder itself, or something in it.
    (rest.is_empty() && !target.is_empty()) || path::check(rest).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_or_leads_out() {
        let is_in =
            |name: &str, target: &str| stays(Special::SymbolicLink, name.as_bytes(), target.as_bytes());
        for (name, target) in [
            ("a", "b"),
            ("a", "."),
            ("a/b", "../c"),
            ("a/b", ".."),
            ("a/b", "../"),
            ("a/b/c", "../../d"),
            ("./a/b", "..//c/d"),
            ("a", "b/c.d"),
        ] {
            assert!(is_in(name, target), "{name} {target}");
        }
        for (name, target) in [
            ("a", ""),
            ("a", ".."),
            ("a", "../b"),
            ("./a", "../b"),
            ("a//b", "../../c"),
            ("a/b", "..\\..\\c"),
            ("a/b", "c/../../../d"),
            ("a/b", "c/.."),
            ("a/b", "./../../c"),
            ("a", "/etc/passwd"),
            ("a/b", "..//etc/../../passwd"),
            ("a", "c:\\x"),
            ("a/b", "../c:/x"),
            ("a", "b\0c"),
            ("a", "..."),
        ] {
            assert!(!is_in(name, target), "{name} {target}");
        }
        let is_hard = |target: &str| stays(Special::HardLink, b"a/b", target.as_bytes());
        assert!(is_hard("a/c") && is_hard("c") && !is_hard("../c") && !is_hard("/c") && !is_hard(""));
    }
}
