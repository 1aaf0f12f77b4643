//! The fields of a mapping, taken out one by one. What is left over in the end is not understood.

use crate::TemplateError;
use serde_json::{Map, Value};

/// A mapping of the template, and where it stands.
#[derive(Debug)]
pub(crate) struct Fields {
    at: String,
    fields: Map<String, Value>,
}

impl Fields {
    pub(crate) fn of(at: &str, value: Value) -> Result<Self, TemplateError> {
        match value {
            Value::Object(fields) => Ok(Self { at: at.to_owned(), fields }),
            Value::Null => Ok(Self { at: at.to_owned(), fields: Map::new() }),
            _ => Err(TemplateError::wrong(at, "must be a mapping")),
        }
    }

    /// Where this mapping stands.
    pub(crate) fn at(&self) -> &str {
        &self.at
    }

    /// Where a field of it stands.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.at)
    }

    /// Takes a field as it is.
    pub(crate) fn take_raw(&mut self, name: &str) -> Option<Value> {
        self.fields.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a field that must be there.
    pub(crate) fn required(&mut self, name: &str) -> Result<Value, TemplateError> {
        self.take_raw(name).ok_or_else(|| TemplateError::wrong(&self.at, format!("needs {name}")))
    }

    /// Takes a mapping; an empty one if it is not there.
    pub(crate) fn mapping(&mut self, name: &str) -> Result<Self, TemplateError> {
        let path = self.path(name);
        Self::of(&path, self.take_raw(name).unwrap_or_default())
    }

    /// Takes a mapping, if it is there.
    pub(crate) fn optional_mapping(&mut self, name: &str) -> Result<Option<Self>, TemplateError> {
        let path = self.path(name);
        self.take_raw(name).map(|value| Self::of(&path, value)).transpose()
    }

    /// Takes a list of mappings; none if it is not there.
    pub(crate) fn mappings(&mut self, name: &str) -> Result<Vec<Self>, TemplateError> {
        let path = self.path(name);
        match self.take_raw(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .into_iter()
                .enumerate()
                .map(|(index, item)| Self::of(&format!("{path}[{index}]"), item))
                .collect(),
            Some(_) => Err(TemplateError::wrong(&path, "must be a list")),
        }
    }

    /// Takes a text; numbers and truth values count as theirs.
    pub(crate) fn string(&mut self, name: &str) -> Result<Option<String>, TemplateError> {
        let path = self.path(name);
        self.take_raw(name).map(|value| text(&path, &value)).transpose()
    }

    /// Takes a text that must be there.
    pub(crate) fn required_string(&mut self, name: &str) -> Result<String, TemplateError> {
        let value = self.required(name)?;
        text(&self.path(name), &value)
    }

    /// Takes a list of texts; a single one counts as a list, and so does one with commas in it if
    /// it comes from a parameter.
    pub(crate) fn strings(&mut self, name: &str) -> Result<Vec<String>, TemplateError> {
        let path = self.path(name);
        match self.take_raw(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items.iter().map(|item| text(&path, item)).collect(),
            Some(value) => Ok(vec![text(&path, &value)?]),
        }
    }

    /// Takes a whole number, given as one or as a text.
    pub(crate) fn number<T: TryFrom<u64>>(&mut self, name: &str) -> Result<Option<T>, TemplateError> {
        let path = self.path(name);
        let Some(value) = self.take_raw(name) else { return Ok(None) };
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
        let number = number.and_then(|number| T::try_from(number).ok());
        number
            .map(Some)
            .ok_or_else(|| TemplateError::wrong(&path, format!("{value} is not a whole number that fits")))
    }

    /// Takes a truth value, given as one or as a text.
    pub(crate) fn boolean(&mut self, name: &str) -> Result<Option<bool>, TemplateError> {
        let path = self.path(name);
        match self.take_raw(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(Value::String(text)) if text == "true" || text == "false" => Ok(Some(text == "true")),
            Some(value) => Err(TemplateError::wrong(&path, format!("{value} is neither true nor false"))),
        }
    }

    /// Refuses what is left over, but for properties that are known and do nothing locally.
    pub(crate) fn finish(self, without_effect: &[&str]) -> Result<(), TemplateError> {
        let unknown = self.fields.keys().find(|name| !without_effect.contains(&name.as_str()));
        match unknown {
            Some(name) => Err(TemplateError::unknown(&self.at, format!("the property {name}"))),
            None => Ok(()),
        }
    }

    /// All fields that are left.
    pub(crate) fn into_entries(self) -> impl Iterator<Item = (String, Value)> {
        self.fields.into_iter()
    }

    /// What is left, as a mapping.
    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.fields)
    }
}

/// A value as text.
pub(crate) fn text(at: &str, value: &Value) -> Result<String, TemplateError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        _ => Err(TemplateError::wrong(at, "must be a text")),
    }
}
