//! What the headers in front of a member's own header say about it: pax records (POSIX.1-2017, pax, "pax Extended Header")
//! and GNU tar's long names.

use crate::refusal::Why;

/// What they say. Of each there may be one.
#[derive(Default)]
pub(super) struct Extensions<'b> {
    pub(super) path: Option<&'b [u8]>,
    pub(super) link: Option<&'b [u8]>,
    pub(super) size: Option<u64>,
    pub(super) is_sparse: bool,
}

impl<'b> Extensions<'b> {
    /// Takes note of pax records: each is its length in decimal digits, a space, a key, `=`, a value and a line end.
    pub(super) fn pax(&mut self, mut records: &'b [u8]) -> Result<(), Why> {
        while !records.is_empty() {
            let (key, value, rest) =
                record(records).ok_or_else(|| Why::broken("a record of a pax header is malformed"))?;
            records = rest;
            let is_new = match key {
                b"path" => self.path.replace(value).is_none(),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|size| size.parse().ok());
                    self.size.replace(size.unwrap_or(u64::MAX)).is_none()
                }
                b"linkpath" => self.link.replace(value).is_none(),
                _ => {
                    // star and Solaris have their own maps of sparse files.
                    self.is_sparse |= key.starts_with(b"GNU.sparse.")
                        || [&b"SCHILY.realsize"[..], b"SUN.holesdata"].contains(&key);
                    true
                }
            };
            if !is_new {
                return Err(Why::Disagreement("a pax header has one record twice"));
            }
        }
        Ok(())
    }

    pub(super) fn long_name(&mut self, content: &'b [u8]) -> Result<(), Why> {
        match self.path.replace(until_nul(content)) {
            None => Ok(()),
            Some(_) => Err(Why::Disagreement("a member has two long names")),
        }
    }

    pub(super) fn long_link(&mut self, content: &'b [u8]) -> Result<(), Why> {
        match self.link.replace(until_nul(content)) {
            None => Ok(()),
            Some(_) => Err(Why::Disagreement("a link has two long targets")),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.path.is_none() && self.size.is_none() && self.link.is_none() && !self.is_sparse
    }
}

fn until_nul(content: &[u8]) -> &[u8] {
    content.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Key and value of the first record, and what follows it.
fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = memchr::memchr(b' ', &records[..records.len().min(20)])?;
    let digits = &records[..space];
    let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let is_plain = digits.first().is_some_and(u8::is_ascii_digit);
    let (record, rest) = records.split_at_checked(length).filter(|_| is_plain)?;
    let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let (key, value) = record.split_at_checked(memchr::memchr(b'=', record)?)?;
    Some((key, &value[1..], rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_as_long_as_they_say() {
        let mut extensions = Extensions::default();
        // A value may have line ends.
        let mut records = b"12 mtime=1\n\n".to_vec();
        records.extend_from_slice(b"10 path=a\n12 size=999\n");
        assert!(extensions.pax(&records).is_ok());
        assert_eq!((extensions.path, extensions.size), (Some(&b"a"[..]), Some(999)));
        for wrong in
            [&b"8 path=a\n"[..], b"11 path=a\n", b"path=a\n", b"+10 path=a\n", b"10 pathea\n", b"10 path=ab"]
        {
            assert!(Extensions::default().pax(wrong).is_err(), "{wrong:?}");
        }
        assert!(extensions.pax(b"10 path=a\n").is_err());
        let mut sparse = Extensions::default();
        assert!(sparse.pax(b"22 GNU.sparse.major=1\n").is_ok() && sparse.is_sparse);
    }
}
