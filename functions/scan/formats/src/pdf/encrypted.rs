//! Whether a PDF is encrypted: whether a dictionary anywhere names how (ISO 32000-2, section 7.6.2).
//! A trailer, or the dictionary of a cross-reference stream, is never compressed or encrypted itself.

use memchr::{memchr_iter, memmem};

/// Readers look for the header in the first kilobyte.
const HEADER_WITHIN: usize = 1024;

const KEY: &[u8] = b"Encrypt";

/// How far behind the key its value is looked for.
const VALUE_WITHIN: usize = 64;

pub(crate) fn is_encrypted(bytes: &[u8]) -> bool {
    let Some(header) = memmem::find(&bytes[..bytes.len().min(HEADER_WITHIN)], b"%PDF-") else {
        return false;
    };
    let is_at_the_start = bytes[..header].iter().all(u8::is_ascii_whitespace);
    memchr_iter(b'/', bytes).any(|slash| is_encryption(&bytes[slash + 1..]))
        // Text about PDF is not a PDF, and identification agrees.
        && (is_at_the_start || std::str::from_utf8(bytes).is_err())
}

/// Whether the key and a value that names a dictionary stand here. `null` is no value.
fn is_encryption(bytes: &[u8]) -> bool {
    let Some(behind) = behind_key(bytes) else { return false };
    let Some(value) = behind.iter().position(|byte| !matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' '))
    else {
        return false;
    };
    // No program puts a comment or much space in front of a value. If there is some, it counts as a value.
    value > VALUE_WITHIN || matches!(behind[value], b'0'..=b'9' | b'+' | b'<' | b'%')
}

/// What follows the key, any of whose letters may be written as `#` and two digits (section 7.3.5).
fn behind_key(mut bytes: &[u8]) -> Option<&[u8]> {
    for letter in KEY {
        bytes = match bytes {
            [first, rest @ ..] if first == letter => rest,
            [b'#', high, low, rest @ ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(*high)? << 4 | digit(*low)?;
                if value != u32::from(*letter) {
                    return None;
                }
                rest
            }
            _ => return None,
        };
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionary_that_names_its_encryption_is_found_in_any_spelling() {
        for key in [
            "/Encrypt 7 0 R",
            "/Encrypt<</Filter/Standard>>",
            "/Encr#79pt 7 0 R",
            "/#45ncrypt\n\0 7 0 R",
            "/Encrypt%\n7 0 R",
        ] {
            for start in [&b"%PDF-1.4\n"[..], b"\r\n %PDF-1.4\n", b"junk\n%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"] {
                let trailer = format!("trailer << /Root 1 0 R {key} >>\nstartxref\n0\n%%EOF");
                let pdf = [start, trailer.as_bytes()].concat();
                assert!(is_encrypted(&pdf), "{}", String::from_utf8_lossy(&pdf));
            }
        }
        for other in [
            "%PDF-1.4 trailer << /Encrypt null >>",
            "%PDF-1.4 /EncryptMetadata true /Encryption 7 0 R",
            "%PDF-1.4 (/Encrypt)",
            "# On PDF\nIt starts with %PDF-1.4 and may have /Encrypt 7 0 R.",
            "/Encrypt 7 0 R",
            "",
        ] {
            assert!(!is_encrypted(other.as_bytes()), "{other}");
        }
        let spaced = format!("%PDF-1.4 /Encrypt{}7 0 R", " ".repeat(500));
        assert!(is_encrypted(spaced.as_bytes()));
    }
}
