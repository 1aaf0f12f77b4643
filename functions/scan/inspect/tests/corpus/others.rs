//! Files of types that are not allowed, or that cannot be looked at: what they are found to be.

use super::{Outcome, files, folder, inspected};

#[test]
fn c09_what_is_not_allowed_has_a_name() {
    let types = [
        ("libreoffice.doc", "application/msword"),
        ("libreoffice.xls", "application/vnd.ms-excel"),
        ("libreoffice.ppt", "application/vnd.ms-powerpoint"),
        ("libreoffice.rtf", "application/rtf"),
        ("libreoffice.dotx", "application/vnd.openxmlformats-officedocument.wordprocessingml.template"),
        ("libreoffice.xltx", "application/vnd.openxmlformats-officedocument.spreadsheetml.template"),
        ("libreoffice.potx", "application/vnd.openxmlformats-officedocument.presentationml.template"),
        // LibreOffice changes only the extension.
        ("libreoffice.ppsx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("libreoffice.docm", "application/vnd.ms-word.document.macroenabled.12"),
        ("libreoffice.xlsm", "application/vnd.ms-excel.sheet.macroenabled.12"),
        ("libreoffice.ott", "application/vnd.oasis.opendocument.text-template"),
        ("libreoffice.fodt", "application/vnd.oasis.opendocument.flat+xml"),
        ("pandoc.epub", "application/epub+zip"),
        ("jdk.jar", "application/java-archive"),
        ("ffmpeg.m4a", "audio/mp4"),
        ("ffmpeg.3gp", "video/3gpp"),
        ("ffmpeg.mkv", "video/matroska"),
        ("ffmpeg-theora.ogv", "video/ogg"),
        ("ffmpeg.avi", "video/x-msvideo"),
        ("twolame.mp2", "application/octet-stream"),
        ("ffmpeg.aac", "audio/aac"),
        ("imagemagick.bmp", "image/bmp"),
        ("imagemagick.tiff", "image/tiff"),
        ("imagemagick.ico", "image/vnd.microsoft.icon"),
        ("cairo.svg", "image/svg+xml"),
        ("pandoc.html", "text/html"),
        ("heif-enc.heic", "image/heic"),
        ("bzip2.bz2", "application/x-bzip2"),
        ("xz.xz", "application/x-xz"),
        ("zstd.zst", "application/zstd"),
        ("sqlite.db", "application/vnd.sqlite3"),
        ("qpdf.eps", "application/postscript"),
        ("latin1.txt", "text/plain"),
        ("encrypted.docx", "application/x-cfb"),
        ("7z-password.zip", "application/zip"),
    ];
    let others = files(&folder().join("others"));
    assert_eq!(others.len(), types.len());
    let mut wrong = Vec::new();
    for (name, bytes) in &others {
        let found = inspected("image/png", name, bytes);
        let (_, expected) = types.iter().find(|(known, _)| known == name).unwrap();
        let is_locked = ["encrypted.docx", "7z-password.zip"].contains(&name.as_str());
        let outcome = if is_locked { Outcome::Unscannable } else { Outcome::Mismatch };
        // A rule takes a document that has both XHTML's name and an element `script` for a page.
        let is_right = found.outcome == outcome || name == "libreoffice.fodt";
        if found.detected_type.as_deref() != Some(expected) || !is_right {
            wrong.push(format!("{name}: {found:?}"));
        }
    }
    println!("of other types: {} files, {} wrong", others.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
