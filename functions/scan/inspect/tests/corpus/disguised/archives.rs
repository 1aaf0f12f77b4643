//! Archives with something before, between or behind their members, or that begin as something else.

use super::{
    super::{Case, Outcome, run},
    bytes, refused,
};
use crate::{Expected, files, folder, type_of};

/// The archive with `length` added to every place that it names, as `zip -A` does it.
fn moved(zip: &[u8], length: usize) -> Vec<u8> {
    let mut zip = zip.to_vec();
    let add = |zip: &mut Vec<u8>, at: usize| {
        let place = u32::from_le_bytes(zip[at..at + 4].try_into().unwrap()) + u32::try_from(length).unwrap();
        zip[at..at + 4].copy_from_slice(&place.to_le_bytes());
    };
    let find = |zip: &[u8], signature: &[u8]| {
        (0..zip.len() - 4).filter(|at| &zip[*at..*at + 4] == signature).collect::<Vec<_>>()
    };
    for at in find(&zip, b"PK\x01\x02") {
        add(&mut zip, at + 42);
    }
    let end = find(&zip, b"PK\x05\x06")[0];
    add(&mut zip, end + 16);
    zip
}

/// The archive with something in front of its directory.
fn before_directory(zip: &[u8], content: &[u8]) -> Vec<u8> {
    let end = (0..zip.len() - 4).rfind(|at| zip[*at..].starts_with(b"PK\x05\x06")).unwrap();
    let place = u32::from_le_bytes(zip[end + 16..end + 20].try_into().unwrap());
    let at = usize::try_from(place).unwrap();
    let place = place + u32::try_from(content.len()).unwrap();
    let mut archive = [&zip[..at], content, &zip[at..]].concat();
    archive[end + content.len() + 16..end + content.len() + 20].copy_from_slice(&place.to_le_bytes());
    archive
}

#[test]
fn c09_nothing_stands_around_the_members_of_a_zip() {
    let zips = ["fflate.zip", "archiver.zip", "7z.zip", "libreoffice.docx", "odfpy.ods", "python-pptx.pptx"];
    let mut cases = Vec::new();
    for name in zips {
        let (zip, extension) = (bytes(name), name.rsplit('.').next().unwrap());
        let mut add = |what: &str, bytes: Vec<u8>, reason| {
            cases.push(refused(extension, &format!("{what} {name}"), bytes, reason));
        };
        for junk in [
            &b"<html><body>"[..],
            b"hello\n",
            b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0",
            b"\xff\xd8\xff\xe0\0\x10JFIF",
        ] {
            add("junk before", [junk, zip].concat(), &["found "]);
            add("junk before, places moved,", [junk, &moved(zip, junk.len())].concat(), &["found "]);
        }
        // A member that only a reader from the front sees.
        let member = &bytes("fflate.zip")[..32];
        add("a member before", [member, &moved(zip, member.len())].concat(), &["something stands"]);
        add(
            "a member before, not moved,",
            [member, zip].concat(),
            &["something stands", "contradicts itself"],
        );
        for gap in [&b"x"[..], b"<html><script>", &[0; 12], &[7; 24], &[1; 5000]] {
            add("a gap in", before_directory(zip, gap), GAP);
        }
        add("a comment cut off", zip[..zip.len() - 1].to_vec(), &["cut off"]);
        add("a second end", [zip, zip].concat(), &["contradicts itself", "something stands"]);
        // Another name for those that read from the front.
        let mut renamed = zip.to_vec();
        renamed[30] ^= 1;
        add("another name in", renamed, &["another name in the directory"]);
    }
    for name in ["libarchive-zip64.zip", "info-zip-streamed.zip"] {
        let twice = [bytes(name), bytes(name)].concat();
        cases.push(refused("zip", "the same again", twice, &["contradicts itself", "something stands"]));
    }
    run("ZIP", cases);
}

const GAP: &[&str] = &["something stands between its members", "what stands behind a member"];

/// A tar of one empty member with this name.
fn tar(name: &[u8]) -> Vec<u8> {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..108].copy_from_slice(b"0000644\0");
    block[124..136].copy_from_slice(b"00000000000\0");
    block[136..148].copy_from_slice(b"00000000000\0");
    block[156] = b'0';
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    [&block[..], &[0; 1024]].concat()
}

#[test]
fn c09_a_tar_does_not_begin_as_something_else() {
    let mut cases = vec![Case::new("tar: a name", type_of("tar"), tar(b"folder/a.txt"), Expected::Clean)];
    for name in [
        &b"%PDF-1.4\n%%EOF"[..],
        b"GIF89a\x01\0\x01\0\x80",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"\x89PNG\r\n\x1a\n",
        b"MZ\x90\0\x03",
        b"<html><script>alert(1)</script>",
        b"<?php system(1);?>",
        b"PK\x03\x04\x14",
        b"RIFF\x10\0\0\0WAVE",
        b"OggS\0\x02",
        b"fLaC\0\0\0\x22",
        b"ID3\x03\0",
        b"\x1f\x8b\x08\0",
        b"7z\xbc\xaf\x27\x1c",
        b"a\0hidden",
        b"{\\rtf1",
        b"GIF89a",
        b"%!PS-Adobe",
    ] {
        let reasons = &["it also opens as", "its first name is no name", "found "];
        for extension in ["tar", "pdf", "gif", "jpg", "png"] {
            let what = format!("a tar that begins with {name:?}");
            cases.push(refused(extension, &what, tar(name), reasons));
        }
    }
    for (name, rule) in [(&b"#!/bin/sh"[..], "shell_script"), (b"\x7fELF\x02\x01\x01", "elf_executable")] {
        let expected =
            Expected::Refused(Outcome::Malicious, &["matched shell_script", "matched elf_executable"]);
        cases.push(Case::new(format!("tar: {rule}"), type_of("tar"), tar(name), expected));
    }
    for name in [".phar/stub.php", ".phar/signature.bin"] {
        cases.push(refused("tar", "a program of PHP", tar(name.as_bytes()), &["found application/x-phar"]));
    }
    run("tar", cases);
}

#[test]
fn c09_no_archive_unpacks_itself() {
    let others = files(&folder().join("others"));
    let other = |name: &str| others.iter().find(|(found, _)| found == name).unwrap().1.clone();
    let mut stub = vec![0; 4096];
    stub[..2].copy_from_slice(b"MZ");
    stub[0x3c] = 0x80;
    stub[0x80..0x84].copy_from_slice(b"PE\0\0");
    stub[0x84..0x86].copy_from_slice(b"\x4c\x01");
    let mut cases = Vec::new();
    for (extension, name) in [("7z", "py7zr.7z"), ("zip", "7z.zip"), ("zip", "jszip.zip")] {
        let bytes = [&stub, bytes(name)].concat();
        let expected = Expected::Refused(Outcome::Malicious, &["matched windows_executable"]);
        cases.push(Case::new(
            format!("{extension}: a program before {name}"),
            type_of(extension),
            bytes,
            expected,
        ));
    }
    cases.push(refused("zip", "a Java archive", other("jdk.jar"), &["found application/java-archive"]));
    cases.push(refused("webm", "Matroska", other("ffmpeg.mkv"), &["found video/matroska"]));
    cases.push(refused("ogg", "a video", other("ffmpeg-theora.ogv"), &["found video/ogg"]));
    cases.push(refused("mp4", "a sound", other("ffmpeg.m4a"), &["found audio/mp4"]));
    cases.push(refused("avif", "another picture", other("heif-enc.heic"), &["found image/heic"]));
    let expected =
        Expected::Refused(Outcome::Unscannable, &["it is encrypted: the document needs a password"]);
    cases.push(Case::new("docx: with a password", type_of("docx"), other("encrypted.docx"), expected));
    let expected = Expected::Refused(Outcome::Unscannable, &["needs a password"]);
    cases.push(Case::new("zip: with a password", type_of("zip"), other("7z-password.zip"), expected));
    run("self-unpacking and the like", cases);
}
