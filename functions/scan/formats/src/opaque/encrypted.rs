//! Encrypted files without a signature of their own: messages of PGP and of CMS (S/MIME), and what `age`
//! and PGP write as text.

use memchr::memmem;

/// How far behind the start of a text its encrypted part may begin.
const ARMOR_WITHIN: usize = 4096;

/// A session key under a public key or a password: its packet's tag, its length and its version
/// (RFC 4880, sections 5.1 and 5.3).
pub(crate) fn is_pgp(bytes: &[u8]) -> bool {
    match bytes {
        // A public key: of 8 bytes is its id, and then the algorithm.
        [0x84, _, 3, rest @ ..]
        | [0x85, _, _, 3, rest @ ..]
        | [0xc1, _, 3, rest @ ..]
        | [0xc1, 0xc0..=0xdf, _, 3, rest @ ..] => {
            matches!(rest.get(8), Some(1 | 2 | 16 | 18))
        }
        // A password: the cipher, the kind of derivation, and the hash.
        [0x8c, 4..=60, 4, 1..=13, 0 | 1 | 3, 1..=14, ..]
        | [0xc3, 4..=60, 4, 1..=13, 0 | 1 | 3, 1..=14, ..] => true,
        _ => false,
    }
}

/// A message that somebody wrote a few lines in front of.
pub(crate) fn is_pgp_armor(bytes: &[u8]) -> bool {
    has_line(bytes, b"-----BEGIN PGP MESSAGE-----")
}

pub(crate) fn is_age_armor(bytes: &[u8]) -> bool {
    has_line(bytes, b"-----BEGIN AGE ENCRYPTED FILE-----")
}

/// Whether there is this line, with nothing but space behind it.
fn has_line(bytes: &[u8], line: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(ARMOR_WITHIN)];
    memmem::find_iter(start, line).any(|at| {
        let is_first = at == 0 || matches!(bytes[at - 1], b'\n' | b'\r');
        let behind = bytes[at + line.len()..].iter().find(|byte| !matches!(byte, b' ' | b'\t'));
        // Editors put a mark in front of the first line.
        let is_first = is_first || (at == 3 && bytes.starts_with(b"\xef\xbb\xbf"));
        is_first && matches!(behind, None | Some(b'\n' | b'\r'))
    })
}

/// CMS (RFC 5652, section 3): a sequence of any length, and in it the type of what it holds, of which
/// these are encrypted. What is only signed or compressed has others.
pub(crate) fn is_cms(bytes: &[u8]) -> bool {
    let [0x30, length, rest @ ..] = bytes else { return false };
    // The length stands here, or how many bytes have it; none if its end is marked.
    let behind = match length {
        0..=0x80 => Some(rest),
        more => rest.get(usize::from(more & 0x7f)..).filter(|_| *more <= 0x88),
    };
    let types: [&[u8]; 4] = [
        // Enveloped, signed and enveloped (PKCS #7), encrypted; then authenticated and enveloped.
        b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03",
        b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x04",
        b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06",
        b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17",
    ];
    behind.is_some_and(|behind| types.iter().any(|kind| behind.starts_with(kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn armor_is_a_line_near_the_start() {
        for text in [
            "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n",
            "-----BEGIN PGP MESSAGE-----",
            "Hash: x\n\n-----BEGIN PGP MESSAGE-----\r\nhQEMA",
            "Dear all,\r-----BEGIN PGP MESSAGE----- \t\rhQEMA",
            "\u{feff}-----BEGIN PGP MESSAGE-----\n",
        ] {
            assert!(is_pgp_armor(text.as_bytes()), "{text:?}");
        }
        assert!(is_age_armor(b"\n-----BEGIN AGE ENCRYPTED FILE-----\nYWdl"));
        let far = format!("{}\n-----BEGIN PGP MESSAGE-----\n", "a".repeat(5000));
        for text in [
            "It starts with -----BEGIN PGP MESSAGE-----\n",
            "    -----BEGIN PGP MESSAGE-----\n",
            "-----BEGIN PGP MESSAGE----- is how it starts",
            "-----BEGIN PGP SIGNED MESSAGE-----\n",
            "-----BEGIN PGP SIGNATURE-----\n",
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
            &far,
            "",
        ] {
            assert!(!is_pgp_armor(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn the_type_in_cms_tells() {
        let with = |length: &[u8], kind: u8| {
            [b"\x30", length, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07", &[kind], b"\xa0\x80"].concat()
        };
        for length in
            [&b"\x80"[..], b"\x40", b"\x81\x90", b"\x82\x01\x90", b"\x83\x01\x90\0", b"\x84\0\x01\x90\0"]
        {
            assert!(is_cms(&with(length, 3)) && is_cms(&with(length, 6)) && is_cms(&with(length, 4)));
            // Data, signed data, and a digest.
            assert!(![1, 2, 5].iter().any(|kind| is_cms(&with(length, *kind))));
        }
        assert!(is_cms(b"\x30\x80\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17\xa0\x80"));
        assert!(!is_cms(b"") && !is_cms(b"\x30") && !is_cms(b"\x30\x82") && !is_cms(b"\x30\xff\x06\x09"));
    }
}
