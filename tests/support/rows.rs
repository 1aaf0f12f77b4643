//! Rows of the registry, as an operator reads and mends them. Only here do tests speak of its table.

use super::World;
use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

fn key(partition: String, sort: &str) -> HashMap<String, AttributeValue> {
    [("pk", partition), ("sk", sort.to_owned())].map(|(name, value)| (name.to_owned(), S(value))).into()
}

fn text(value: AttributeValue) -> String {
    match value {
        S(text) | N(text) => text,
        other => format!("{other:?}"),
    }
}

impl World {
    async fn item(&self, key: HashMap<String, AttributeValue>) -> BTreeMap<String, String> {
        let get = self.dynamodb().get_item().table_name(&self.stack.ready().table).set_key(Some(key));
        let item = get.send().await.unwrap().item.unwrap();
        item.into_iter().map(|(name, value)| (name, text(value))).collect()
    }

    /// The row of an object of `acme`.
    pub async fn row(&self, id: &str) -> BTreeMap<String, String> {
        self.item(key(format!("acme#{id}"), "object")).await
    }

    /// What is counted of `acme`.
    pub async fn usage(&self) -> BTreeMap<String, String> {
        self.item(key("acme#usage".to_owned(), "usage")).await
    }

    /// Sets attributes of an object of `acme`: texts and numbers.
    pub async fn amend(&self, id: &str, attributes: Value) {
        let update = self.dynamodb().update_item().table_name(&self.stack.ready().table);
        let mut update = update.set_key(Some(key(format!("acme#{id}"), "object")));
        let mut sets = Vec::new();
        for (name, value) in attributes.as_object().unwrap() {
            let value = match value {
                Value::String(text) => S(text.clone()),
                number => N(number.to_string()),
            };
            sets.push(format!("#{name} = :{name}"));
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        update.update_expression(format!("SET {}", sets.join(", "))).send().await.unwrap();
    }
}
