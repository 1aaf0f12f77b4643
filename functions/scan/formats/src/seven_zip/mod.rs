//! 7z, read by the `sevenz-rust2` crate, within what the header is seen to announce before.

mod header;

use crate::{
    Format, compressed,
    refusal::{Exceeded, Special, Stop, Why},
    walk::Walk,
};
use sevenz_rust2::{Archive, ArchiveEntry, BlockDecoder, EncoderMethod, Error, Password};
use std::io::{Cursor, Read};

pub(crate) fn walk(walk: &mut Walk<'_>, bytes: &[u8]) -> Result<(), Stop> {
    walk.is(Format::SevenZip.media_type());
    walk.leftover(header::check(bytes)?)?;
    let window = walk.budget().limits().window_bytes;
    let kib = usize::try_from(window / 1024).unwrap_or(usize::MAX);
    let password = Password::empty();
    let mut source = Cursor::new(bytes);
    let archive =
        Archive::read_with_memory_limit(&mut source, &password, kib).map_err(|error| why(error, window))?;
    walk.budget().announced_members(archive.files.len() as u64)?;
    let announced = archive.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.size));
    walk.budget().announced(announced)?;
    let is_aes = |coder: &sevenz_rust2::Coder| coder.encoder_method_id() == EncoderMethod::ID_AES256_SHA256;
    if archive.blocks.iter().any(|block| block.coders.iter().any(is_aes)) {
        return Err(Why::Encrypted.into());
    }
    for index in 0..archive.blocks.len() {
        // Every block is read to its end, so that its bytes are charged and its checksums compared.
        let mut stopped = None;
        let block = BlockDecoder::new_with_memory_limit(1, kib, index, &archive, &password, &mut source);
        let decoded = block.for_each_entries(&mut |entry, content| {
            match member(walk, entry, content, window) {
                Ok(()) => return Ok(true),
                Err(stop) => stopped = Some(stop),
            }
            Ok(false)
        });
        if let Some(stop) = stopped {
            return Err(stop);
        }
        decoded.map_err(|error| why(error, window))?;
    }
    for (file, block) in archive.files.iter().zip(&archive.stream_map.file_block_index) {
        if block.is_none() {
            member(walk, file, &mut std::io::empty(), window)?;
        }
    }
    Ok(())
}

fn member(
    walk: &mut Walk<'_>,
    entry: &ArchiveEntry,
    content: &mut dyn Read,
    window: u64,
) -> Result<(), Stop> {
    let name = entry.name().as_bytes();
    let checked = walk.enter(name, entry.is_directory()).and_then(|()| acceptable(walk, entry));
    match checked {
        Ok(()) if entry.is_directory() => Ok(()),
        Ok(()) => {
            let mut target = Vec::new();
            let is_link = unix_type(entry) == Some(LINK);
            walk.packed(
                name,
                content,
                entry.size,
                |error| unwrapped(error, window),
                |bytes| {
                    if is_link {
                        target.extend_from_slice(bytes.get(..LONGEST_TARGET).unwrap_or(bytes));
                    }
                    Ok(())
                },
            )?;
            if is_link { walk.link(Special::SymbolicLink, name, &target) } else { Ok(()) }
        }
        Err(why) => {
            walk.refuse(name, why)?;
            // What follows in the block cannot be had without this.
            drain(walk, content)
        }
    }
}

fn drain(walk: &mut Walk<'_>, content: &mut dyn Read) -> Result<(), Stop> {
    let mut chunk = vec![0; 1 << 16];
    loop {
        match content.read(&mut chunk).map_err(Why::broken)? {
            0 => return Ok(()),
            read => walk.budget().charge(read as u64)?,
        }
    }
}

/// The kind of file of a symbolic link: S_IFLNK of `st_mode`. Its content is its target.
const LINK: u32 = 0o120_000;

/// No system has longer ones.
const LONGEST_TARGET: usize = 4096;

fn attributes(entry: &ArchiveEntry) -> u32 {
    if entry.has_windows_attributes { entry.windows_attributes } else { 0 }
}

/// Bit 15 of the attributes says that the upper half is a Unix mode, as 7-Zip writes it.
fn unix_type(entry: &ArchiveEntry) -> Option<u32> {
    let attributes = attributes(entry);
    (attributes & 1 << 15 != 0).then_some(attributes >> 16 & 0o170_000)
}

/// Bit 10 of the attributes is a reparse point of Windows, of which symbolic links are the common kind.
fn acceptable(walk: &mut Walk<'_>, entry: &ArchiveEntry) -> Result<(), Why> {
    const REPARSE_POINT: u32 = 1 << 10;
    match unix_type(entry) {
        None if attributes(entry) & REPARSE_POINT != 0 => {
            return Err(Why::Unsupported("a reparse point of Windows".to_owned()));
        }
        None | Some(0 | 0o100_000 | 0o040_000 | LINK) => {}
        Some(_) => return Err(Why::NotAFile(Special::Device)),
    }
    if entry.is_anti_item {
        return Err(Why::Unsupported("a member that deletes a file".to_owned()));
    }
    walk.budget().announced_member(entry.size)
}

fn unwrapped(error: std::io::Error, window: u64) -> Why {
    match error.downcast::<Error>() {
        Ok(error) => why(error, window),
        Err(error) => compressed::fault(error),
    }
}

fn why(error: Error, window: u64) -> Why {
    match error {
        Error::MaxMemLimited { .. } => Why::Limit(Exceeded::WindowBytes(window)),
        Error::PasswordRequired | Error::MaybeBadPassword(_) => Why::Encrypted,
        Error::UnsupportedCompressionMethod(name) if name.contains("AES") => Why::Encrypted,
        Error::UnsupportedCompressionMethod(name) => Why::Unsupported(format!("compression method {name}")),
        Error::Unsupported(what) => Why::Unsupported(what.into_owned()),
        Error::ExternalUnsupported => Why::Unsupported("a header in another stream".to_owned()),
        Error::ChecksumVerificationFailed | Error::NextHeaderCrcMismatch => {
            Why::broken("its checksum is wrong")
        }
        Error::Io(error, _) => unwrapped(error, window),
        Error::Other(what) => Why::Broken(what.into_owned()),
        _ => Why::broken("its header is malformed"),
    }
}
