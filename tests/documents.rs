//! What the documents name is there, and what is there is documented.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

use std::{collections::BTreeSet, path::Path};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Every file and folder of the project, as `/path/from/the/root`.
fn tree() -> BTreeSet<String> {
    let mut tree = BTreeSet::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            if [".git", "target", "fuzz/target"].contains(&name.as_str()) {
                continue;
            }
            tree.insert(format!("/{name}"));
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    tree
}

#[test]
fn every_path_that_the_documents_name_exists() {
    let tree = tree();
    // A path may begin anywhere: `scan/src/share.rs` is the one in `functions`.
    let is_there = |path: &str| {
        let end = format!("/{}", path.trim_end_matches('/'));
        tree.iter().any(|known| known.ends_with(&end))
    };
    let is_path = |text: &str| {
        let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        let has_ending = [".rs", ".md", ".toml", ".yaml"].iter().any(|ending| text.ends_with(ending));
        is_plain && !text.starts_with('/') && (text.contains('/') || has_ending)
    };
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"] {
        let text = text(document);
        let quoted = text.split('`').skip(1).step_by(2).flat_map(str::split_whitespace);
        let linked = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let paths: BTreeSet<&str> = quoted.chain(linked).filter(|text| is_path(text)).collect();
        assert!(!paths.is_empty(), "{document} names no path");
        let missing: Vec<&&str> = paths.iter().filter(|path| !is_there(path)).collect();
        assert!(missing.is_empty(), "{document} names {missing:?}");
    }
}

/// The names, of `indent` spaces and a colon, in one section of template.yaml.
fn names<'t>(section: &'t str, indent: &str) -> BTreeSet<&'t str> {
    section
        .lines()
        .filter_map(|line| line.strip_prefix(indent)?.split_once(':'))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with(|first: char| first.is_ascii_uppercase()))
        .collect()
}

#[test]
fn every_parameter_and_class_has_its_row_in_the_readme() {
    let (template, readme) = (text("template.yaml"), text("README.md"));
    let section = template.split("\nParameters:\n").nth(1).unwrap().split("\nGlobals:\n").next().unwrap();
    let parameters = names(section, "  ");
    assert!(parameters.contains("MaxUploadBytes"), "{parameters:?}");
    let configuration = readme.split("## Configuration").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: BTreeSet<&str> = configuration
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| line.split('|').nth(1).unwrap().split('`').skip(1).step_by(2))
        .collect();
    let (classes, rows): (BTreeSet<&str>, BTreeSet<&str>) =
        rows.into_iter().partition(|name| name.starts_with(|first: char| first.is_ascii_lowercase()));
    assert_eq!(rows, parameters);
    // The classes of `AllowedMembers`, which the template's pattern names, too.
    let known: BTreeSet<&str> = airlock_content::members::NAMES.split(", ").collect();
    assert_eq!(classes, known);
    let pattern = section.lines().find(|line| line.contains("AllowedPattern: ^(none|(default|")).unwrap();
    assert!(known.iter().all(|class| pattern.matches(&format!("|{class}")).count() == 2), "{pattern}");
}

#[test]
fn events_replay_sets_every_variable_of_the_functions() {
    let (template, replay) = (text("template.yaml"), text("events/replay"));
    let variables = names(&template, "          ");
    let variables: BTreeSet<&str> =
        variables.into_iter().filter(|name| name.contains('_') && *name == name.to_uppercase()).collect();
    assert!(variables.contains("MAX_UPLOAD_BYTES"), "{variables:?}");
    let missing: Vec<&&str> =
        variables.iter().filter(|name| !replay.contains(&format!("\n{name}="))).collect();
    assert!(missing.is_empty(), "events/replay sets no {missing:?}");
}
