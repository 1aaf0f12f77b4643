//! Text in all its kinds, and what only looks like it.

use super::{assert_mismatch, inspected};
use airlock_content::verdict::Outcome;

#[test]
fn c09_text_is_text_to_its_last_byte() {
    let utf16: Vec<u8> = "\u{feff}Grüße, 🦀\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let long = "ä🦀".repeat(100_000).into_bytes();
    for text in [utf16.as_slice(), &long, b"", b"\xef\xbb\xbfa", b"a\x0cb\tc\r\n"] {
        assert_eq!(
            inspected("text/plain", "a.txt", text).outcome,
            Outcome::Clean,
            "{:?}",
            &text[..text.len().min(20)]
        );
    }
    let late = |bytes: &[u8]| [b"x".repeat(200_000).as_slice(), bytes].concat();
    let utf32: Vec<u8> = "a;b\r\n".chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    for text in [late(b"\x1b[2J"), late(b"\0"), late(b"\x1a"), late(b"\xe9"), b"caf\xe9".to_vec(), utf32] {
        assert_eq!(inspected("text/plain", "a.txt", &text).outcome, Outcome::Clean);
    }
    let codes: Vec<u8> = (0..=255).collect();
    for bytes in
        [late(&[1; 5000]), late(&codes.repeat(200)), b"\xff\xfea".to_vec(), b"\xff\xfe\0\xd8".to_vec()]
    {
        assert_mismatch("text/plain", &bytes, "application/octet-stream", "");
    }
}

#[test]
fn t12_text_that_something_renders_or_runs_is_not_plain() {
    for (text, detected) in [
        ("<html><p>x", "text/html"),
        ("  \n<!-- x -->\n<!DOCTYPE html>", "text/html"),
        ("<SCRIPT src=x></SCRIPT>", "text/html"),
        ("<svg onclick=x>", "image/svg+xml"),
        ("<?xml version='1.0'?><a/>", "application/xml"),
        ("<?php echo 1;", "application/x-httpd-php"),
        ("<%@ page %>", "application/x-server-page"),
        ("#!/opt/x", "text/x-shellscript"),
        ("{\\rtf1 x}", "application/rtf"),
        ("%PDF-1.4\n%%EOF\n", "application/pdf"),
    ] {
        for declared in ["text/plain", "text/csv", "text/markdown"] {
            assert_mismatch(declared, text.as_bytes(), detected, "");
        }
    }
    let utf16: Vec<u8> = "\u{feff}<html>".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_mismatch("text/plain", &utf16, "text/html", "");
    for text in
        ["<p align=center>x</p>", "<htmlish>", "see <script>", "BM is no bitmap", "ID3 is a tag", "# <html>"]
    {
        assert_eq!(inspected("text/markdown", "a.md", text.as_bytes()).outcome, Outcome::Clean, "{text}");
    }
}

#[test]
fn c09_json_parses_to_its_end() {
    let deep = ["[".repeat(100_000), "]".repeat(100_000)].concat();
    for json in ["1", "\u{feff}{}", " [1, {\"a\": null}] \n", deep.as_str()] {
        assert_eq!(
            inspected("application/json", "a.json", json.as_bytes()).outcome,
            Outcome::Clean,
            "{:.20}",
            json
        );
    }
    for json in ["", "{", "{} {}", "{'a': 1}", "[1,]", "NaN", "alert(1)"] {
        assert_mismatch("application/json", json.as_bytes(), "text/plain", "it is no JSON");
    }
    let utf16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(inspected("application/json", "a.json", &utf16).outcome, Outcome::Clean);
    assert_mismatch("application/json", b"[\"caf\xe9\"]", "text/plain", "it is no JSON");
}

#[test]
fn t12_xml_is_neither_svg_nor_xhtml() {
    let utf16: Vec<u8> =
        "\u{feff}<?xml version='1.0'?><a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for xml in [&b"<a/>"[..], b"<?xml version='1.0'?>\n<!-- x --><!DOCTYPE a>\n<a b='c'></a>", &utf16] {
        assert_eq!(inspected("application/xml", "a.xml", xml).outcome, Outcome::Clean, "{xml:?}");
    }
    for (xml, detected) in [
        ("<?xml version='1.0'?><svg/>", "image/svg+xml"),
        ("<s:SVG xmlns:s='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        ("<a xmlns:s='http://www.w3.org/2000/s&#118;g'/>", "image/svg+xml"),
        ("<?xml version='1.0'?><!DOCTYPE html><html/>", "application/xhtml+xml"),
        ("<a xmlns='http://www.w3.org/1999/xhtml'/>", "application/xhtml+xml"),
    ] {
        assert_mismatch("text/xml", xml.as_bytes(), detected, "");
    }
    for text in ["hello", "a<b/>", "", "<", "<a b=c d", "<!-- x -->"] {
        assert_mismatch("application/xml", text.as_bytes(), "text/plain", "it is no XML");
    }
}
