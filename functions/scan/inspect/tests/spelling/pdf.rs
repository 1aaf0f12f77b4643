//! PDF: actions and attached programs, as ISO 32000-2 lets them be written. The encrypted files were written by pikepdf
//! 10.18, with an empty password: a script that runs when the file is opened, under each cipher.

use crate::inspected::inspected;
use airlock_content::verdict::Outcome;
use std::{
    fmt::Write as _,
    fs,
    io::{Read, Write as _},
    path::Path,
};

const SCRIPT: &str = "<< /S /JavaScript /JS (app.alert) >>";
const LAUNCH: &str = "<< /S /Launch /F (cmd.exe) >>";
const REMOTE: &str = "<< /S /GoToR /F (//host/a.pdf) /D [ 0 /Fit ] >>";
const SUBMIT: &str = "<< /S /SubmitForm /F (http://example.com/) >>";

/// A file of these objects, of which the first is the catalog, with its table.
fn file(objects: &[String]) -> Vec<u8> {
    let mut text = "%PDF-1.7\n".to_owned();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (at, object) in objects.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", text.len()).unwrap();
        writeln!(text, "{} 0 obj\n{object}\nendobj", at + 1).unwrap();
    }
    let place = text.len();
    let size = objects.len() + 1;
    write!(text, "{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{place}\n%%EOF\n").unwrap();
    text.into_bytes()
}

/// A file of one page, with more in its catalog and its page, and more objects, from 4 on.
fn page(catalog: &str, page: &str, more: &[&str]) -> Vec<u8> {
    let mut objects = vec![
        format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>"),
        "<< /Type /Pages /Kids [ 3 0 R ] /Count 1 >>".to_owned(),
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [ 0 0 9 9 ] {page} >>"),
    ];
    objects.extend(more.iter().map(|object| (*object).to_owned()));
    file(&objects)
}

fn opened(action: &str) -> Vec<u8> {
    page("/OpenAction 4 0 R", "", &[action])
}

/// An update that gives an object other content (section 7.5.6).
fn updated(file: &[u8], object: &str) -> Vec<u8> {
    let update = format!(
        "{object}\nxref\n0 0\ntrailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n{}\n%%EOF\n",
        file.len()
    );
    [file, update.as_bytes()].concat()
}

/// Letters of names as two digits each.
fn escaped_names(text: &str) -> String {
    let mut is_name = false;
    let mut escaped = String::new();
    for letter in text.chars() {
        is_name = if letter == '/' && !escaped.ends_with(['(', '/', ':', 't']) {
            true
        } else {
            is_name && letter.is_ascii_alphanumeric()
        };
        if is_name && letter != '/' {
            write!(escaped, "#{:02x}", u32::from(letter)).unwrap();
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

/// Strings in hexadecimal digits, behind a mark, each letter in so many bytes.
fn hex_strings(text: &str, mark: &str, zeros: &str) -> String {
    let (before, rest) = text.split_once('(').unwrap();
    let (string, behind) = rest.split_once(')').unwrap();
    let digits: String = string.bytes().map(|byte| format!("{zeros}{byte:02X} ")).collect();
    format!("{before}<{mark}{digits}>{behind}")
}

/// The action in an object stream (section 7.5.7), and the table in a stream.
fn in_object_stream(action: &str) -> Vec<u8> {
    let mut text = "%PDF-1.7\n".to_owned();
    let header = "4 0 ";
    let mut places = Vec::new();
    for object in [
        "1 0 obj\n<< /Type /Catalog /Pages 2 0 R /OpenAction 4 0 R >>\nendobj\n".to_owned(),
        "2 0 obj\n<< /Type /Pages /Kids [ 3 0 R ] /Count 1 >>\nendobj\n".to_owned(),
        "3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [ 0 0 9 9 ] >>\nendobj\n".to_owned(),
        {
            let digits: String =
                format!("{header}{action}").bytes().map(|byte| format!("{byte:02x}")).collect();
            let dict = "/Type /ObjStm /N 1 /First 4 /Filter /ASCIIHexDecode";
            format!(
                "5 0 obj\n<< {dict} /Length {} >>\nstream\n{digits}>\nendstream\nendobj\n",
                digits.len() + 1
            )
        },
    ] {
        places.push(text.len());
        text.push_str(&object);
    }
    let place = text.len();
    let row = |kind: u8, place: usize, index: u8| format!("{kind:02x}{place:04x}{index:02x}");
    let rows = [
        row(0, 0, 0xff),
        row(1, places[0], 0),
        row(1, places[1], 0),
        row(1, places[2], 0),
        row(2, 5, 0),
        row(1, places[3], 0),
        row(1, place, 0),
    ]
    .concat();
    let dict = "/Type /XRef /Size 7 /W [ 1 2 1 ] /Root 1 0 R /Filter /ASCIIHexDecode";
    let length = rows.len() + 1;
    write!(text, "6 0 obj\n<< {dict} /Length {length} >>\nstream\n{rows}>\nendstream\nendobj\nstartxref\n{place}\n%%EOF\n").unwrap();
    text.into_bytes()
}

fn spellings(action: &str) -> Vec<(&'static str, Vec<u8>)> {
    let kind = action.split(' ').nth(2).unwrap();
    let harmless = "<< /S /GoTo /D [ 3 0 R /Fit ] >>";
    vec![
        ("plain", opened(action)),
        ("in its place", page(&format!("/OpenAction {action}"), "", &[])),
        ("names in digits", opened(&escaped_names(action))),
        ("NUL for space", opened(&action.replace(' ', "\0"))),
        ("form feeds and tabs", opened(&action.replace(' ', "\x0c\t"))),
        ("comments for space", opened(&action.replace(' ', "%>>\r"))),
        ("a comment in its number", {
            let text = String::from_utf8(opened(action)).unwrap();
            text.replace("4 0 obj", "4%1 0\n0 obj").into_bytes()
        }),
        ("strings in digits", opened(&hex_strings(action, "", ""))),
        ("strings in UTF-16", opened(&hex_strings(action, "FEFF", "00"))),
        ("in an object stream", in_object_stream(action)),
        (
            "next of another",
            page(&format!("/OpenAction << /S /GoTo /D [ 3 0 R /Fit ] /Next [ {action} ] >>"), "", &[]),
        ),
        (
            "next of one elsewhere",
            page("/OpenAction 4 0 R", "", &["<< /S /GoTo /D [ 3 0 R /Fit ] /Next 5 0 R >>", action]),
        ),
        ("opening a page", page("", &format!("/AA << /O {action} >>"), &[])),
        ("opening a page, all elsewhere", page("", "/AA 4 0 R", &["<< /O 5 0 R >>", action])),
        ("a kind elsewhere", page("/OpenAction 4 0 R", "", &[&action.replace(kind, "5 0 R"), kind])),
        (
            "an annotation",
            page(
                "",
                &format!(
                    "/Annots [ << /Type /Annot /Subtype /Link /Rect [ 0 0 9 9 ] /AA << /PV {action} >> >> ]"
                ),
                &[],
            ),
        ),
        (
            "a field",
            page(
                "/AcroForm << /Fields [ 4 0 R ] >>",
                "",
                &[&format!("<< /FT /Tx /T (a) /AA << /PO {action} >> >>")],
            ),
        ),
        ("an update has it", updated(&opened(harmless), &format!("4 0 obj\n{action}\nendobj"))),
        ("an older revision has it", updated(&opened(action), &format!("4 0 obj\n{harmless}\nendobj"))),
        ("its dictionary does not end", {
            let text = String::from_utf8(opened(action)).unwrap();
            text.replace(" >>\nendobj\nxref", "\nendobj\nxref").into_bytes()
        }),
    ]
}

#[test]
fn an_action_is_found_in_every_spelling() {
    let mut wrong = String::new();
    for (action, outcome, words) in [
        (SCRIPT, Outcome::Mismatch, "a script that runs"),
        (LAUNCH, Outcome::Malicious, "pdf_that_launches_a_program"),
        (REMOTE, Outcome::Malicious, "pdf_that_submits_or_opens_remote"),
        (SUBMIT, Outcome::Malicious, "pdf_that_submits_or_opens_remote"),
    ] {
        for (what, bytes) in spellings(action) {
            let found = inspected("application/pdf", "a.pdf", &bytes);
            let reason = found.reason.unwrap_or_default();
            if found.outcome != outcome || !reason.contains(words) {
                writeln!(wrong, "{action}, {what}: {:?} {reason}", found.outcome).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_the_empty_password_opens_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spelling/pdf");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let found = inspected("application/pdf", "a.pdf", &fs::read(&path).unwrap());
        let reason = found.reason.unwrap_or_default();
        // The code is right only if it was decrypted.
        let words = "on=\"open\" code=\"app.alert(1)\"";
        assert!(found.outcome == Outcome::Mismatch && reason.contains(words), "{}: {reason}", path.display());
        count += 1;
    }
    assert_eq!(count, 6);
}

fn attached(name: &str, kind: &str) -> Vec<u8> {
    page(
        "/Names << /EmbeddedFiles << /Names [ (a) 4 0 R ] >> >>",
        "",
        &[
            &format!("<< /Type /Filespec {name} /EF << {kind} 5 0 R >> >>"),
            "<< /Length 4 >>\nstream\nabcd\nendstream",
        ],
    )
}

#[test]
fn an_attached_program_is_found_in_every_spelling() {
    let field = page(
        "",
        "/Annots [ << /Subtype /FileAttachment /Rect [ 0 0 9 9 ] /FS << /F (a.exe) /EF << /F 4 0 R >> >> >> ]",
        &["<< /Length 4 >>\nstream\nabcd\nendstream"],
    );
    for (what, bytes) in [
        ("plain", attached("/F (a.exe)", "/F")),
        ("another key", attached("/UF (a.exe)", "/UF")),
        ("a key of a system", attached("/DOS (a.exe)", "/DOS")),
        ("UTF-16", attached("/UF <FEFF0061002E006500780065>", "/F")),
        ("octal", attached("/F (\\141.\\145xe)", "/F")),
        ("digits", attached("/F <612e657865>", "/F")),
        ("names in digits", attached("/#46 (a.exe)", "/#46")),
        ("an annotation", field),
        (
            "its name elsewhere",
            page(
                "/X 4 0 R",
                "",
                &["<< /F 6 0 R /EF << /F 5 0 R >> >>", "<< /Length 1 >>\nstream\na\nendstream", "(a.exe)"],
            ),
        ),
    ] {
        let found = inspected("application/pdf", "a.pdf", &bytes);
        let reason = found.reason.unwrap_or_default();
        assert!(
            found.outcome == Outcome::Mismatch && reason.contains("program"),
            "{what}: {:?} {reason}",
            found.outcome
        );
    }
    let found = inspected("application/pdf", "a.pdf", &attached("/F (a.txt)", "/F"));
    assert_eq!(found.outcome, Outcome::Clean, "{found:?}");
}

#[test]
fn words_are_no_actions() {
    let text = "BT (/S /JavaScript /JS /Launch /EmbeddedFile) Tj ET % /S /Launch";
    let stream = format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len());
    let title = "/Title (<< /S /Launch /F \\(cmd.exe\\) >> /JS /OpenAction)";
    for (what, bytes) in [
        ("text of a page", page("", "/Contents 4 0 R", &[&stream])),
        ("a title", page(title, "", &[])),
        ("a comment", page("% /OpenAction << /S /Launch /F (cmd.exe) >>\n", "", &[])),
        (
            "a link",
            page("", "/Annots [ << /Subtype /Link /A << /S /URI /URI (http://example.com/) >> >> ]", &[]),
        ),
        (
            "names of other things",
            page(
                "/JS /JavaScript /Launch /S",
                "/Resources << /Font << /JS 4 0 R >> >>",
                &["<< /Type /Font >>"],
            ),
        ),
        (
            "a form that is sent by a click",
            page("", &format!("/Annots [ << /Subtype /Widget /A {SUBMIT} >> ]"), &[]),
        ),
        ("another part of the same folder", opened("<< /S /GoToR /F (b.pdf) /D [ 0 /Fit ] >>")),
        (
            "a number format",
            opened("<< /S /JavaScript /JS (AFNumber_Format\\(2, 0, 0, 0, \"\", true\\);) >>"),
        ),
    ] {
        let found = inspected("application/pdf", "a.pdf", &bytes);
        assert_eq!(found.outcome, Outcome::Clean, "{what}: {found:?}");
    }
}

/// A stream of zeros, packed so many times.
fn packed_zeros(size: u64, times: usize) -> Vec<u8> {
    let mut packed = Vec::new();
    std::io::repeat(0).take(size).read_to_end(&mut packed).unwrap();
    for _ in 0..times {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&packed).unwrap();
        packed = encoder.finish().unwrap();
    }
    packed
}

#[test]
fn what_unpacks_without_end_or_says_so_is_a_limit() {
    let stream = |dict: &str, data: &[u8]| {
        let (before, behind) = ("%PDF-1.7\n4 0 obj\n", "\nendstream\nendobj\n");
        let dict = format!("<< {dict} /Length {} >>\nstream\n", data.len());
        [before.as_bytes(), dict.as_bytes(), data, behind.as_bytes(), &page("", "", &[])[9..]].concat()
    };
    let zeros = packed_zeros(200 << 20, 2);
    let twice = "/Filter [ /FlateDecode /FlateDecode ]";
    let announced = |text: &str| page("", "", &[&format!("<< {text} >>\nstream\na\nendstream")]);
    let many = format!("/Filter [ {} ]", "/FlateDecode ".repeat(9));
    for (what, bytes) in [
        ("a stream", stream(twice, &zeros)),
        ("objects", stream(&format!("/Type /ObjStm /N 1 /First 4 {twice}"), &zeros)),
        ("an attached file", stream(&format!("/Type /EmbeddedFile {twice}"), &zeros)),
        ("a length", announced("/Length 4294967296")),
        ("a picture", announced("/Subtype /Image /Width 65535 /Height 65535 /Length 1")),
        ("many filters", stream(&many, b"a")),
    ] {
        let found = inspected("application/pdf", "a.pdf", &bytes);
        assert_eq!(found.outcome, Outcome::LimitsExceeded, "{what}: {found:?}");
    }
    // Each of many streams without an end is all that follows.
    let endless = "7 0 obj<</Filter/AHx>>stream\n".repeat(4000) + &" ".repeat(1 << 20);
    let found = inspected(
        "application/pdf",
        "a.pdf",
        &[&page("", "", &[])[..], endless.as_bytes(), b"startxref\n9\n%%EOF"].concat(),
    );
    assert_eq!(found.outcome, Outcome::Unscannable, "{found:?}");
}
