//! Every real file under every other type, and with every other type's extension.

use super::{CORPUS, Case, DEFAULT, Expected, MediaType, Outcome, Real, run};

/// Text is told apart by its declaration alone.
fn is_clean_as(file: &Real, declared: &MediaType) -> bool {
    let plain = ["text/plain", "text/csv", "text/markdown"];
    let has_declaration = file.bytes.starts_with(b"<?xml") || file.bytes.starts_with(&[0xff, 0xfe]);
    plain.contains(&declared.name)
        && (plain.contains(&file.media_type.name) || file.is("json") || (file.is("xml") && !has_declaration))
}

#[test]
fn c09_a_real_file_is_of_no_other_type() {
    let cases = CORPUS.iter().flat_map(|file| {
        DEFAULT.iter().filter(move |declared| **declared != *file.media_type).map(move |declared| {
            let expected = if is_clean_as(file, declared) {
                Expected::Clean
            } else {
                Expected::Refused(Outcome::Mismatch, &["found "])
            };
            let what = format!("{}: {} as {}", declared.extensions[0], file.name, declared.name);
            Case::new(what, declared, file.bytes.clone(), expected)
        })
    });
    run("declared as another type", cases);
}

#[test]
fn c09_a_real_file_has_no_other_extension() {
    let extensions =
        || DEFAULT.iter().map(|known| known.extensions[0]).chain(["exe", "html", "svg", "php", "docm"]);
    let cases = CORPUS.iter().flat_map(|file| {
        extensions().filter(|extension| !file.is(extension)).map(move |extension| Case {
            what: format!("{extension}: {} as .{extension}", file.name),
            declared: file.media_type.name,
            file_name: format!("{}.{extension}", file.name),
            bytes: file.bytes.clone(),
            expected: Expected::Refused(Outcome::Mismatch, &["but the file name ends in ."]),
        })
    });
    // Of so many, one file of each type will do.
    let mut seen = Vec::new();
    let cases: Vec<Case> = cases
        .filter(|case| {
            let pair = (case.declared, case.file_name.rsplit('.').next().map(str::to_owned));
            let is_new = !seen.contains(&pair);
            seen.push(pair);
            is_new
        })
        .collect();
    run("named as another type", cases);
}
