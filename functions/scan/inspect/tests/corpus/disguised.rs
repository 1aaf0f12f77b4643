//! Files that are two things at once by design, and what honest programs append.

use super::{CORPUS, Case, Expected, Outcome, Real, as_it_is, cut::has_an_end, real, run, type_of};

mod archives;
mod parts;

use parts::{free_box, gif_comment, id3, jpeg_segment, png_chunk, wav_chunk};

pub(super) fn refused(declared: &str, what: &str, bytes: Vec<u8>, reason: &'static [&'static str]) -> Case {
    let what = format!("{declared}: {what}");
    Case::new(what, type_of(declared), bytes, Expected::Refused(Outcome::Mismatch, reason))
}

fn matched(declared: &str, what: &str, bytes: Vec<u8>) -> Case {
    let expected = Expected::Refused(Outcome::Malicious, &["script_inside_media"]);
    Case::new(format!("{declared}: {what}"), type_of(declared), bytes, expected)
}

fn bytes(name: &str) -> &'static [u8] {
    &real(name).bytes
}

/// Each way to put something where a reader of the outer format does not look.
fn hidden(inner: &[u8]) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let flac = bytes("sox.flac");
    // Its own block of metadata behind the first, of 4 + 34 bytes; kind 2 is for applications.
    let length = u32::try_from(inner.len() + 4).unwrap().to_be_bytes();
    let block = [&[2], &length[1..], b"test", inner].concat();
    vec![
        (
            "png",
            "in a text chunk",
            png_chunk(bytes("imagemagick.png"), b"tEXt", &[b"Comment\0", inner].concat()),
        ),
        ("png", "in a private chunk", png_chunk(bytes("imagemagick.png"), b"prVt", inner)),
        ("jpg", "in a comment", jpeg_segment(bytes("imagemagick.jpg"), 0xfe, inner)),
        ("jpg", "in an application segment", jpeg_segment(bytes("sharp.jpg"), 0xed, inner)),
        ("gif", "in a comment", gif_comment(bytes("sharp.gif"), inner)),
        ("wav", "in a chunk", wav_chunk(bytes("wave-module.wav"), inner)),
        ("webp", "in a chunk", wav_chunk(bytes("cwebp-metadata.webp"), inner)),
        ("mp4", "in a free box behind", [bytes("pyav.mp4"), &free_box(inner)].concat()),
        ("mov", "in a free box behind", [bytes("pyav.mov"), &free_box(inner)].concat()),
        ("avif", "in a free box behind", [bytes("sharp.avif"), &free_box(inner)].concat()),
        ("mp3", "in a tag", [&id3(inner), bytes("sox.mp3")].concat()),
        ("flac", "in a block", [&flac[..4], &flac[4..42], &block, &flac[42..]].concat()),
    ]
}

#[test]
fn c09_nothing_is_a_zip_or_a_java_archive_as_well() {
    let archives = || {
        [
            bytes("info-zip.zip").to_vec(),
            bytes("fflate.zip").to_vec(),
            super::files(&super::folder().join("others"))
                .into_iter()
                .find(|(name, _)| name == "jdk.jar")
                .unwrap()
                .1,
        ]
    };
    let plain = [
        "zip", "gz", "tar", "7z", "docx", "xlsx", "pptx", "odt", "ods", "odp", "txt", "csv", "md", "json",
        "xml",
    ];
    let outer = || CORPUS.iter().filter(|file| !plain.iter().any(|extension| file.is(extension)));
    let mut cases = Vec::new();
    for archive in archives() {
        for file in outer() {
            let extension = file.media_type.extensions[0];
            let behind = [&file.bytes, archive.as_slice()].concat();
            let what = format!("an archive behind {}", file.name);
            if file.name == "pikepdf-invoice.pdf" {
                continue;
            }
            cases.push(refused(extension, &what, behind, &["it also opens as application/zip"]));
            let before = [archive.as_slice(), &file.bytes].concat();
            let what = format!("an archive before {}", file.name);
            cases.push(refused(extension, &what, before, &["something follows its end"]));
        }
        for (extension, what, file) in hidden(&archive) {
            // Cut into pieces it is none.
            if extension == "gif" && archive.len() > 255 {
                continue;
            }
            let what = format!("an archive {what}");
            cases.push(refused(extension, &what, file, &["it also opens as application/zip"]));
        }
    }
    run("archives", cases);
}

#[test]
fn c12_pages_and_programs_inside_media_are_matched_by_a_rule() {
    let pages: [&[u8]; 3] = [
        b"<html><script>alert(1)</script></html>",
        b"<?php system($_GET['c']); ?>",
        b"<svg onload=alert(1)>",
    ];
    let cases = pages.into_iter().flat_map(|page| {
        hidden(page)
            .into_iter()
            .map(|(extension, what, file)| matched(extension, &format!("a page {what}"), file))
    });
    run("pages", cases);
}

#[test]
fn c09_nothing_is_a_pdf_as_well() {
    let pdf = bytes("cairo-1.7.pdf");
    let near = ["gif", "png", "jpg", "mp3", "flac"];
    let mut cases: Vec<Case> = hidden(pdf)
        .into_iter()
        // The others have it too far from their beginning for a reader to find it.
        .filter(|(extension, what, _)| near.contains(extension) && !what.contains("private"))
        .map(|(extension, what, file)| {
            refused(extension, &format!("a PDF {what}"), file, &["it also opens as application/pdf"])
        })
        .collect();
    for junk in [&b"hello\n"[..], b"<html><!-- ", b"GIF89a", b"\0\0", b"PK\x03\x04"] {
        let bytes = [junk, pdf].concat();
        cases.push(refused("pdf", "something before a PDF", bytes, &["found "]));
    }
    let small = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\nxref\n0 0\ntrailer<</Root 1 0 R>>\nstartxref\n41\n%%EOF\n";
    for extension in ["txt", "md", "csv"] {
        let bytes = [b"A note.\n", &small[..]].concat();
        cases.push(refused(extension, "a PDF in text", bytes, &["it also opens as application/pdf"]));
    }
    let speaks_of_it = b"# PDF\n\nA file begins with `%PDF-1.7` and ends with `%%EOF`.\n";
    cases.push(Case::new("md: text about PDF", type_of("md"), speaks_of_it.to_vec(), Expected::Clean));
    run("PDF", cases);
}

#[test]
fn c09_nothing_is_a_script_as_well() {
    let script = b"*/=1;alert(document.domain);//";
    let gif = bytes("sharp.gif");
    let as_name = |size: &[u8; 4]| gif_comment(&[&gif[..6], size, &gif[10..]].concat(), script);
    let mut jpeg = jpeg_segment(bytes("imagemagick.jpg"), 0xe0, &[b' '; 0x2f2a - 2]);
    jpeg[6..8].copy_from_slice(b"  ");
    let at = 0x2f2a - script.len();
    jpeg[at..at + script.len()].copy_from_slice(script);
    assert_eq!(jpeg[4..6], *b"/*");
    let wav = bytes("wave-module.wav");
    let content = 0x2a2f + 8 - wav.len() - wav.len() % 2 - 8;
    let mut wav = wav_chunk(wav, &[script.as_slice(), &vec![b' '; content - script.len()]].concat());
    // An odd size, as of a program that does not pad.
    wav.pop();
    wav[4..8].copy_from_slice(b"/*\0\0");
    assert_eq!(wav.len(), 0x2a2f + 8);
    let bmp = [&b"BM/*\0\0\0\0\0\0\x1a\0\0\0\x0c\0\0\0\x01\0\x01\0\x01\0\x18\0"[..], script].concat();
    let also = &["it also opens as text/javascript"];
    run(
        "scripts",
        [
            refused("gif", "a comment in its size", as_name(b"/*\0\0"), also),
            refused("gif", "an assignment in its size", as_name(b"=1/*"), also),
            refused("jpg", "a comment in a length", jpeg, also),
            refused("wav", "a comment in its size", wav, also),
            refused("txt", "a bitmap", bmp.clone(), &["found "]),
            refused("png", "a bitmap", bmp, &["found "]),
        ],
    );
}

#[test]
fn c09_nothing_is_a_program_of_php_as_well() {
    let stub = b"__HALT_COMPILER(); ?>\r\n\x2f\0\0\0\x01\0\0\0\x11\0\0\0\x01\0\0\0\0\0";
    let signature = [&[7; 20][..], b"\x02\0\0\0GBMB"].concat();
    let pipe = bytes("ffmpeg-pipe.wav");
    let cases = hidden(stub).into_iter().map(|(extension, what, file)| {
        let bytes = [file, signature.clone()].concat();
        refused(extension, &format!("a stub {what}"), bytes, &["it also opens as application/x-phar"])
    });
    let piped = [pipe, stub, &signature].concat();
    run(
        "programs of PHP",
        cases.chain([refused("wav", "a stub in a sound", piped, &["application/x-phar"])]),
    );
}

#[test]
fn c09_no_archive_hides_in_a_picture() {
    let rar = b"Rar!\x1a\x07\x01\0\x33\x92\xb5\xe5\x0a\x01\x05\x06\0\x05\x01\x01\x80\x80\0";
    let seven = bytes("7z-store.7z");
    let mut cases = Vec::new();
    for (archive, reason) in [
        (&rar[..], &["it also opens as application/vnd.rar"]),
        (seven, &["it also opens as application/x-7z-compressed"]),
    ] {
        for (extension, what, file) in hidden(archive) {
            cases.push(refused(extension, &format!("an archive {what}"), file, reason));
        }
    }
    run("other archives", cases);
}

#[test]
fn what_honest_programs_append_is_no_flaw() {
    let clean = |what: &str, declared: &'static str, parts: &[&[u8]]| {
        Case::new(format!("{declared}: {what}"), type_of(declared), parts.concat(), Expected::Clean)
    };
    let zeros = [0; 3000];
    let mut cases = vec![
        clean("a preview", "jpg", &[bytes("sharp.jpg"), bytes("imagemagick-cmyk.jpg")]),
        clean(
            "a preview behind zeros",
            "jpg",
            &[bytes("sharp.jpg"), &zeros, bytes("ffmpeg-mjpeg.jpg"), &zeros],
        ),
        clean("free room", "mp4", &[bytes("pyav.mp4"), &free_box(&zeros)]),
        clean("free room and zeros", "mov", &[bytes("pyav.mov"), &free_box(&zeros), &zeros]),
        clean("blank lines", "pdf", &[bytes("fpdf2.pdf"), b"\r\n\r\n \n"]),
        clean("a chunk", "wav", &[&wav_chunk(bytes("sox.wav"), b"odd")]),
        clean("a second link", "ogg", &[bytes("oggenc.ogg"), bytes("ffmpeg-opus.ogg")]),
        clean("more frames", "mp3", &[bytes("sox.mp3"), bytes("sox.mp3")]),
        clean("another member", "gz", &[bytes("gzip.gz"), bytes("pigz.gz")]),
        clean("a tag in front", "mp3", &[&id3(b"a note"), bytes("sox.mp3"), &zeros]),
    ];
    let padded = CORPUS.iter().filter(|file: &&Real| {
        let zip = ["zip", "docx", "xlsx", "pptx", "odt", "ods", "odp", "json", "xml"];
        has_an_end(file)
            && matches!(as_it_is(file), Expected::Clean)
            && !zip.iter().any(|extension| file.is(extension))
    });
    cases.extend(padded.map(|file| {
        clean(&format!("zeros behind {}", file.name), file.media_type.extensions[0], &[&file.bytes, &zeros])
    }));
    run("honest", cases);
}
