//! The door to the engine: checks the signature, records the call, passes the request on.

use crate::{DynamoDbError, lanes::Lanes};
use airlock_local_access::{
    Access, Call,
    signature::{SignatureError, verify},
    without_delay,
};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use dynoxide::Database;
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};
use tokio::net::TcpListener;

const JSON: &str = "application/x-amz-json-1.0";
const TARGET: &str = "x-amz-target";
const TARGET_PREFIX: &str = "DynamoDB_20120810.";
const STREAMS_TARGET_PREFIX: &str = "DynamoDBStreams_20120810.";
/// DynamoDB takes requests of up to 16 MB.
const MAX_BODY: usize = 16 << 20;
/// The engine demands a signature and does not check it.
const UNCHECKED: &str = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/dynamodb/aws4_request, \
    SignedHeaders=host, Signature=x";

#[derive(Clone)]
enum Engine {
    Own(Arc<Lanes>),
    Elsewhere { url: String, http: reqwest::Client },
}

#[derive(Clone)]
pub(crate) struct Door {
    engine: Engine,
    access: Arc<Access>,
}

impl Door {
    /// In front of an engine over an open database.
    pub(crate) fn own(database: Database, access: Arc<Access>) -> Self {
        Self { engine: Engine::Own(Arc::new(Lanes::new(database))), access }
    }

    /// In front of an engine that has a URL.
    pub(crate) fn elsewhere(url: String, access: Arc<Access>) -> Result<Self, reqwest::Error> {
        // The engine is on loopback; a proxy named in the environment could not reach it.
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { engine: Engine::Elsewhere { url, http }, access })
    }

    /// A request of the stack's own.
    pub(crate) async fn ask(&self, operation: &str, request: &Value) -> Result<Value, DynamoDbError> {
        let (status, _, body) =
            self.pass(&format!("{TARGET_PREFIX}{operation}"), request.to_string().into()).await?;
        if status.is_success() {
            Ok(serde_json::from_slice(&body).unwrap_or_default())
        } else {
            Err(DynamoDbError::Refused(String::from_utf8_lossy(&body).into_owned()))
        }
    }

    async fn pass(&self, target: &str, body: Bytes) -> Result<(StatusCode, HeaderMap, Bytes), DynamoDbError> {
        let headers = [
            (header::CONTENT_TYPE.as_str(), JSON),
            (TARGET, target),
            ("x-amz-date", "20260101T000000Z"),
            (header::AUTHORIZATION.as_str(), UNCHECKED),
        ];
        match &self.engine {
            Engine::Own(lanes) => {
                let mut request = Request::post("/");
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                lanes.pass(request.body(Body::from(body)).map_err(DynamoDbError::Header)?).await
            }
            Engine::Elsewhere { url, http } => {
                let mut request = http.post(url);
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                let response = request.body(body).send().await?;
                Ok((response.status(), response.headers().clone(), response.bytes().await?))
            }
        }
    }
}

pub(crate) async fn serve(listener: TcpListener, door: Door) {
    let router = Router::new().fallback(answer).with_state(door);
    // This ends with the runtime that it runs on.
    let _ = axum::serve(without_delay(listener), router).await;
}

async fn answer(State(door): State<Door>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "ValidationException", "The request is too long.");
    };
    let signer = match verify(&door.access, "dynamodb", &parts, &body) {
        Ok(signer) => signer,
        Err(error) => return unsigned(&error),
    };
    let target = parts.headers.get(TARGET).and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation =
        [TARGET_PREFIX, STREAMS_TARGET_PREFIX].iter().find_map(|prefix| target.strip_prefix(prefix));
    let Some(operation) = operation else {
        return refuse(StatusCode::BAD_REQUEST, "UnknownOperationException", "There is no such operation.");
    };
    // A request that cannot be read here must not pass the check of its tables.
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "SerializationException", "The body is not JSON.");
    };
    let call = Call {
        principal: signer.principal,
        access_key_id: signer.access_key_id,
        operation: format!("dynamodb:{operation}"),
        resource: tables(&request),
        presigned: false,
    };
    if let Err(denied) = door.access.authorize(call).await {
        return refuse(StatusCode::BAD_REQUEST, "AccessDeniedException", &denied.to_string());
    }
    match door.pass(target, body).await {
        Ok((status, headers, body)) => {
            let kept = [header::CONTENT_TYPE.as_str(), "x-amz-crc32", "x-amzn-requestid"];
            let mut response = (status, body).into_response();
            for name in kept {
                if let Some(value) = headers.get(name) {
                    response.headers_mut().insert(name, value.clone());
                }
            }
            response
        }
        Err(error) => {
            tracing::error!(%error, "the engine does not answer");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "The engine does not answer.")
        }
    }
}

fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message });
    (status, [(header::CONTENT_TYPE, JSON)], body.to_string()).into_response()
}

fn unsigned(error: &SignatureError) -> Response {
    refuse(StatusCode::BAD_REQUEST, error.code(), &error.to_string())
}

/// The names of the tables anywhere in a request: by name, or in the ARN of a table
/// or of its stream.
fn tables(request: &Value) -> String {
    fn collect(value: &Value, names: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                let named = ["TableName", "StreamArn", "ResourceArn"]
                    .iter()
                    .filter_map(|name| fields.get(*name)?.as_str());
                names.extend(named.map(|name| table_of(name).to_owned()));
                fields.values().for_each(|value| collect(value, names));
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, names)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    names.extend(
        request["RequestItems"]
            .as_object()
            .into_iter()
            .flat_map(|items| items.keys().map(|name| table_of(name).to_owned())),
    );
    collect(request, &mut names);
    names.into_iter().collect::<Vec<_>>().join(",")
}

/// `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL`, or the name itself.
fn table_of(name: &str) -> &str {
    let table = name.split_once(":table/").map_or(name, |(_, table)| table);
    table.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_a_request_are_found_wherever_they_stand() {
        let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/a";
        for (request, expected) in [
            (json!({ "TableName": "a", "Item": { "TableName": { "S": "no" } } }), "a"),
            (json!({ "TableName": arn }), "a"),
            (
                json!({ "TransactItems": [{ "Put": { "TableName": "b" } }, { "Update": { "TableName": "a" } }] }),
                "a,b",
            ),
            (json!({ "RequestItems": { "b": [], (arn): { "Keys": [] } } }), "a,b"),
            (json!({ "StreamArn": format!("{arn}/stream/2026-01-01T00:00:00.000") }), "a"),
            (json!({ "ResourceArn": arn, "Tags": [] }), "a"),
            (json!({}), ""),
        ] {
            assert_eq!(tables(&request), expected, "{request}");
        }
    }
}
