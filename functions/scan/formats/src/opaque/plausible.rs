//! Formats whose signatures are so short that text and pictures have them by accident: the bytes behind the signature
//! must fit as well.

use super::encrypted;
use crate::{
    identify::HEAD,
    is_tar_header, lzma,
    numbers::{u16_at, u32_at},
    text,
};

/// What it is, and whether bytes are it.
type Check = (&'static str, fn(&[u8]) -> bool);

pub(crate) const CHECKS: &[Check] = &[
    ("LZMA", lzma::is_lzma),
    ("LZMA86", lzma::is_lzma86),
    ("cpio", is_cpio),
    ("LHA", is_lha),
    ("ARJ", is_arj),
    ("ARC", is_arc),
    ("SFX archive of HA", is_ha),
    ("bzip", is_bzip),
    ("bzip2", is_bzip2),
    ("compress", is_compress),
    ("pack", is_pack),
    ("LZH of SCO", is_lzh),
    ("freeze", is_freeze),
    ("StuffIt", is_stuffit),
    ("partitioned disk", is_partitioned),
    ("ext2", is_ext),
    ("Apple disk image", is_dmg),
    ("VHD", is_fixed_vhd),
    ("Nero disk image", is_nrg),
    ("PGP", encrypted::is_pgp),
    ("PGP", encrypted::is_pgp_armor),
    ("age", encrypted::is_age_armor),
    ("encrypted CMS", encrypted::is_cms),
    ("tar", is_tar_further_on),
];

/// Those of them whose signature is not at the start.
pub(crate) const ELSEWHERE: [&str; 6] =
    ["LHA", "partitioned disk", "ext2", "Apple disk image", "VHD", "Nero disk image"];

/// A file name in `bytes`: no control characters, and not empty.
fn is_name(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| *byte >= b' ' && *byte != 0x7f)
}

/// cpio in all of its forms: binary in either order, the two in text, and that of `afio`. Blanks are
/// digits to the programs that read them, and a name can be anything that ends.
pub(crate) fn is_cpio(bytes: &[u8]) -> bool {
    let digits = |range: std::ops::Range<usize>, is_digit: fn(&u8) -> bool| {
        let is_one = |byte: &u8| is_digit(byte) || matches!(byte, b' ' | 0);
        bytes.get(range).is_some_and(|digits| digits.iter().all(is_one) && digits.iter().any(is_digit))
    };
    match bytes {
        [b'0', b'7', b'0', b'7', b'0', b'7', ..] => digits(6..76, |byte| matches!(byte, b'0'..=b'7')),
        [b'0', b'7', b'0', b'7', b'0', b'1' | b'2', ..] => digits(6..110, u8::is_ascii_hexdigit),
        [b'0', b'7', b'0', b'7', b'2', b'7', ..] => digits(6..30, u8::is_ascii_hexdigit),
        [0x71, 0xc7, ..] | [0xc7, 0x71, ..] => {
            let number = |at| u16_at(bytes, at).map(|n| if bytes[0] == 0x71 { n.swap_bytes() } else { n });
            let (Some(mode), Some(length)) = (number(6), number(20)) else { return false };
            let is_kind = matches!(mode >> 12, 0 | 1 | 2 | 4 | 6 | 8 | 0o12 | 0o14);
            let end = 25 + usize::from(length);
            is_kind && length > 0 && bytes.get(end) == Some(&0)
        }
        _ => false,
    }
}

/// GNU tar skips invalid headers until it finds a valid one. In text the signature is required as well: a table of
/// numbers can have a valid checksum by chance.
fn is_tar_further_on(bytes: &[u8]) -> bool {
    const BLOCK: usize = 512;
    let is_text = text::begins_as_text(&bytes[..bytes.len().min(HEAD)]);
    let is_header = |block: &[u8]| {
        let sum = block[148..156].iter().find(|byte| !matches!(byte, 0 | b' '));
        let has_digits = sum.is_some_and(|byte| matches!(byte, b'0'..=b'7'));
        (block[257..].starts_with(b"ustar") || (has_digits && !is_text)) && is_tar_header(block)
    };
    bytes[..bytes.len().min(HEAD + BLOCK)].chunks_exact(BLOCK).skip(1).any(is_header)
}

/// LHA, LArc and PMarc name their method between two dashes.
fn is_lha(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [_, _, b'-', b'l', b'h', b'0'..=b'9' | b'd' | b'x' | b'e', b'-', ..]
            | [_, _, b'-', b'l', b'z', b'0'..=b'9' | b's', b'-', ..]
            | [_, _, b'-', b'p', b'm' | b'c', b'0'..=b'9' | b's', b'-', ..]
    )
}

/// A header of up to 2,600 bytes, of which the first part has 30 to 34, made by a system below 12.
fn is_arj(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x60, 0xea])
        && u16_at(bytes, 2).is_some_and(|length| (30..=2600).contains(&length))
        && matches!(bytes.get(4..12), Some([30..=64, 1..=12, _, 0..=12, _, _, 0..=4, _]))
}

/// ARC and PAK: a method, a name that ends within 13 bytes, and a size that the file has room for.
/// Descriptions of terminals begin alike.
fn is_arc(bytes: &[u8]) -> bool {
    let [0x1a, 1..=0x14 | 0x48, rest @ ..] = bytes else { return false };
    let has_name = rest.get(..13).is_some_and(|name| {
        let end = memchr::memchr(0, name).unwrap_or(0);
        is_name(&name[..end]) && name[..end].is_ascii()
    });
    has_name && u32_at(rest, 13).is_some_and(|size| (1..=rest.len()).contains(&(size as usize)))
}

/// A count of members, and the version and method of the first.
fn is_ha(bytes: &[u8]) -> bool {
    matches!(bytes, [b'H', b'A', _, 0, 0x20..=0x2f, ..])
}

fn is_bzip(bytes: &[u8]) -> bool {
    matches!(bytes, [b'B', b'Z', b'0', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..])
}

/// Also where the first block is one that no decoder here takes.
fn is_bzip2(bytes: &[u8]) -> bool {
    matches!(bytes, [b'B', b'Z', b'h', b'1'..=b'9', 0x31 | 0x17, ..])
}

/// Bits per code: 9 to 16, and two flags that are never set.
fn is_compress(bytes: &[u8]) -> bool {
    matches!(bytes, [0x1f, 0x9d, flags, _, _, ..] if flags & 0x60 == 0 && (9..=16).contains(&(flags & 0x1f)))
}

/// The size, and the depth of the tree.
fn is_pack(bytes: &[u8]) -> bool {
    matches!(bytes, [0x1f, 0x1e | 0x1f, size, _, _, _, 1..=25, _, ..] if *size < 0x80)
}

fn is_lzh(bytes: &[u8]) -> bool {
    bytes.len() > 8 && bytes.starts_with(&[0x1f, 0xa0])
}

fn is_freeze(bytes: &[u8]) -> bool {
    bytes.len() > 8 && matches!(bytes, [0x1f, 0x9e | 0x9f, ..])
}

fn is_stuffit(bytes: &[u8]) -> bool {
    bytes.starts_with(b"SIT!\0") || bytes.starts_with(b"SITD\0") || bytes.starts_with(b"SIT5\0")
}

/// A boot record with at least one partition, and only such states as partitions have.
fn is_partitioned(bytes: &[u8]) -> bool {
    let Some(table) = bytes.get(446..512) else { return false };
    let entries = || table[..64].chunks_exact(16);
    let place = |entry: &[u8]| (u32_at(entry, 8).unwrap_or(0), u32_at(entry, 12).unwrap_or(0));
    table.ends_with(&[0x55, 0xaa])
        && entries().all(|entry| matches!(entry[0], 0 | 0x80))
        && entries().any(|entry| entry[4] != 0 && place(entry).0 > 0 && place(entry).1 > 0)
        && entries().all(|entry| entry[4] != 0 || place(entry) == (0, 0))
}

/// The super block's signature, its state, what is done about errors, and the revision.
fn is_ext(bytes: &[u8]) -> bool {
    let field = |at: usize| u16_at(bytes, 1024 + at).unwrap_or(u16::MAX);
    field(56) == 0xef53
        && field(58) <= 7
        && (1..=3).contains(&field(60))
        && u32_at(bytes, 1024 + 76).is_some_and(|revision| revision <= 1)
}

fn has_footer(bytes: &[u8], length: usize, signature: &[u8]) -> bool {
    bytes.len().checked_sub(length).is_some_and(|at| bytes[at..].starts_with(signature))
}

fn is_dmg(bytes: &[u8]) -> bool {
    has_footer(bytes, 512, b"koly\0\0\0\x04\0\0\x02\0")
}

fn is_fixed_vhd(bytes: &[u8]) -> bool {
    has_footer(bytes, 512, b"conectix") || has_footer(bytes, 511, b"conectix")
}

fn is_nrg(bytes: &[u8]) -> bool {
    has_footer(bytes, 12, b"NER5\0") || has_footer(bytes, 8, b"NERO\0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(bytes: &[u8]) -> Option<&'static str> {
        CHECKS.iter().find(|(_, check)| check(bytes)).map(|(name, _)| *name)
    }

    #[test]
    fn what_stands_behind_a_short_signature_decides() {
        let lzma = |properties: u8, window: u32, size: u64| {
            [&[properties][..], &window.to_le_bytes(), &size.to_le_bytes(), &[0, 0x20, 1, 2, 3, 4]].concat()
        };
        let binary_cpio = [&b"\xc7\x71"[..], &[1; 18], b"\x02\0", &[0; 4], b"a\0"].concat();
        let mut disk = vec![0; 512];
        disk[446..462].copy_from_slice(&[0x80, 1, 1, 0, 7, 1, 1, 1, 1, 0, 0, 0, 9, 0, 0, 0]);
        disk[510..].copy_from_slice(&[0x55, 0xaa]);
        for (expected, bytes) in [
            ("LZMA", lzma(0x5d, 1 << 23, u64::MAX)),
            ("LZMA", lzma(0x5d, 3 << 20, 68)),
            ("LZMA", lzma(0, u32::MAX, 68)),
            ("cpio", [&b"070707"[..], &[b'1'; 70], b"a\0"].concat()),
            ("cpio", [&b"070701"[..], &[b'A'; 104], b"a\0"].concat()),
            ("cpio", binary_cpio),
            ("cpio", [&b"070707     1"[..], &[b'1'; 64], b"a\0"].concat()),
            ("cpio", [&b"070701"[..], &b"      1f".repeat(13), b"a\0"].concat()),
            ("cpio", [&b"070727"[..], &[b'0'; 24], b"m100644"].concat()),
            ("cpio", [&b"\xc7\x71"[..], &[1; 18], b"\x04\0", &[0; 4], b"a\x01\0\0"].concat()),
            ("cpio", [&b"\x71\xc7"[..], &[1; 18], b"\0\x01", &[0; 4], b"\0"].concat()),
            ("LHA", b"\x20\x21-lh5-".to_vec()),
            ("LHA", b"\x20\x21-pm2-".to_vec()),
            ("ARJ", b"\x60\xea\x2c\0\x22\x0b\x01\x0b\x10\0\x02\x99".to_vec()),
            ("ARC", b"\x1a\x08README.TXT\0\0\0\x04\0\0\0 and the rest".to_vec()),
            ("bzip", b"BZ0\x391AY&".to_vec()),
            ("compress", b"\x1f\x9d\x90abc".to_vec()),
            ("pack", b"\x1f\x1e\0\0\0\x44\x05\x01".to_vec()),
            ("partitioned disk", disk),
            ("Apple disk image", [&[7; 99][..], b"koly\0\0\0\x04\0\0\x02\0", &[0; 500]].concat()),
            ("VHD", [&[7; 99][..], b"conectix", &[0; 504]].concat()),
            ("PGP", [&b"\x85\x01\x0c\x03"[..], &[9; 8], b"\x01"].concat()),
            ("PGP", b"\x8c\x0d\x04\x09\x03\x08salt".to_vec()),
        ] {
            assert_eq!(name(&bytes), Some(expected));
        }
        for other in [
            &b""[..],
            b"0707 12 34 56 Mr. Smith, and more of him than a number has, in seventy-six bytes or more",
            b"\x1f\x9d",
            b"\x1f\x9dno",
            b"HAllo",
            b"BZhang",
            b"a-lh of text",
            b"\x1a\x01",
            b"\x60\xea",
            &[0; 600],
            b"\x5d\0\0\x80\0 and so on and so on",
        ] {
            assert_eq!(name(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_tar_is_found_behind_blocks_that_are_none() {
        let header = |magic: &[u8], name: &str| {
            let mut block = [0; 512];
            block[..name.len()].copy_from_slice(name.as_bytes());
            block[124..136].copy_from_slice(b"00000000000\0");
            block[257..257 + magic.len()].copy_from_slice(magic);
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            block
        };
        for magic in [&b""[..], b"ustar\x0000", b"ustar  \0"] {
            for blocks in [1, 2, 128] {
                for junk in [0x81, 0, b'a'] {
                    let bytes = [&vec![junk; 512 * blocks][..], &header(magic, "a")].concat();
                    let is_it = is_tar_further_on(&bytes);
                    assert_eq!(
                        is_it,
                        junk != b'a' || blocks < 128 || !magic.is_empty(),
                        "{magic:?} {blocks} {junk}"
                    );
                }
            }
            let far = [&[0x81; 512 * 129][..], &header(magic, "a")].concat();
            let shifted = [&[0x81; 500][..], &header(magic, "a")].concat();
            assert!(!is_tar_further_on(&far) && !is_tar_further_on(&shifted));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_asked(bytes in prop::collection::vec(any::<u8>(), 0..1600)) {
            let _ = name(&bytes);
        }
    }
}
