//! YAML with CloudFormation's short forms (`!Ref`, `!Sub`, …), as JSON with their long forms.

use crate::TemplateError;
use serde_json::{Map, Number, Value, json};
use serde_yaml_ng::Value as Yaml;

/// How deep a template may nest; CloudFormation's own limits are far below.
const MAX_DEPTH: usize = 64;

/// Reads a document.
pub(crate) fn parse(source: &str) -> Result<Value, TemplateError> {
    let yaml: Yaml =
        serde_yaml_ng::from_str(source).map_err(|error| TemplateError::Yaml(error.to_string()))?;
    convert(yaml, 0)
}

fn convert(yaml: Yaml, depth: usize) -> Result<Value, TemplateError> {
    if depth > MAX_DEPTH {
        return Err(TemplateError::Yaml("it nests too deep".to_owned()));
    }
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => value.into(),
        Yaml::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), ..) => number.into(),
            (_, Some(number), _) => number.into(),
            (.., number) => number.and_then(Number::from_f64).map_or(Value::Null, Value::Number),
        },
        Yaml::String(text) => text.into(),
        Yaml::Sequence(items) => {
            items.into_iter().map(|item| convert(item, depth + 1)).collect::<Result<Value, _>>()?
        }
        Yaml::Mapping(fields) => {
            let mut map = Map::new();
            for (name, value) in fields {
                map.insert(key(name)?, convert(value, depth + 1)?);
            }
            Value::Object(map)
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            long_form(tag.trim_start_matches('!'), convert(tagged.value, depth + 1)?)
        }
    })
}

fn key(name: Yaml) -> Result<String, TemplateError> {
    match name {
        Yaml::String(text) => Ok(text),
        Yaml::Number(number) => Ok(number.to_string()),
        Yaml::Bool(value) => Ok(value.to_string()),
        _ => Err(TemplateError::Yaml("a key is not a plain value".to_owned())),
    }
}

fn long_form(tag: &str, value: Value) -> Value {
    match (tag, value) {
        ("Ref" | "Condition", value) => json!({ tag: value }),
        ("GetAtt", Value::String(text)) => {
            let parts: Vec<&str> = text.splitn(2, '.').collect();
            json!({ "Fn::GetAtt": parts })
        }
        (tag, value) => json!({ format!("Fn::{tag}"): value }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_become_long_ones() {
        let source = "a: !Ref X\nb: !GetAtt X.Arn.Y\nc: !Sub ['${A}', {A: !Ref B}]\nd: !If [C, 1, !Ref 'AWS::NoValue']\n";
        insta::assert_snapshot!(parse(source).unwrap(), @r#"{"a":{"Ref":"X"},"b":{"Fn::GetAtt":["X","Arn.Y"]},"c":{"Fn::Sub":["${A}",{"A":{"Ref":"B"}}]},"d":{"Fn::If":["C",1,{"Ref":"AWS::NoValue"}]}}"#);
    }

    #[test]
    fn what_is_no_template_says_where() {
        let error = parse("a: [1\nb: 2").unwrap_err().to_string();
        assert!(error.contains("line"), "{error}");
        assert!(parse(&"[".repeat(200)).is_err());
    }
}
