//! What stands beside the API answers those alone who have the secret of the ready file, and no page.

use super::{json_of, start};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn the_issuer_gives_tokens_to_who_has_the_secret() {
    let running = start().await;
    let order = json!({ "tenant": "acme", "user": "ann", "role": "admin", "ttl": 60 });
    let request = running.local("/_local/issuer/token").json(&order);
    let answer = json_of(request.send().await.unwrap()).await;
    let token = answer["access_token"].as_str().unwrap();
    let call = running.post("/things/1/finish").bearer_auth(token).send().await.unwrap();
    let claims = &json_of(call).await["requestContext"]["authorizer"]["jwt"]["claims"];
    assert_eq!(
        (&claims["tenant_id"], &claims["sub"], &claims["role"]),
        (&json!("acme"), &json!("ann"), &json!("admin"))
    );
    let seconds = |name: &str| claims[name].as_str().unwrap().parse::<i64>().unwrap();
    assert_eq!(seconds("exp") - seconds("iat"), 60);
}

#[tokio::test]
async fn what_is_local_is_refused_to_pages_and_to_whoever_lacks_the_secret() {
    let running = start().await;
    let port = running.api.rsplit_once(':').unwrap().1;
    let (rebound, named) = (format!("evil.example:{port}"), format!("localhost:{port}"));
    for path in ["/_local/issuer/token", "/_local/functions/Tested/invocations"] {
        let order = json!({ "tenant": "acme", "user": "ann" });
        for (headers, status, code) in [
            (&[("origin", "https://evil.example")][..], 403, "not_for_pages"),
            (&[("origin", "http://localhost:3000")], 403, "not_for_pages"),
            (&[("origin", "null")], 403, "not_for_pages"),
            (&[("origin", running.api.as_str())], 403, "not_for_pages"),
            (&[("sec-fetch-site", "none")], 403, "not_for_pages"),
            (&[("sec-fetch-site", "same-origin")], 403, "not_for_pages"),
            (&[("host", rebound.as_str())], 421, "wrong_host"),
            (&[("host", "127.0.0.1:1")], 421, "wrong_host"),
            (&[("x-airlock-local-secret", "")], 401, "wrong_secret"),
            (&[("x-airlock-local-secret", &"0".repeat(64))], 401, "wrong_secret"),
            (&[("content-type", "text/plain")], 415, "not_json"),
            (&[("content-type", "application/x-www-form-urlencoded")], 415, "not_json"),
            (&[("content-type", "application/jsonp")], 415, "not_json"),
        ] {
            let mut request = running.local(path).body(order.to_string()).build().unwrap();
            for (name, value) in headers {
                request.headers_mut().insert(*name, value.parse().unwrap());
            }
            let answer = running.client.execute(request).await.unwrap();
            assert_eq!(answer.status(), status, "{path} {headers:?}");
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            assert!(!answer.headers().contains_key("access-control-allow-origin"), "{path} {headers:?}");
            let problem: Value = answer.json().await.unwrap();
            assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)));
        }
        let preflight = running.client.request(Method::OPTIONS, format!("{}{path}", running.api));
        let preflight = preflight
            .header("origin", "http://localhost:3000")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,x-airlock-local-secret");
        let answer = preflight.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert!(!answer.headers().keys().any(|name| name.as_str().starts_with("access-control-")));
        let developer = running.local(path).header("host", &named).body(order.to_string());
        assert_eq!(developer.send().await.unwrap().status(), StatusCode::OK, "{path}");
    }
    assert_eq!(running.functions.processes("Tested").len(), 1, "only the developer's call came through");
}
