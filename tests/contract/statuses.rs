//! openapi.yaml and the service say the same: what the contract has can be provoked, and nothing else can.

use super::{
    BYTES,
    support::{
        World,
        openapi::{self, Kind},
        person::{Answer, Person, id},
    },
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::{cell::RefCell, collections::BTreeSet};

/// What only a service that fails, or a gateway under load, answers. `tests/template.rs` sees one, `tests/delivery.rs` others.
fn needs_a_failure((_, status, code): &Kind) -> bool {
    matches!((*status, code.as_str()), (500 | 503, _) | (429, ""))
}

/// Makes calls, and keeps which kinds of answers came.
struct Caller<'a> {
    person: Person<'a>,
    seen: &'a RefCell<BTreeSet<Kind>>,
}

impl Caller<'_> {
    async fn with(
        &self,
        method: Method,
        path: &str,
        more: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        let answer = self.person.call_with(method.clone(), path, more).await;
        self.seen.borrow_mut().extend(openapi::documented(&method, path, &answer));
        answer
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.with(Method::POST, path, |request| request.json(&body)).await
    }

    async fn open(&self, key: &str, size: usize) -> Answer {
        let body = json!({ "file_name": "a.txt", "content_type": "text/plain", "size": size });
        self.with(Method::POST, "/uploads", |request| request.header("idempotency-key", key).json(&body))
            .await
    }
}

#[tokio::test]
async fn each_status_of_the_contract_can_be_provoked_and_no_other() {
    let world = World::with(&[("MaxUploadBytes", "1000"), ("MaxPendingBytes", "900")]).await;
    let seen = &RefCell::default();
    let as_who = |tenant: &str| Caller { person: world.person(tenant, "ada"), seen };
    let ada = as_who("acme");

    // Whatever is asked: an id that is not there, no token, a token of nobody, too much of anything.
    let nobodys = "01997f5e-6d38-7cc1-9a8e-0f5b1e6d2c3a";
    let nobody = as_who("not a tenant");
    let mut unknown = as_who("acme");
    unknown.person.token = "x".to_owned();
    for (method, path) in [
        (Method::POST, "/uploads".to_owned()),
        (Method::GET, format!("/uploads/{nobodys}")),
        (Method::POST, format!("/uploads/{nobodys}/finalize")),
        (Method::GET, "/objects".to_owned()),
        (Method::GET, format!("/objects/{nobodys}")),
        (Method::DELETE, format!("/objects/{nobodys}")),
        (Method::POST, format!("/objects/{nobodys}/download-url")),
    ] {
        ada.with(method.clone(), &path, |request| request).await;
        unknown.with(method.clone(), &path, |request| request).await;
        nobody.with(method.clone(), &path, |request| request).await;
        ada.with(method.clone(), &path, |request| request.body(vec![b' '; 10 * 1024 * 1024 + 1])).await;
        ada.with(method.clone(), &path, |request| request.header("x-long", "x".repeat(10_240))).await;
    }

    // What is wrong with a request by itself.
    ada.post("/uploads", json!({})).await;
    ada.post("/uploads", json!({ "file_name": "a", "content_type": "text/html", "size": 1 })).await;
    ada.post(&format!("/objects/{nobodys}/download-url"), json!({ "ttl_seconds": 1 })).await;
    ada.post(&format!("/objects/{nobodys}/download-url"), json!([])).await;
    for query in ["limit=0", "cursor=x"] {
        ada.with(Method::GET, &format!("/objects?{query}"), |request| request).await;
    }

    // The way of an upload, with every refusal on it.
    ada.open("too large", 1001).await;
    let opened = ada.open("key", BYTES.len()).await.json();
    ada.open("over the quota", 900).await;
    ada.open("key", BYTES.len() + 1).await;
    let upload = format!("/uploads/{}", id(&opened));
    let finalize = format!("{upload}/finalize");
    ada.post(&finalize, json!({})).await;
    assert_eq!(ada.person.put(&opened, BYTES).await.status, 200);
    ada.post(&finalize, json!({})).await;
    ada.person.settled(&id(&opened)).await;
    ada.open("key", BYTES.len()).await;
    ada.with(Method::GET, &upload, |request| request).await;

    // The way of an object.
    let object = format!("/objects/{}", id(&opened));
    ada.with(Method::GET, &object, |request| request).await;
    ada.with(Method::GET, "/objects", |request| request).await;
    ada.post(&format!("{object}/download-url"), json!({})).await;
    ada.post(&format!("{object}/download-url"), json!({ "disposition": "inline" })).await;
    ada.with(Method::DELETE, &object, |request| request).await;
    // It is gone under both names; only who repeats the request that made it learns what became of it.
    for gone in [&object, &upload] {
        assert_eq!(ada.with(Method::GET, gone, |request| request).await.status, 404);
    }
    assert_eq!(ada.post(&finalize, json!({})).await.status, 404);
    let again = ada.open("key", BYTES.len()).await;
    assert_eq!((again.status.as_u16(), &again.json()["state"]), (200, &json!("deleted")));

    // Uploads that are not what was declared, or are finalized too late.
    let other = ada.open("other bytes", BYTES.len()).await.json();
    assert_eq!(ada.person.put(&other, BYTES).await.status, 200);
    world.amend(&id(&other), json!({ "size": 7 })).await;
    ada.post(&format!("/uploads/{}/finalize", id(&other)), json!({})).await;
    let late = ada.open("late", BYTES.len()).await.json();
    world.amend(&id(&late), json!({ "expires_at": 1 })).await;
    ada.post(&format!("/uploads/{}/finalize", id(&late)), json!({})).await;

    let stated: BTreeSet<Kind> = openapi::kinds().into_iter().filter(|kind| !needs_a_failure(kind)).collect();
    let missing = &stated - &seen.borrow();
    assert!(missing.is_empty(), "in the contract, but never answered: {missing:?}");
    world.end().await;
}

#[test]
fn the_contract_lists_the_types_that_are_allowed_by_default() {
    let allowed: Vec<&str> = airlock_content::media_types::DEFAULT.iter().map(|known| known.name).collect();
    assert_eq!(openapi::types_allowed_by_default(), allowed);
}
