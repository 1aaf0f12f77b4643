//! PDFs that are encrypted and open all the same, because their password is empty (ISO 32000-2, section 7.6): only
//! what is printed or copied is restricted. Another password means that nobody can look inside.

use super::syntax::{Dict, Object};
use aes::{
    Aes128, Aes256,
    cipher::{BlockDecrypt, BlockEncrypt, KeyInit, generic_array::GenericArray},
};
use md5::{Digest, Md5};
use sha2::{Sha256, Sha384, Sha512};
use std::borrow::Cow;

/// What a password is filled up with (section 7.6.4.3.2).
const PADDING: [u8; 32] = [
    0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08, 0x2e,
    0x2e, 0x00, 0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    None,
    Rc4,
    Aes128,
    Aes256,
}

/// The number of an object and its generation, which its key is made of.
pub(super) type Id = (u32, u32);

/// How to decrypt one file.
#[derive(Debug)]
pub(super) struct Crypt {
    key: Vec<u8>,
    strings: Method,
    streams: Method,
    files: Method,
    /// Whether metadata are encrypted as well.
    pub(super) with_metadata: bool,
}

impl Crypt {
    /// From the dictionary that says how, whose values are resolved, and the first part of the file's identifier.
    /// `None` if it needs a password, or is of a kind that is not read here.
    pub(super) fn new(dict: &Dict<'_>, id: &[u8]) -> Option<Self> {
        if dict.get("Filter") != Some(&Object::Name(b"Standard"[..].into())) {
            return None;
        }
        let number = |key: &str| match dict.get(key) {
            Some(Object::Number(number)) => Some(*number),
            _ => None,
        };
        let string = |key: &str| match dict.get(key) {
            Some(Object::Text(text)) => Some(text.as_ref()),
            _ => None,
        };
        let (version, revision) = (number("V")?, number("R")?);
        let with_metadata = dict.get("EncryptMetadata") != Some(&Object::Bool(false));
        let method = |key: &str, otherwise: Method| match version {
            1 | 2 => Some(Method::Rc4),
            _ => match dict.get(key) {
                Some(Object::Name(name)) => method_of(dict, name),
                _ => Some(otherwise),
            },
        };
        let (strings, streams) = (method("StrF", Method::None)?, method("StmF", Method::None)?);
        let files = method("EFF", streams)?;
        let lengths = match version {
            1 => vec![5],
            2 => vec![usize::try_from(number("Length").unwrap_or(40)).ok()? / 8],
            4 => vec![16, usize::try_from(number("Length").unwrap_or(40)).ok()? / 8],
            5 => Vec::new(),
            _ => return None,
        };
        let key = if version == 5 {
            key_of_256_bits(string("U")?, string("UE")?, revision)?
        } else {
            let permissions = number("P")?.to_le_bytes();
            let seed =
                [&PADDING, string("O")?.get(..32)?, &permissions[..4], id, marker(revision, with_metadata)]
                    .concat();
            let check = string("U")?.get(..32)?;
            lengths.into_iter().filter(|length| (5..=16).contains(length)).find_map(|length| {
                let key = key_of_128_bits(&seed, revision, length);
                opens(&key, check, id, revision).then_some(key)
            })?
        };
        Some(Self { key, strings, streams, files, with_metadata })
    }

    pub(super) fn string<'b>(&self, id: Id, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        self.decrypted(self.strings, id, bytes)
    }

    pub(super) fn stream<'b>(&self, id: Id, bytes: &'b [u8], is_file: bool) -> Cow<'b, [u8]> {
        self.decrypted(if is_file { self.files } else { self.streams }, id, bytes)
    }

    fn decrypted<'b>(&self, method: Method, (number, generation): Id, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let key_of = |salt: &[u8]| {
            let seed = [&self.key, &number.to_le_bytes()[..3], &generation.to_le_bytes()[..2], salt].concat();
            let hash = Md5::digest(seed);
            hash[..hash.len().min(self.key.len() + 5)].to_vec()
        };
        match method {
            Method::None => Cow::Borrowed(bytes),
            Method::Rc4 => Cow::Owned(rc4(&key_of(b""), bytes)),
            Method::Aes128 => Cow::Owned(cbc::<Aes128>(&key_of(b"sAlT"), bytes)),
            Method::Aes256 => Cow::Owned(cbc::<Aes256>(&self.key, bytes)),
        }
    }
}

/// What the crypt filter of this name does.
fn method_of(dict: &Dict<'_>, name: &[u8]) -> Option<Method> {
    if name == b"Identity" {
        return Some(Method::None);
    }
    let Some(Object::Dict(filters)) = dict.get("CF") else { return None };
    let Some(Object::Dict(filter)) = filters.get(std::str::from_utf8(name).ok()?) else { return None };
    match filter.get("CFM") {
        Some(Object::Name(method)) => match method.as_ref() {
            b"None" => Some(Method::None),
            b"V2" => Some(Method::Rc4),
            b"AESV2" => Some(Method::Aes128),
            b"AESV3" => Some(Method::Aes256),
            _ => None,
        },
        _ => Some(Method::None),
    }
}

fn marker(revision: i64, with_metadata: bool) -> &'static [u8] {
    if revision >= 4 && !with_metadata { &[0xff; 4] } else { &[] }
}

/// Algorithm 2.
fn key_of_128_bits(seed: &[u8], revision: i64, length: usize) -> Vec<u8> {
    let mut hash = Md5::digest(seed);
    if revision >= 3 {
        for _ in 0..50 {
            hash = Md5::digest(&hash[..length]);
        }
    }
    hash[..length].to_vec()
}

/// Algorithms 4 to 6: whether the empty password is the user's.
fn opens(key: &[u8], check: &[u8], id: &[u8], revision: i64) -> bool {
    if revision == 2 {
        return rc4(key, &PADDING) == check;
    }
    let mut expected = Md5::digest([&PADDING[..], id].concat()).to_vec();
    for round in 0..20 {
        let key: Vec<u8> = key.iter().map(|byte| byte ^ round).collect();
        expected = rc4(&key, &expected);
    }
    check.starts_with(&expected)
}

/// Algorithm 2.A, for the empty password of the user.
fn key_of_256_bits(user: &[u8], packed_key: &[u8], revision: i64) -> Option<Vec<u8>> {
    let (hash, salts) = user.get(..48)?.split_at(32);
    let hashed = |salt: &[u8]| if revision == 5 { Sha256::digest(salt).to_vec() } else { hardened(salt) };
    if hashed(&salts[..8]) != hash {
        return None;
    }
    let cipher = Aes256::new_from_slice(&hashed(&salts[8..])).ok()?;
    Some(chained(packed_key.get(..32)?, &[0; 16], |block| {
        cipher.decrypt_block(GenericArray::from_mut_slice(block))
    }))
}

/// Algorithm 2.B, for an empty password.
fn hardened(salt: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::digest(salt).to_vec();
    for round in 0_u32.. {
        let Ok(cipher) = Aes128::new_from_slice(&hash[..16]) else { break };
        let mut packed = hash.repeat(64);
        let mut before: [u8; 16] = std::array::from_fn(|at| hash[16 + at]);
        for block in packed.as_chunks_mut::<16>().0 {
            block.iter_mut().zip(before).for_each(|(byte, before)| *byte ^= before);
            cipher.encrypt_block(GenericArray::from_mut_slice(block));
            before = *block;
        }
        let sum: u32 = packed[..16].iter().map(|byte| u32::from(*byte)).sum();
        hash = match sum % 3 {
            0 => Sha256::digest(&packed).to_vec(),
            1 => Sha384::digest(&packed).to_vec(),
            _ => Sha512::digest(&packed).to_vec(),
        };
        if round >= 63 && packed.last().is_none_or(|last| u32::from(*last) <= round - 31) {
            break;
        }
    }
    hash.truncate(32);
    hash
}

/// Whole blocks, each of which was mixed with the one before.
fn chained(bytes: &[u8], first: &[u8; 16], decrypt: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut before = first;
    for block in bytes.as_chunks::<16>().0 {
        let mut bytes = *block;
        decrypt(&mut bytes);
        plain.extend(bytes.iter().zip(before).map(|(byte, before)| byte ^ before));
        before = block;
    }
    plain
}

/// The first block is mixed with the second, and the end says how many bytes fill the last up.
fn cbc<C: BlockDecrypt + KeyInit>(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let Ok(cipher) = C::new_from_slice(key) else { return Vec::new() };
    let Some((first, rest)) = bytes.split_first_chunk::<16>() else { return Vec::new() };
    let mut plain = chained(rest, first, |block| cipher.decrypt_block(GenericArray::from_mut_slice(block)));
    if let Some(fill @ 1..=16) = plain.last().copied() {
        plain.truncate(plain.len().saturating_sub(usize::from(fill)));
    }
    plain
}

fn rc4(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut state: [u8; 256] = std::array::from_fn(|at| at.to_le_bytes()[0]);
    let mut mixed = 0_u8;
    for (at, key) in (0..=255_u8).zip(key.iter().cycle()) {
        mixed = mixed.wrapping_add(state[usize::from(at)]).wrapping_add(*key);
        state.swap(usize::from(at), usize::from(mixed));
    }
    let (mut at, mut mixed) = (0_u8, 0_u8);
    let plain = bytes.iter().map(|byte| {
        at = at.wrapping_add(1);
        mixed = mixed.wrapping_add(state[usize::from(at)]);
        state.swap(usize::from(at), usize::from(mixed));
        byte ^ state[usize::from(state[usize::from(at)].wrapping_add(state[usize::from(mixed)]))]
    });
    plain.collect()
}
