//! DynamoDB as its clients see it: through the AWS SDK, over a socket.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use airlock_local_access::{Access, Principal, REGION};
use airlock_local_dynamodb::DynamoDb;
use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::AttributeValue,
};
use serde_json::{Value, json};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::net::TcpListener;

async fn start(data: &Path) -> (DynamoDb, Arc<Access>, Client) {
    let access = Access::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dynamodb = DynamoDb::start(listener, data, access.clone()).await.unwrap();
    let credentials = access.issue(Principal::Administrator);
    let client = client(&dynamodb, &credentials.access_key_id, credentials.secret_access_key.expose());
    (dynamodb, access, client)
}

fn client(dynamodb: &DynamoDb, access_key_id: &str, secret: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(dynamodb.endpoint())
        .credentials_provider(Credentials::new(access_key_id, secret, None, None, "test"));
    Client::from_conf(config.build())
}

fn table() -> Value {
    json!({
        "TableName": "table", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }]
    })
}

fn string(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

#[tokio::test]
async fn a_restart_finds_what_was_written() {
    let data = tempfile::tempdir().unwrap();
    let (dynamodb, access, client) = start(data.path()).await;
    dynamodb.create_table(table(), Some("ttl")).await.unwrap();
    client.put_item().table_name("table").item("pk", string("a")).send().await.unwrap();
    let last = access.calls().pop().unwrap();
    assert_eq!((last.operation.as_str(), last.resource.as_str()), ("dynamodb:PutItem", "table"));

    let (dynamodb, _, client) = start(data.path()).await;
    dynamodb.create_table(table(), Some("ttl")).await.unwrap();
    let found = client.get_item().table_name("table").key("pk", string("a")).send().await.unwrap();
    assert!(found.item().is_some());
}

#[tokio::test]
async fn items_end_with_their_time_to_live_even_if_it_was_set_later() {
    let data = tempfile::tempdir().unwrap();
    let (dynamodb, _, client) = start(data.path()).await;
    dynamodb.create_table(table(), None).await.unwrap();
    dynamodb.create_table(table(), Some("ttl")).await.unwrap();
    for (key, ttl) in [("old", "1"), ("new", "99999999999")] {
        let item = client.put_item().table_name("table").item("pk", string(key));
        item.item("ttl", AttributeValue::N(ttl.to_owned())).send().await.unwrap();
    }
    let left = async {
        loop {
            let items = client.scan().table_name("table").send().await.unwrap().items.unwrap();
            if items.len() == 1 {
                return items;
            }
        }
    };
    let left = tokio::time::timeout(Duration::from_secs(10), left).await.unwrap();
    assert_eq!(left[0]["pk"], string("new"));
}

#[tokio::test]
async fn what_is_no_request_of_dynamodb_is_refused_before_it_counts_as_a_call() {
    let data = tempfile::tempdir().unwrap();
    let (_dynamodb, access, client) = start(data.path()).await;
    let request = client.list_tables().customize().mutate_request(|request| {
        request.headers_mut().insert("x-amz-target", "Other_1.ListTables");
    });
    let error = request.send().await.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("UnknownOperationException"));
    assert_eq!(access.calls(), []);
}

#[tokio::test]
async fn a_wrong_signature_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let (dynamodb, access, _) = start(data.path()).await;
    let key = access.issue(Principal::Administrator).access_key_id;
    for (key, code) in
        [(key.as_str(), "InvalidSignatureException"), ("AKIANOBODY", "UnrecognizedClientException")]
    {
        let error = client(&dynamodb, key, "wrong").list_tables().send().await.unwrap_err();
        assert_eq!(error.into_service_error().meta().code(), Some(code));
    }
    assert_eq!(access.calls(), []);
}

#[tokio::test]
async fn a_table_that_dynamodb_refuses_is_an_error() {
    let data = tempfile::tempdir().unwrap();
    let (dynamodb, ..) = start(data.path()).await;
    let mut request = table();
    request["KeySchema"] = json!([]);
    assert!(dynamodb.create_table(request, None).await.is_err());
}
