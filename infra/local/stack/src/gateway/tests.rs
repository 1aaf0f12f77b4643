//! Talks HTTP to a gateway whose functions run `examples/test_function.rs`.

use super::{AuthorizerSpec, Cors, Gateway, RouteSpec};
use crate::{
    functions::{Functions, tests::blueprint},
    invocations,
    issuer::{self, Claims, Issuer, TokenRequest},
    local_only::{behind_the_door, secret::LocalSecret},
};
use axum::Router;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use time::OffsetDateTime;
use tokio::net::TcpListener;

mod local_only;

struct Running {
    api: String,
    issuer: Arc<Issuer>,
    functions: Arc<Functions>,
    secret: LocalSecret,
    client: Client,
}

async fn start() -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    let claims = Claims { audience: vec!["airlock".into()], tenant: "tenant_id".into(), user: "sub".into() };
    let issuer = Arc::new(Issuer::new(api.clone(), None, claims).unwrap());
    let route = |method: &str, path: &str, function: &str, scopes: Option<&str>| RouteSpec {
        method: method.into(),
        path: path.into(),
        function: function.into(),
        authorizer: scopes.map(|scopes| AuthorizerSpec {
            issuer: issuer::address(&api),
            audiences: vec!["airlock".into(), "other".into()],
            scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        }),
    };
    let routes = vec![
        route("POST", "/things/{id}/finish", "Tested", Some("")),
        route("POST", "/scoped", "Tested", Some("write admin")),
        route("POST", "/open", "Tested", None),
        route("POST", "/slow", "Slow", None),
    ];
    let mut slow = blueprint("Slow");
    slow.timeout = Duration::from_millis(200);
    let cors = Cors {
        allow_origins: vec!["http://localhost:3000".into()],
        allow_methods: vec!["GET".into(), "POST".into()],
        allow_headers: vec!["authorization".into()],
        expose_headers: vec!["location".into()],
        allow_credentials: false,
        max_age: Some(600),
    };
    let functions = Arc::new(Functions::new(vec![blueprint("Tested"), slow]));
    let gateway = Gateway::new(routes, Some(cors), functions.clone());
    let secret = LocalSecret::fresh().unwrap();
    let local = issuer.clone().tokens().merge(invocations::router(functions.clone()));
    let local = behind_the_door(local, listener.local_addr().unwrap(), secret.clone());
    let router: Router = issuer.clone().keys().merge(local).merge(gateway.into_router());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async { axum::serve(listener, service).await });
    Running { api, issuer, functions, secret, client: Client::builder().no_proxy().build().unwrap() }
}

impl Running {
    fn post(&self, path: &str) -> RequestBuilder {
        self.client.request(Method::POST, format!("{}{path}", self.api))
    }

    /// A request as a developer makes it.
    fn local(&self, path: &str) -> RequestBuilder {
        let request = self.post(path).header("x-airlock-local-secret", self.secret.expose());
        request.header("content-type", "application/json")
    }

    fn token(&self) -> String {
        self.issuer
            .token(&TokenRequest { tenant: "acme".into(), user: "ann".into(), ..Default::default() })
            .unwrap()
    }

    /// Claims that pass; a test spoils one.
    fn claims(&self) -> Value {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        json!({ "iss": issuer::address(&self.api), "aud": "airlock", "exp": now + 60, "sub": "ann" })
    }

    /// The issuer's key, as everybody can have it.
    async fn public_key(&self) -> Value {
        let url = format!("{}/_local/issuer/jwks.json", self.api);
        let keys: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        keys["keys"][0].clone()
    }

    async fn key_id(&self) -> String {
        self.public_key().await["kid"].as_str().unwrap().to_owned()
    }

    /// Why the token is refused, from the challenge; `None` if it passes.
    async fn refused(&self, token: &str) -> Option<String> {
        let response = self.post("/things/1/finish").bearer_auth(token).send().await.unwrap();
        if response.status() == StatusCode::OK {
            return None;
        }
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let challenge = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
        assert_eq!(response.text().await.unwrap(), r#"{"message":"Unauthorized"}"#);
        Some(challenge.split('"').nth_back(1).unwrap().to_owned())
    }
}

async fn json_of(response: Response) -> Value {
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_function_gets_what_api_gateway_would_send() {
    let running = start().await;
    let request = running
        .post("/things/a%20b/finish?x=1&y=%C3%A9+z&x=2&flag")
        .bearer_auth(running.token())
        .header("Content-Type", "application/json; charset=utf-8")
        .header("X-Many", "one")
        .header("X-Many", "two")
        .header("Cookie", "a=1; b=2")
        .header("User-Agent", "test")
        .body(r#"{"hello": "wörld"}"#);
    let event = json_of(request.send().await.unwrap()).await;
    let port = running.api.rsplit_once(':').unwrap().1;
    insta::with_settings!({filters => vec![
        (port, "[port]"),
        (r#""Bearer [^"]+""#, r#""Bearer [token]""#),
        (r"[0-9a-f]{8}-[0-9a-f-]{27}", "[uuid]"),
        (r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", "[trace]"),
        (r"\d\d/[A-Z][a-z][a-z]/20\d\d:\d\d:\d\d:\d\d ", "[time] "),
        (r#""timeEpoch": \d{13}"#, r#""timeEpoch": [milliseconds]"#),
        (r#""\d{10}""#, r#""[seconds]""#),
    ]}, {
        insta::assert_json_snapshot!(event);
    });
}

#[tokio::test]
async fn bodies_that_are_not_text_come_in_base64() {
    let running = start().await;
    for (content_type, body, expected, encoded) in [
        ("text/csv", "a,b", "a,b", false),
        ("application/problem+json", "{}", "{}", false),
        ("application/octet-stream", "a,b", "YSxi", true),
        ("application/x-www-form-urlencoded", "a=b", "YT1i", true),
        ("image/png", "\u{89}PNG", "wolQTkc=", true),
    ] {
        let request = running.post("/open").header("content-type", content_type).body(body);
        let event = json_of(request.send().await.unwrap()).await;
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!(expected), &json!(encoded)),
            "{content_type}"
        );
    }
    let empty = json_of(running.post("/open").send().await.unwrap()).await;
    assert_eq!((empty.get("body"), &empty["isBase64Encoded"]), (None, &json!(false)));
}

#[tokio::test]
async fn what_has_no_route_is_not_found() {
    let running = start().await;
    for request in [running.post("/other"), running.client.get(format!("{}/open", running.api))] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.text().await.unwrap(), r#"{"message":"Not Found"}"#);
    }
}

#[tokio::test]
async fn a_token_is_needed() {
    let running = start().await;
    let response = running.post("/things/1/finish").send().await.unwrap();
    assert_eq!(
        (response.status(), &response.headers()["www-authenticate"]),
        (StatusCode::UNAUTHORIZED, &"Bearer".parse().unwrap())
    );
    let bare = running.post("/things/1/finish").header("authorization", running.token());
    assert_eq!(bare.send().await.unwrap().status(), StatusCode::OK, "the word Bearer may be missing");
    for nonsense in ["x", "a.b.c", "..", "e30.e30."] {
        assert_eq!(
            running.refused(nonsense).await.as_deref(),
            Some("the token cannot be read"),
            "{nonsense}"
        );
    }
}

#[tokio::test]
async fn claims_are_checked() {
    let running = start().await;
    let now = OffsetDateTime::now_utc().unix_timestamp();
    for (claim, value, why) in [
        ("sub", json!("bob"), None),
        ("aud", json!(["nobody", "other"]), None),
        ("nbf", json!(now - 1), None),
        ("iss", json!("http://127.0.0.1:1"), Some("the token has an invalid issuer")),
        ("iss", Value::Null, Some("the token has an invalid issuer")),
        ("aud", json!("nobody"), Some("the token has an invalid audience")),
        ("aud", json!([]), Some("the token has an invalid audience")),
        ("exp", json!(now - 1), Some("the token has expired")),
        ("exp", json!("tomorrow"), Some("the token has expired")),
        ("nbf", json!(now + 60), Some("the token is not valid yet")),
        ("iat", json!(now + 60), Some("the token is from the future")),
    ] {
        let mut claims = running.claims();
        claims[claim] = value;
        let token = running.issuer.sign(&claims).unwrap();
        assert_eq!(running.refused(&token).await.as_deref(), why, "{claims}");
    }
    let mut claims = running.claims();
    claims.as_object_mut().unwrap().remove("exp");
    assert_eq!(
        running.refused(&running.issuer.sign(&claims).unwrap()).await.as_deref(),
        Some("the token has expired")
    );
    let mut claims = running.claims();
    claims.as_object_mut().unwrap().remove("aud");
    claims["client_id"] = json!("airlock");
    assert_eq!(
        running.refused(&running.issuer.sign(&claims).unwrap()).await,
        None,
        "client_id stands in for aud"
    );
}

#[tokio::test]
async fn only_keys_of_the_issuer_and_rsa_count() {
    let running = start().await;
    let (claims, id) = (running.claims(), running.key_id().await);
    let unsigned = |header: Value| {
        format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        )
    };
    for none in ["none", "None", "NONE"] {
        let token = unsigned(json!({ "alg": none, "kid": id }));
        assert_eq!(running.refused(&token).await.as_deref(), Some("the token cannot be read"), "{none}");
    }
    // The public key is known to all; as an HMAC secret it must not sign anything.
    let key = running.public_key().await;
    for secret in [
        key["n"].as_str().unwrap().as_bytes().to_vec(),
        URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap(),
    ] {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(id.clone());
        let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&secret)).unwrap();
        assert_eq!(
            running.refused(&token).await.as_deref(),
            Some("the token is not signed with an RSA algorithm")
        );
    }
    // Another RSA key, under its own id and under that of the issuer's key.
    let stranger = Issuer::new(
        running.api.clone(),
        None,
        Claims { audience: vec![], tenant: "t".into(), user: "sub".into() },
    )
    .unwrap();
    let strange = stranger.sign(&claims).unwrap();
    assert_eq!(running.refused(&strange).await.as_deref(), Some("the token's key is unknown"));
    let [_, body, signature] = strange.split('.').collect::<Vec<_>>()[..] else { panic!("{strange}") };
    let header = URL_SAFE_NO_PAD.encode(json!({ "alg": "RS256", "kid": id }).to_string());
    let invalid = Some("the token has an invalid signature");
    assert_eq!(running.refused(&format!("{header}.{body}.{signature}")).await.as_deref(), invalid);
    let ours = running.issuer.sign(&claims).unwrap();
    let (signed, _) = ours.rsplit_once('.').unwrap();
    assert_eq!(running.refused(&format!("{signed}.")).await.as_deref(), invalid);
    let without_id = URL_SAFE_NO_PAD.encode(json!({ "alg": "RS256" }).to_string());
    let token = format!("{without_id}.{body}.{signature}");
    assert_eq!(running.refused(&token).await.as_deref(), Some("the token names no key"));
}

#[tokio::test]
async fn scopes_of_a_route_are_asked_for() {
    let running = start().await;
    let call = async |scope: Value| {
        let mut claims = running.claims();
        claims["scope"] = scope;
        running.post("/scoped").bearer_auth(running.issuer.sign(&claims).unwrap()).send().await.unwrap()
    };
    let refused = call(json!("read")).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(refused.text().await.unwrap(), r#"{"message":"Forbidden"}"#);
    let event = json_of(call(json!("read admin")).await).await;
    assert_eq!(event["requestContext"]["authorizer"]["jwt"]["scopes"], json!(["admin"]));
}

#[tokio::test]
async fn failures_of_functions_stay_inside() {
    let running = start().await;
    let internal = (StatusCode::INTERNAL_SERVER_ERROR, r#"{"message":"Internal Server Error"}"#.to_owned());
    for (path, order) in [
        ("/open", json!({ "do": "fail" })),
        ("/open", json!({ "do": "exit", "code": 1 })),
        ("/open", json!({ "do": "answer", "answer": { "statusCode": "odd", "body": "secret" } })),
        ("/slow", json!({ "do": "hang" })),
    ] {
        let response = running.post(path).json(&order).send().await.unwrap();
        assert_eq!((response.status(), response.text().await.unwrap()), internal, "{order}");
    }
}

#[tokio::test]
async fn requests_have_limits() {
    let running = start().await;
    let send = async |body: usize, header: usize| {
        let request =
            running.post("/open").header("content-type", "text/plain").header("x-large", "x".repeat(header));
        request.body("x".repeat(body)).send().await.unwrap().status()
    };
    assert_eq!(send(5 * 1024 * 1024, 1).await, StatusCode::OK);
    assert_eq!(
        send(7 * 1024 * 1024, 1).await,
        StatusCode::PAYLOAD_TOO_LARGE,
        "more than one invocation carries"
    );
    assert_eq!(send(10 * 1024 * 1024 + 1, 1).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send(1, 9_000).await, StatusCode::OK);
    assert_eq!(send(1, 10_240).await, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[tokio::test]
async fn pages_of_allowed_origins_may_call() {
    let running = start().await;
    let preflight = async |origin: &'static str| {
        let request = running.client.request(Method::OPTIONS, format!("{}/open", running.api));
        request.header("origin", origin).header("access-control-request-method", "POST").send().await.unwrap()
    };
    let allowed = preflight("http://localhost:3000").await;
    assert_eq!(allowed.status(), StatusCode::NO_CONTENT);
    for (name, value) in [
        ("access-control-allow-origin", "http://localhost:3000"),
        ("access-control-allow-methods", "GET,POST"),
        ("access-control-allow-headers", "authorization"),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(allowed.headers()[name], value);
    }
    assert!(!preflight("http://evil.example").await.headers().contains_key("access-control-allow-origin"));
    let called =
        running.post("/things/1/finish").header("origin", "http://localhost:3000").send().await.unwrap();
    assert_eq!(called.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(called.headers()["access-control-allow-origin"], "http://localhost:3000");
    assert_eq!(called.headers()["access-control-expose-headers"], "location");
}
