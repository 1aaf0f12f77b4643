//! Reads template.yaml into what the local stack brings up, so that the two cannot drift apart.
//!
//! A property that is not understood on a resource that is simulated is an error that names it;
//! resources that are not simulated are listed.

mod error;
mod events;
mod fields;
mod intrinsics;
mod model;
mod parameters;
mod resources;
mod yaml;

pub use error::TemplateError;
pub use model::*;

use fields::Fields;
use intrinsics::Scope;
use resources::{api, bucket, function, queue, table};
use std::collections::BTreeMap;

/// What the template cannot know by itself.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// `AWS::Region`.
    pub region: String,
    /// `AWS::AccountId`.
    pub account_id: String,
    /// `AWS::StackName`.
    pub stack_name: String,
    /// Where SQS answers; a queue's URL is `{sqs_endpoint}/{account_id}/{name}`.
    pub sqs_endpoint: String,
    /// The issuer of tokens, in the place of whatever issuer the template's authorizer names.
    pub issuer: String,
    /// Values for parameters, in the place of their defaults.
    pub parameters: BTreeMap<String, String>,
}

/// Reads a template.
///
/// # Errors
/// [`TemplateError`] names the place in the template and what is wrong there.
pub fn read(source: &str, surroundings: &Surroundings) -> Result<Template, TemplateError> {
    let mut document = Fields::of("template", yaml::parse(source)?)?;
    let parameters = parameters::read(document.take_raw("Parameters"), surroundings)?;
    let globals = document.take_raw("Globals");
    let resources = document.take_raw("Resources");
    let scope = Scope::new(
        surroundings,
        parameters,
        document.take_raw("Conditions"),
        document.take_raw("Mappings"),
        resources,
    )?;
    let outputs = document.take_raw("Outputs");
    document.finish(&["AWSTemplateFormatVersion", "Transform", "Description", "Metadata", "Rules"])?;

    let globals = function::Globals::read(globals, &scope)?;
    let mut template = Template::default();
    let mut policies = Vec::new();
    for (logical_id, resource) in scope.resources()? {
        let name = scope.name_of(&logical_id)?;
        let fields = resource.fields;
        match resource.kind.as_str() {
            "AWS::Serverless::Function" => {
                template.functions.push(function::read(logical_id, name, fields, &globals)?);
            }
            "AWS::Serverless::HttpApi" => {
                if let Some(other) = &template.api {
                    return Err(TemplateError::wrong(
                        &logical_id,
                        format!("{} is an HTTP API already", other.logical_id),
                    ));
                }
                template.api = Some(api::read(logical_id, fields, &surroundings.issuer)?);
            }
            "AWS::S3::Bucket" => template.buckets.push(bucket::read(logical_id, name, fields)?),
            "AWS::S3::BucketPolicy" => policies.push(bucket::Policy::read(fields)?),
            "AWS::SQS::Queue" => template.queues.push(queue::read(logical_id, name, fields)?),
            "AWS::DynamoDB::Table" => template.tables.push(table::read(logical_id, name, fields)?),
            kind => template.not_simulated.push((logical_id, kind.to_owned())),
        }
    }
    for policy in policies {
        policy.attach(&mut template.buckets)?;
    }
    template.outputs = read_outputs(outputs, &scope)?;
    Ok(template)
}

fn read_outputs(
    outputs: Option<serde_json::Value>,
    scope: &Scope<'_>,
) -> Result<BTreeMap<String, String>, TemplateError> {
    let Some(outputs) = outputs else { return Ok(BTreeMap::new()) };
    let mut read = BTreeMap::new();
    for (name, output) in Fields::of("Outputs", outputs)?.into_entries() {
        let at = format!("Outputs.{name}");
        if !scope.holds(&at, &output)? {
            continue;
        }
        let mut fields = Fields::of(&at, scope.resolve(&at, output)?.unwrap_or_default())?;
        if let Some(value) = fields.string("Value")? {
            read.insert(name, value);
        }
        fields.finish(&["Description", "Export", "Condition"])?;
    }
    Ok(read)
}
