//! The event that a function gets for an HTTP request: payload format 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use super::{authorizer::Verified, route::decoded};
use airlock_local_access::ACCOUNT;
use axum::{
    body::Bytes,
    http::{HeaderMap, Method, Uri, Version, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, net::SocketAddr};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// The id of the one API there is.
const API_ID: &str = "local";

/// The time format of common log files.
const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");

/// A request as it came in.
pub(super) struct Received {
    pub(super) id: String,
    pub(super) at: OffsetDateTime,
    pub(super) from: SocketAddr,
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The event for the route `key`.
pub(super) fn event(
    request: &Received,
    key: &str,
    parameters: &BTreeMap<String, String>,
    caller: Option<&Verified>,
) -> Value {
    let headers = headers(request);
    let header = |name: &str| headers.get(name).and_then(Value::as_str).unwrap_or_default();
    let domain = header("host").split(':').next().unwrap_or_default();
    let path = decoded(request.uri.path());
    let mut context = json!({
        "accountId": ACCOUNT,
        "apiId": API_ID,
        "domainName": domain,
        "domainPrefix": domain.split('.').next(),
        "http": {
            "method": request.method.as_str(),
            "path": path,
            "protocol": format!("{:?}", request.version),
            "sourceIp": request.from.ip().to_string(),
            "userAgent": header("user-agent"),
        },
        "requestId": request.id,
        "routeKey": key,
        "stage": "$default",
        "time": request.at.format(TIME).unwrap_or_default(),
        "timeEpoch": (request.at.unix_timestamp_nanos() / 1_000_000) as i64,
    });
    if let Some(caller) = caller {
        context["authorizer"] = json!({ "jwt": {
            "claims": caller.claims.iter().map(|(name, value)| (name.clone(), Value::String(text(value)))).collect::<Map<_, _>>(),
            "scopes": if caller.scopes.is_empty() { Value::Null } else { json!(caller.scopes) },
        }});
    }
    let mut event = json!({
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": request.uri.query().unwrap_or_default(),
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": false,
    });
    let cookies: Vec<&str> = cookies(&request.headers).collect();
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if let Some(query) = request.uri.query().filter(|query| !query.is_empty()) {
        event["queryStringParameters"] = query_parameters(query);
    }
    if !parameters.is_empty() {
        event["pathParameters"] = json!(parameters);
    }
    if !request.body.is_empty() {
        let plain = std::str::from_utf8(&request.body).ok().filter(|_| is_text(header("content-type")));
        event["isBase64Encoded"] = plain.is_none().into();
        event["body"] = plain.map_or_else(|| STANDARD.encode(&request.body), str::to_owned).into();
    }
    event
}

/// Lower-case names, values of the same name joined with commas, without cookies; and what the
/// gateway adds.
fn headers(request: &Received) -> Map<String, Value> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    let mut add = |name: &str, value: &str| match joined.get_mut(name) {
        Some(all) => {
            all.push(',');
            all.push_str(value);
        }
        None => {
            joined.insert(name.to_owned(), value.to_owned());
        }
    };
    for (name, value) in &request.headers {
        if name != header::COOKIE {
            add(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        }
    }
    add("x-forwarded-for", &request.from.ip().to_string());
    let host = request.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    for (name, value) in [
        (
            "x-amzn-trace-id",
            format!("Root=1-{:08x}-{}", request.at.unix_timestamp(), &request.id.replace('-', "")[..24]),
        ),
        ("x-forwarded-port", host.rsplit_once(':').map_or("80", |(_, port)| port).to_owned()),
        ("x-forwarded-proto", "http".to_owned()),
        ("content-length", request.body.len().to_string()),
    ] {
        joined.insert(name.to_owned(), value);
    }
    joined.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(';')).map(str::trim).filter(|cookie| !cookie.is_empty())
}

/// Decoded; values of the same name joined with commas.
fn query_parameters(query: &str) -> Value {
    let mut joined = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")));
        match joined.get_mut(&name) {
            Some(Value::String(all)) => {
                all.push(',');
                all.push_str(&value);
            }
            _ => {
                joined.insert(name, Value::String(value));
            }
        }
    }
    Value::Object(joined)
}

/// Bodies of these types are passed on as they are, all others in Base64.
fn is_text(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type.starts_with("text/")
        || ["application/json", "application/xml", "application/javascript"].contains(&media_type.as_str())
        || media_type.ends_with("+json")
        || media_type.ends_with("+xml")
}

/// A claim as text; lists and objects the way Go prints them, as API Gateway has it.
fn text(claim: &Value) -> String {
    match claim {
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(text).collect::<Vec<_>>().join(" ")),
        Value::Object(object) => {
            let members = object.iter().map(|(name, value)| format!("{name}:{}", text(value)));
            format!("map[{}]", members.collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}
