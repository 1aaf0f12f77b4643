//! `AWS::Serverless::Function`, and what `Globals` gives to all of them.

use crate::{Function, TemplateError, events, fields::Fields, fields::text, intrinsics::Scope};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, time::Duration};

const WITHOUT_EFFECT: &[&str] = &[
    "FunctionName",
    "Description",
    "Runtime",
    "Handler",
    "Architectures",
    "Tags",
    "Tracing",
    "LoggingConfig",
    "VpcConfig",
    "KmsKeyArn",
    "PackageType",
];

/// Properties that every function has unless it says otherwise.
pub(crate) struct Globals(Map<String, Value>);

impl Globals {
    pub(crate) fn read(section: Option<Value>, scope: &Scope<'_>) -> Result<Self, TemplateError> {
        let mut section = Fields::of("Globals", section.unwrap_or_default())?;
        let function = section.take_raw("Function").unwrap_or_default();
        section.finish(&[])?;
        let resolved = scope.resolve("Globals.Function", function)?.unwrap_or_default();
        match Fields::of("Globals.Function", resolved)?.into_value() {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Ok(Self(Map::new())),
        }
    }

    /// The properties of a function over the global ones: mappings are merged, lists joined, and
    /// the rest is replaced (AWS SAM specification, "Globals section").
    fn under(&self, fields: Fields) -> Result<Fields, TemplateError> {
        let at = fields.at().to_owned();
        Fields::of(&at, merge(Value::Object(self.0.clone()), fields.into_value()))
    }
}

fn merge(global: Value, own: Value) -> Value {
    match (global, own) {
        (Value::Object(mut global), Value::Object(own)) => {
            for (name, value) in own {
                let merged = match global.remove(&name) {
                    Some(under) => merge(under, value),
                    None => value,
                };
                global.insert(name, merged);
            }
            Value::Object(global)
        }
        (Value::Array(mut global), Value::Array(own)) => {
            global.extend(own);
            Value::Array(global)
        }
        (_, own) => own,
    }
}

pub(crate) fn read(
    logical_id: String,
    name: String,
    fields: Fields,
    globals: &Globals,
) -> Result<Function, TemplateError> {
    let mut fields = globals.under(fields)?;
    let code = fields.required_string("CodeUri")?;
    let binary = code.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    let mut storage = fields.mapping("EphemeralStorage")?;
    let ephemeral_storage_mb = storage.number("Size")?.unwrap_or(512);
    storage.finish(&[])?;
    let mut environment = fields.mapping("Environment")?;
    let variables = environment.mapping("Variables")?;
    environment.finish(&[])?;
    let at = variables.at().to_owned();
    let variables = variables.into_entries().map(|(name, value)| {
        let value = text(&format!("{at}.{name}"), &value)?;
        Ok((name, value))
    });
    let function = Function {
        environment: variables.collect::<Result<BTreeMap<_, _>, TemplateError>>()?,
        logical_id,
        name,
        binary,
        timeout: Duration::from_secs(fields.number("Timeout")?.unwrap_or(3)),
        memory_mb: fields.number("MemorySize")?.unwrap_or(128),
        ephemeral_storage_mb,
        reserved_concurrency: fields.number("ReservedConcurrentExecutions")?,
        policies: match fields.take_raw("Policies") {
            Some(Value::Array(policies)) => policies,
            Some(policy) => vec![policy],
            None => Vec::new(),
        },
        events: events::read(fields.mapping("Events")?)?,
    };
    fields.finish(WITHOUT_EFFECT)?;
    Ok(function)
}
