//! The parameters of a template and the values that they have here.

use crate::{Surroundings, TemplateError, fields::Fields, fields::text};
use regex::Regex;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Every parameter and its value: a text, or for lists a list of texts. One that has no value is
/// `None`; it is an error only where it is used.
pub(crate) type Parameters = BTreeMap<String, Option<Value>>;

/// Reads the section `Parameters`.
pub(crate) fn read(section: Option<Value>, surroundings: &Surroundings) -> Result<Parameters, TemplateError> {
    let declared = Fields::of("Parameters", section.unwrap_or_default())?;
    let mut parameters = Parameters::new();
    for (name, declaration) in declared.into_entries() {
        let given = surroundings.parameters.get(&name);
        let value = one(&name, declaration, given)?;
        parameters.insert(name, value);
    }
    match surroundings.parameters.keys().find(|name| !parameters.contains_key(*name)) {
        Some(name) => Err(wrong(name, "the template has no such parameter")),
        None => Ok(parameters),
    }
}

fn wrong(name: &str, why: impl Into<String>) -> TemplateError {
    TemplateError::Parameter { name: name.to_owned(), why: why.into() }
}

fn one(name: &str, declaration: Value, given: Option<&String>) -> Result<Option<Value>, TemplateError> {
    let mut fields = Fields::of(&format!("Parameters.{name}"), declaration)?;
    let kind = fields.string("Type")?.ok_or_else(|| wrong(name, "it has no Type"))?;
    let default = fields.take_raw("Default").map(|value| text(fields.at(), &value)).transpose()?;
    let value = given.cloned().or(default);
    let allowed = fields.strings("AllowedValues")?;
    let pattern = fields.string("AllowedPattern")?;
    let bounds = (decimal(&mut fields, name, "MinValue")?, decimal(&mut fields, name, "MaxValue")?);
    let lengths = (fields.number::<usize>("MinLength")?, fields.number::<usize>("MaxLength")?);
    fields.finish(&["Description", "ConstraintDescription", "NoEcho"])?;

    let Some(value) = value else { return Ok(None) };
    let items: Vec<&str> = match kind.as_str() {
        "String" | "Number" => vec![value.as_str()],
        "CommaDelimitedList" | "List<Number>" => value.split(',').map(str::trim).collect(),
        kind => {
            return Err(TemplateError::unknown(&format!("Parameters.{name}"), format!("the type {kind}")));
        }
    };
    let pattern = pattern.map(|pattern| Regex::new(&format!("^(?:{pattern})$")));
    let pattern = pattern.transpose().map_err(|error| wrong(name, format!("AllowedPattern: {error}")))?;
    for item in &items {
        if !allowed.is_empty() && !allowed.iter().any(|allowed| allowed == item) {
            return Err(wrong(name, format!("{item:?} is not one of {}", allowed.join(", "))));
        }
        if pattern.as_ref().is_some_and(|pattern| !pattern.is_match(item)) {
            return Err(wrong(name, format!("{item:?} does not match AllowedPattern")));
        }
        let length = item.chars().count();
        if lengths.0.is_some_and(|min| length < min) || lengths.1.is_some_and(|max| length > max) {
            return Err(wrong(name, format!("{item:?} is too short or too long")));
        }
        if kind.contains("Number") {
            let number: f64 = item.parse().map_err(|_| wrong(name, format!("{item:?} is not a number")))?;
            if bounds.0.is_some_and(|min| number < min) || bounds.1.is_some_and(|max| number > max) {
                return Err(wrong(name, format!("{item} is out of bounds")));
            }
        }
    }
    Ok(Some(if kind.starts_with("String") || kind == "Number" { json!(value) } else { json!(items) }))
}

fn decimal(fields: &mut Fields, name: &str, bound: &str) -> Result<Option<f64>, TemplateError> {
    let Some(text) = fields.string(bound)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| wrong(name, format!("{bound} is not a number")))
}
