//! Request bodies, read strictly: one JSON object, no unknown field, no field twice, and every
//! mistake named at once.

use crate::{Code, FieldError, Problem, Request};
use lambda_http::Body;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value, error::Category};
use std::{fmt, str::FromStr};

/// How many unknown fields or parameters of a request are named; an answer has an end, however many there are.
pub const MOST_UNKNOWN: usize = 20;

/// The fields of a body, taken out one by one. [`Fields::finish`] answers what was wrong.
#[derive(Debug)]
pub struct Fields {
    fields: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Reads the body of `request`. With `optional`, no body is an empty object.
    ///
    /// # Errors
    /// `malformed_body` when it is not a JSON object, or has a field twice.
    pub fn of(request: &Request, optional: bool) -> Result<Self, Problem> {
        let bytes: &[u8] = match request.body() {
            Body::Text(text) => text.as_bytes(),
            Body::Binary(bytes) => bytes,
            _ => &[],
        };
        Self::parse(if bytes.is_empty() && optional { b"{}" } else { bytes })
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    /// `malformed_body` when it is not one, or has a field twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice::<Object>(bytes)
            .map(|Object(fields)| Self { fields, errors: Vec::new() })
            .map_err(|error| {
                let what = malformed(&error, bytes);
                Problem::new(Code::MalformedBody, format!("the body must be one JSON object; {what}"))
            })
    }

    /// Notes that a field is wrong.
    pub fn refuse(&mut self, field: &'static str, detail: impl fmt::Display) {
        self.errors.push(FieldError { field: field.into(), detail: detail.to_string() });
    }

    /// Takes a string field that must be there, and parses it.
    pub fn required<T: FromStr<Err: fmt::Display>>(&mut self, field: &'static str) -> Option<T> {
        if !self.fields.contains_key(field) {
            self.refuse(field, "is required");
        }
        self.optional(field)
    }

    /// Takes a string field, and parses it.
    pub fn optional<T: FromStr<Err: fmt::Display>>(&mut self, field: &'static str) -> Option<T> {
        match self.fields.remove(field)? {
            Value::String(text) => match text.parse() {
                Ok(value) => Some(value),
                Err(why) => {
                    self.refuse(field, why);
                    None
                }
            },
            _ => {
                self.refuse(field, "must be a string");
                None
            }
        }
    }

    /// Takes a whole number that must be there.
    pub fn required_number(&mut self, field: &'static str) -> Option<u64> {
        if !self.fields.contains_key(field) {
            self.refuse(field, "is required");
        }
        self.optional_number(field)
    }

    /// Takes a whole number.
    pub fn optional_number(&mut self, field: &'static str) -> Option<u64> {
        let number = whole(&self.fields.remove(field)?);
        if number.is_none() {
            self.refuse(field, format_args!("must be a whole number from 0 to {}", u64::MAX));
        }
        number
    }

    /// Refuses what is left over, and answers every mistake.
    ///
    /// # Errors
    /// `invalid_request` naming each field that is wrong.
    pub fn finish(mut self) -> Result<(), Problem> {
        let unknown = self.fields.keys().take(MOST_UNKNOWN);
        let detail = || "is not a field of this request".to_owned();
        self.errors.extend(unknown.map(|name| FieldError { field: named(name).into(), detail: detail() }));
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::invalid(self.errors)) }
    }
}

/// A name that a caller made up, so that it can be shown: short, visible, and there at all.
pub fn named(name: &str) -> String {
    if name.is_empty() { "\"\"".to_owned() } else { name.escape_debug().take(64).collect() }
}

/// Why a body is not one JSON object. What it holds is not repeated.
fn malformed(error: &serde_json::Error, bytes: &[u8]) -> String {
    match error.classify() {
        Category::Eof if bytes.is_empty() => "there is none".to_owned(),
        Category::Eof => "this one ends too early".to_owned(),
        Category::Data if bytes.trim_ascii_start().starts_with(b"{") => {
            "in this one a field stands twice".to_owned()
        }
        Category::Data => "this one is another value".to_owned(),
        Category::Syntax | Category::Io => {
            format!("this one is no JSON at line {}, column {}", error.line(), error.column())
        }
    }
}

/// A whole number, however it is spelled: 15.0 is the number 15 in JSON, and some languages write it so.
fn whole(value: &Value) -> Option<u64> {
    /// 2^53: up to here every whole number is a floating-point number of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let is_whole = |number: &f64| number.fract() == 0.0 && (0.0..=EXACT).contains(number);
    value.as_u64().or_else(|| value.as_f64().filter(is_whole).map(|number| number as u64))
}

/// A JSON object in which no name occurs twice; serde_json alone would keep the last.
struct Object(Map<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Strict;
        impl<'de> Visitor<'de> for Strict {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Object, A::Error> {
                let mut fields = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if fields.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("a field stands twice"));
                    }
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Strict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn errors(body: &str) -> Vec<(String, String)> {
        let Ok(mut fields) = Fields::parse(body.as_bytes()) else {
            return vec![("body".into(), "malformed".into())];
        };
        fields.required::<airlock_objects::checksum::Sha256>("sha256");
        fields.required_number("size");
        let response: crate::Response = match fields.finish() {
            Ok(()) => return Vec::new(),
            Err(problem) => problem.into(),
        };
        let Body::Text(text) = response.body() else { return Vec::new() };
        let document: Value = serde_json::from_str(text).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = document["errors"].as_array().cloned().unwrap_or_default();
        list.iter().map(|error| (text(&error["field"]), text(&error["detail"]))).collect()
    }

    #[test]
    fn c01_every_mistake_is_named_at_once() {
        insta::assert_debug_snapshot!(errors(r#"{"sha256":"x","key":"a/b","tenant_id":"other"}"#), @r#"
        [
            (
                "sha256",
                "must be a SHA-256 as 64 lower-case hex digits, as sha256sum prints it",
            ),
            (
                "size",
                "is required",
            ),
            (
                "key",
                "is not a field of this request",
            ),
            (
                "tenant_id",
                "is not a field of this request",
            ),
        ]
        "#);
        for size in ["-1", "1.5", "\"1\"", "1e300", "9007199254740993.0e1", "null"] {
            assert_eq!(errors(&format!(r#"{{"size":{size}}}"#))[1].0, "size", "{size}");
        }
        for size in ["1", "1.0", "1e3", "18446744073709551615"] {
            assert_eq!(errors(&format!(r#"{{"size":{size}}}"#)).len(), 1, "{size}");
        }
        for body in ["", "[]", "null", "{", r#"{"size":1,"size":2}"#, "{}{}"] {
            assert_eq!(errors(body)[0].1, "malformed", "{body}");
        }
    }

    #[test]
    fn an_answer_is_short_and_visible_whatever_is_sent() {
        let many = (0..100_000).map(|number| format!("\"{number}\":0")).collect::<Vec<_>>().join(",");
        assert_eq!(errors(&format!("{{{many}}}")).len(), 2 + MOST_UNKNOWN);
        assert_eq!(named(&"\u{10fff0}".repeat(64)).chars().count(), 64);
        for (name, shown) in [("", "\"\""), ("\\u001b[31m", "\\u{1b}[31m"), ("\\u202e", "\\u{202e}")] {
            assert_eq!(errors(&format!(r#"{{"{name}":1}}"#))[2].0, shown);
        }
        for body in [format!("\"{}\"", "x".repeat(5_000_000)), "[".repeat(1_000_000), "{\"a\":".to_owned()] {
            let problem = Fields::parse(body.as_bytes()).expect_err("a problem");
            assert!(problem.detail().len() < 100, "{}", problem.detail().len());
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_can_break_it(body in any::<Vec<u8>>()) {
            let _ = Fields::parse(&body).map(Fields::finish);
        }
    }
}
