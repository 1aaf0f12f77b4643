//! `AWS::DynamoDB::Table`.

use crate::{Table, TemplateError, fields::Fields};
use serde_json::{Map, Value};

/// Properties that stand in a `CreateTable` request as they stand in the template.
const REQUEST: &[&str] =
    &["AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"];

const WITHOUT_EFFECT: &[&str] = &[
    "TableName",
    "PointInTimeRecoverySpecification",
    "SSESpecification",
    "DeletionProtectionEnabled",
    "ContributorInsightsSpecification",
    "Tags",
];

pub(crate) fn read(logical_id: String, name: String, mut fields: Fields) -> Result<Table, TemplateError> {
    let mut request = Map::from_iter([("TableName".to_owned(), Value::from(name.clone()))]);
    for property in REQUEST {
        if let Some(value) = fields.take_raw(property) {
            request.insert((*property).to_owned(), value);
        }
    }
    let mut ttl = fields.mapping("TimeToLiveSpecification")?;
    let attribute = ttl.string("AttributeName")?;
    let enabled = ttl.boolean("Enabled")?.unwrap_or(false);
    ttl.finish(&[])?;
    fields.finish(WITHOUT_EFFECT)?;
    let ttl_attribute = attribute.filter(|_| enabled);
    Ok(Table { logical_id, name, create_request: Value::Object(request), ttl_attribute })
}
