//! Intrinsic functions and conditions, resolved as CloudFormation resolves them
//! (CloudFormation Template Reference, "Intrinsic functions").

use crate::{Surroundings, TemplateError, fields::Fields, fields::text, parameters::Parameters};
use serde_json::{Map, Value, json};

/// How many references may lead to others before it counts as a circle.
const MAX_HOPS: usize = 32;

/// Everything that a value of the template can refer to.
pub(crate) struct Scope<'a> {
    surroundings: &'a Surroundings,
    parameters: Parameters,
    conditions: Map<String, Value>,
    mappings: Value,
    resources: Map<String, Value>,
}

/// A resource whose condition holds, resolved.
pub(crate) struct Resource {
    pub(crate) kind: String,
    pub(crate) fields: Fields,
}

fn section(name: &str, value: Option<Value>) -> Result<Map<String, Value>, TemplateError> {
    match Fields::of(name, value.unwrap_or_default())?.into_value() {
        Value::Object(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}

impl<'a> Scope<'a> {
    pub(crate) fn new(
        surroundings: &'a Surroundings,
        mut parameters: Parameters,
        conditions: Option<Value>,
        mappings: Option<Value>,
        resources: Option<Value>,
    ) -> Result<Self, TemplateError> {
        let resources = section("Resources", resources)?;
        for parameter in issuer_parameters(&resources) {
            if let Some(value) = parameters.get_mut(parameter) {
                value.get_or_insert_with(|| json!(surroundings.issuer));
            }
        }
        Ok(Self {
            surroundings,
            parameters,
            conditions: section("Conditions", conditions)?,
            mappings: mappings.unwrap_or_default(),
            resources,
        })
    }

    /// Every resource whose condition holds.
    pub(crate) fn resources(&self) -> Result<Vec<(String, Resource)>, TemplateError> {
        let mut all = Vec::new();
        for (logical_id, resource) in &self.resources {
            if !self.holds(logical_id, resource)? {
                continue;
            }
            let mut fields = Fields::of(logical_id, resource.clone())?;
            let kind = fields.required_string("Type")?;
            let properties = fields.take_raw("Properties").unwrap_or_default();
            fields.finish(&[
                "DeletionPolicy",
                "UpdateReplacePolicy",
                "DependsOn",
                "Condition",
                "Metadata",
            ])?;
            let simulated = kind.starts_with("AWS::Serverless::")
                || ["AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::SQS::Queue", "AWS::DynamoDB::Table"]
                    .contains(&kind.as_str());
            // What is not simulated may use what only CloudFormation knows.
            let properties = if simulated {
                self.resolve(logical_id, properties)?.unwrap_or_default()
            } else {
                Value::Null
            };
            all.push((logical_id.clone(), Resource { kind, fields: Fields::of(logical_id, properties)? }));
        }
        Ok(all)
    }

    /// Whether the `Condition` of a resource or an output holds; without one it does.
    pub(crate) fn holds(&self, at: &str, item: &Value) -> Result<bool, TemplateError> {
        match item.get("Condition") {
            Some(name) => self.condition(at, &text(at, name)?, 0),
            None => Ok(true),
        }
    }

    /// The value with everything in it resolved; `None` for `AWS::NoValue`.
    pub(crate) fn resolve(&self, at: &str, value: Value) -> Result<Option<Value>, TemplateError> {
        self.value(at, value, 0)
    }

    fn value(&self, at: &str, value: Value, hops: usize) -> Result<Option<Value>, TemplateError> {
        match value {
            Value::Object(fields) if fields.len() == 1 => {
                let (name, argument) = fields.into_iter().next().unwrap_or_default();
                if name == "Ref" || name.starts_with("Fn::") {
                    return self.function(at, &name, argument, hops);
                }
                let path = format!("{at}.{name}");
                let resolved = self.value(&path, argument, hops)?;
                Ok(Some(resolved.map_or_else(|| json!({}), |value| json!({ name: value }))))
            }
            Value::Object(fields) => {
                let mut resolved = Map::new();
                for (name, value) in fields {
                    if let Some(value) = self.value(&format!("{at}.{name}"), value, hops)? {
                        resolved.insert(name, value);
                    }
                }
                Ok(Some(Value::Object(resolved)))
            }
            Value::Array(items) => {
                let items = items.into_iter().map(|item| self.value(at, item, hops));
                Ok(Some(Value::Array(items.filter_map(Result::transpose).collect::<Result<_, _>>()?)))
            }
            plain => Ok(Some(plain)),
        }
    }

    fn function(
        &self,
        at: &str,
        name: &str,
        argument: Value,
        hops: usize,
    ) -> Result<Option<Value>, TemplateError> {
        if hops > MAX_HOPS {
            return Err(TemplateError::wrong(at, "refers to itself in a circle"));
        }
        if name == "Fn::If" {
            return self.choose(at, argument, hops);
        }
        let argument = self.value(at, argument, hops + 1)?.unwrap_or_default();
        let list = || argument.as_array().cloned().unwrap_or_default();
        let malformed = || TemplateError::wrong(at, format!("{name} has the wrong arguments"));
        Ok(Some(match name {
            "Ref" => return self.reference(at, &text(at, &argument)?, hops),
            "Fn::GetAtt" => match list().as_slice() {
                [Value::String(id), Value::String(attribute)] => json!(self.attribute(at, id, attribute)?),
                _ => return Err(malformed()),
            },
            "Fn::Sub" => json!(self.substitute(at, &argument, hops)?),
            "Fn::Join" => match list().as_slice() {
                [Value::String(separator), Value::Array(items)] => {
                    let items = items.iter().map(|item| text(at, item)).collect::<Result<Vec<_>, _>>()?;
                    json!(items.join(separator))
                }
                _ => return Err(malformed()),
            },
            "Fn::Select" => match list().as_slice() {
                [index, Value::Array(items)] => {
                    let index = text(at, index)?.parse::<usize>().map_err(|_| malformed())?;
                    items.get(index).cloned().ok_or_else(malformed)?
                }
                _ => return Err(malformed()),
            },
            "Fn::Split" => match list().as_slice() {
                [Value::String(separator), Value::String(whole)] if !separator.is_empty() => {
                    json!(whole.split(separator.as_str()).collect::<Vec<_>>())
                }
                _ => return Err(malformed()),
            },
            "Fn::FindInMap" => {
                let keys = list().iter().map(|key| text(at, key)).collect::<Result<Vec<_>, _>>()?;
                let found = keys.iter().try_fold(&self.mappings, |map, key| map.get(key));
                let missing = || TemplateError::Reference { at: at.to_owned(), to: keys.join(".") };
                found.filter(|_| keys.len() == 3).cloned().ok_or_else(missing)?
            }
            "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or" => {
                return Err(TemplateError::wrong(at, format!("{name} belongs into Conditions")));
            }
            name => return Err(TemplateError::unknown(at, name)),
        }))
    }

    fn choose(&self, at: &str, argument: Value, hops: usize) -> Result<Option<Value>, TemplateError> {
        match argument {
            Value::Array(parts) if parts.len() == 3 => {
                let mut parts = parts.into_iter();
                let condition = text(at, &parts.next().unwrap_or_default())?;
                let (yes, no) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                let chosen = if self.condition(at, &condition, hops + 1)? { yes } else { no };
                self.value(at, chosen, hops + 1)
            }
            _ => Err(TemplateError::wrong(at, "Fn::If has the wrong arguments")),
        }
    }

    fn condition(&self, at: &str, name: &str, hops: usize) -> Result<bool, TemplateError> {
        let missing = || TemplateError::Reference { at: at.to_owned(), to: format!("the condition {name}") };
        let expression = self.conditions.get(name).ok_or_else(missing)?;
        self.truth(&format!("Conditions.{name}"), expression, hops)
    }

    fn truth(&self, at: &str, expression: &Value, hops: usize) -> Result<bool, TemplateError> {
        let malformed = || TemplateError::wrong(at, "is not a condition");
        if hops > MAX_HOPS {
            return Err(TemplateError::wrong(at, "refers to itself in a circle"));
        }
        let fields = expression.as_object().filter(|fields| fields.len() == 1).ok_or_else(malformed)?;
        let (name, argument) = fields.iter().next().ok_or_else(malformed)?;
        let parts = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        let truths =
            || parts.iter().map(|part| self.truth(at, part, hops + 1)).collect::<Result<Vec<_>, _>>();
        match (name.as_str(), parts) {
            ("Condition", _) => self.condition(at, &text(at, argument)?, hops + 1),
            ("Fn::Equals", [a, b]) => {
                let side = |side: &Value| {
                    self.value(at, side.clone(), hops + 1)?.map(|side| text(at, &side)).transpose()
                };
                Ok(side(a)? == side(b)?)
            }
            ("Fn::Not", [_]) => Ok(!truths()?[0]),
            ("Fn::And", [_, ..]) => Ok(truths()?.into_iter().all(|truth| truth)),
            ("Fn::Or", [_, ..]) => Ok(truths()?.into_iter().any(|truth| truth)),
            _ => Err(malformed()),
        }
    }

    fn reference(&self, at: &str, name: &str, hops: usize) -> Result<Option<Value>, TemplateError> {
        let Surroundings { region, account_id, stack_name, sqs_endpoint, .. } = self.surroundings;
        let pseudo = match name {
            "AWS::NoValue" => return Ok(None),
            "AWS::Region" => Some(region.clone()),
            "AWS::AccountId" => Some(account_id.clone()),
            "AWS::StackName" => Some(stack_name.clone()),
            "AWS::Partition" => Some("aws".to_owned()),
            "AWS::URLSuffix" => Some("amazonaws.com".to_owned()),
            "AWS::StackId" => {
                Some(format!("arn:aws:cloudformation:{region}:{account_id}:stack/{stack_name}/local"))
            }
            _ => None,
        };
        if let Some(value) = pseudo {
            return Ok(Some(json!(value)));
        }
        if let Some(value) = self.parameters.get(name) {
            let missing = || TemplateError::Parameter {
                name: name.to_owned(),
                why: format!("it has no default and no value was given; {at} needs it"),
            };
            return value.clone().map(Some).ok_or_else(missing);
        }
        let named = self.named(at, name, hops)?;
        Ok(Some(json!(match self.kind(name) {
            "AWS::SQS::Queue" => format!("{sqs_endpoint}/{account_id}/{named}"),
            _ => named,
        })))
    }

    fn kind(&self, logical_id: &str) -> &str {
        self.resources.get(logical_id).and_then(|resource| resource["Type"].as_str()).unwrap_or_default()
    }

    /// What a resource is called in the account.
    pub(crate) fn name_of(&self, logical_id: &str) -> Result<String, TemplateError> {
        self.named(logical_id, logical_id, 0)
    }

    fn named(&self, at: &str, logical_id: &str, hops: usize) -> Result<String, TemplateError> {
        let missing = || TemplateError::Reference { at: at.to_owned(), to: logical_id.to_owned() };
        let resource = self.resources.get(logical_id).ok_or_else(missing)?;
        let property = match self.kind(logical_id) {
            "AWS::S3::Bucket" => "BucketName",
            "AWS::SQS::Queue" => "QueueName",
            "AWS::DynamoDB::Table" => "TableName",
            "AWS::Serverless::Function" => "FunctionName",
            _ => "",
        };
        let given = resource["Properties"].get(property).cloned();
        let given =
            given.map(|name| self.value(&format!("{logical_id}.{property}"), name, hops + 1)).transpose()?;
        let stack = &self.surroundings.stack_name;
        match given.flatten() {
            Some(name) => text(logical_id, &name),
            None if property == "BucketName" => Ok(format!("{stack}-{logical_id}").to_lowercase()),
            None if self.is_fifo(logical_id, resource, hops)? => Ok(format!("{stack}-{logical_id}.fifo")),
            None => Ok(format!("{stack}-{logical_id}")),
        }
    }

    /// Names that CloudFormation makes for FIFO queues have the suffix that SQS wants.
    fn is_fifo(&self, logical_id: &str, resource: &Value, hops: usize) -> Result<bool, TemplateError> {
        let at = format!("{logical_id}.FifoQueue");
        let given = resource["Properties"].get("FifoQueue").cloned();
        let given = given.map(|value| self.value(&at, value, hops + 1)).transpose()?.flatten();
        Ok(self.kind(logical_id) == "AWS::SQS::Queue"
            && given.is_some_and(|given| given == true || given == "true"))
    }

    fn attribute(&self, at: &str, logical_id: &str, attribute: &str) -> Result<String, TemplateError> {
        let Surroundings { region, account_id, .. } = self.surroundings;
        let name = self.named(at, logical_id, 0)?;
        Ok(match (self.kind(logical_id), attribute) {
            ("AWS::SQS::Queue", "Arn") => format!("arn:aws:sqs:{region}:{account_id}:{name}"),
            ("AWS::SQS::Queue", "QueueName") => name,
            ("AWS::SQS::Queue", "QueueUrl") => {
                format!("{}/{account_id}/{name}", self.surroundings.sqs_endpoint)
            }
            ("AWS::S3::Bucket", "Arn") => format!("arn:aws:s3:::{name}"),
            ("AWS::S3::Bucket", "DomainName") => format!("{name}.s3.amazonaws.com"),
            ("AWS::S3::Bucket", "RegionalDomainName") => format!("{name}.s3.{region}.amazonaws.com"),
            ("AWS::DynamoDB::Table", "Arn") => format!("arn:aws:dynamodb:{region}:{account_id}:table/{name}"),
            ("AWS::DynamoDB::Table", "StreamArn") => {
                format!("arn:aws:dynamodb:{region}:{account_id}:table/{name}/stream/local")
            }
            ("AWS::Serverless::Function", "Arn") => {
                format!("arn:aws:lambda:{region}:{account_id}:function:{name}")
            }
            (
                "AWS::S3::Bucket" | "AWS::SQS::Queue" | "AWS::DynamoDB::Table" | "AWS::Serverless::Function",
                other,
            ) => return Err(TemplateError::unknown(at, format!("the attribute {logical_id}.{other}"))),
            // Something that is not simulated: a name that says what it stands for.
            (_, other) => format!("{name}.{other}"),
        })
    }

    fn substitute(&self, at: &str, argument: &Value, hops: usize) -> Result<String, TemplateError> {
        let (pattern, variables) = match argument {
            Value::String(pattern) => (pattern.as_str(), None),
            Value::Array(parts) => match parts.as_slice() {
                [Value::String(pattern), Value::Object(variables)] => (pattern.as_str(), Some(variables)),
                _ => return Err(TemplateError::wrong(at, "Fn::Sub has the wrong arguments")),
            },
            _ => return Err(TemplateError::wrong(at, "Fn::Sub has the wrong arguments")),
        };
        let (mut result, mut rest) = (String::new(), pattern);
        while let Some((before, after)) = rest.split_once("${") {
            let (name, next) =
                after.split_once('}').ok_or_else(|| TemplateError::wrong(at, "a ${ is not closed"))?;
            result.push_str(before);
            match name.strip_prefix('!') {
                Some(literal) => result.push_str(&format!("${{{literal}}}")),
                None => result.push_str(&self.variable(at, name.trim(), variables, hops)?),
            }
            rest = next;
        }
        result.push_str(rest);
        Ok(result)
    }

    fn variable(
        &self,
        at: &str,
        name: &str,
        variables: Option<&Map<String, Value>>,
        hops: usize,
    ) -> Result<String, TemplateError> {
        if let Some(value) = variables.and_then(|variables| variables.get(name)) {
            return text(at, value);
        }
        match name.split_once('.') {
            Some((logical_id, attribute)) => self.attribute(at, logical_id, attribute),
            None => match self.reference(at, name, hops + 1)? {
                Some(Value::Array(items)) => {
                    Ok(items.iter().map(|item| text(at, item)).collect::<Result<Vec<_>, _>>()?.join(","))
                }
                Some(value) => text(at, &value),
                None => Err(TemplateError::wrong(at, "AWS::NoValue is no text")),
            },
        }
    }
}

/// The parameters that the API's authorizers refer to as issuer: here the local issuer is theirs.
fn issuer_parameters(resources: &Map<String, Value>) -> impl Iterator<Item = &str> {
    resources
        .values()
        .filter(|resource| resource["Type"] == "AWS::Serverless::HttpApi")
        .filter_map(|api| api["Properties"]["Auth"]["Authorizers"].as_object())
        .flat_map(Map::values)
        .filter_map(|authorizer| authorizer["JwtConfiguration"]["issuer"]["Ref"].as_str())
}
