//! openapi.yaml: each answer that a test gets from the API must be in it.

use super::person::Answer;
use reqwest::Method;
use serde_json::Value;
use std::{collections::BTreeSet, sync::LazyLock};

/// An answer as the contract tells answers apart: the operation, the status, and the problem's code, or nothing
/// where the gateway answers or all is well.
pub type Kind = (String, u16, String);

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.yaml");
    serde_yaml_ng::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
});

/// The media types that openapi.yaml lists.
pub fn types_allowed_by_default() -> Vec<&'static str> {
    let types = &DOCUMENT["components"]["schemas"]["ContentType"]["anyOf"][0]["enum"];
    types.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

/// Every kind of answer that the contract has.
pub fn kinds() -> BTreeSet<Kind> {
    let mut kinds = BTreeSet::new();
    for (_, _, operation) in operations() {
        let name = operation["operationId"].as_str().unwrap().to_owned();
        for (status, response) in operation["responses"].as_object().unwrap() {
            let (status, response) = (status.parse().unwrap(), resolved(response));
            let content = response.get("content").and_then(Value::as_object);
            let mut codes = vec![String::new()];
            if content.is_some_and(|content| !content.contains_key("application/json")) {
                codes.clear();
            }
            codes.extend(codes_of(&response["content"]["application/problem+json"]));
            kinds.extend(codes.into_iter().map(|code| (name.clone(), status, code)));
        }
    }
    kinds
}

/// Holds an answer against the contract, and says of which kind it is. Routes that are not in it have none.
pub fn documented(method: &Method, path: &str, answer: &Answer) -> Option<Kind> {
    let (_, _, operation) = operations().find(|(known, template, _)| {
        known.eq_ignore_ascii_case(method.as_str()) && fits(template, path.split('?').next().unwrap())
    })?;
    let name = operation["operationId"].as_str().unwrap().to_owned();
    let status = answer.status.as_u16();
    let response = operation["responses"].get(status.to_string());
    let response = resolved(response.unwrap_or_else(|| panic!("{name}: {status} is not in the contract")));
    let content_type = answer.headers.get("content-type").map(|value| value.to_str().unwrap());
    let content = response.get("content").and_then(Value::as_object);
    let known = content_type.is_none_or(|found| content.is_some_and(|content| content.contains_key(found)));
    assert!(known && content_type.is_some() == content.is_some(), "{name}: {status} as {content_type:?}");
    for (header, stated) in response.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let is_required = resolved(stated)["required"] == true;
        assert!(!is_required || answer.headers.contains_key(header), "{name}: {status} without {header}");
    }
    if content_type != Some("application/problem+json") {
        return Some((name, status, String::new()));
    }
    let code = answer.code();
    let codes = codes_of(&response["content"]["application/problem+json"]);
    assert!(codes.contains(&code), "{name}: {status} with the code {code} is not in the contract");
    Some((name, status, code))
}

/// Method, path and description of every operation.
fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters");
        methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(&path).all(|(known, found)| known == found || known.starts_with('{'))
}

/// What a `$ref` leads to.
fn resolved(value: &'static Value) -> &'static Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// The codes that the schema of a problem allows.
fn codes_of(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("code").and_then(|code| code["enum"].as_array()).into_iter().flatten();
            let own: BTreeSet<String> = own.map(|code| code.as_str().unwrap().to_owned()).collect();
            fields.values().flat_map(codes_of).chain(own).collect()
        }
        Value::Array(items) => items.iter().flat_map(codes_of).collect(),
        _ => BTreeSet::new(),
    }
}
