//! A client of the API: plain HTTP with a bearer token.

use super::{World, eventually, openapi};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Someone with a token.
pub struct Person<'a> {
    pub world: &'a World,
    pub token: String,
}

/// Status, headers and body of an answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// The `code` of a problem.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Status and code, for comparing.
    pub fn refusal(&self) -> (u16, String) {
        (self.status.as_u16(), self.code())
    }
}

/// The id in an answer.
pub fn id(answer: &Value) -> String {
    answer["upload_id"].as_str().unwrap().to_owned()
}

/// `sha256sum`.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl Person<'_> {
    /// Any call. Its answer must be one that the contract has.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.call_with(method, path, |request| match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// Any call, with whatever `more` adds to the request.
    pub async fn call_with(
        &self,
        method: Method,
        path: &str,
        more: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        let url = format!("{}{path}", self.world.stack.ready().api);
        let request = self.world.http.request(method.clone(), url).bearer_auth(&self.token);
        let answer = Answer::of(more(request).send().await.unwrap()).await;
        openapi::documented(&method, path, &answer);
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Opens an upload of `bytes`.
    pub async fn begin(&self, name: &str, content_type: &str, bytes: &[u8]) -> Value {
        let body = json!({
            "file_name": name, "content_type": content_type, "size": bytes.len(), "sha256": sha256(bytes)
        });
        let answer = self.post("/uploads", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    /// Sends the bytes as the answer of [`Person::begin`] says.
    pub async fn put(&self, opened: &Value, bytes: &[u8]) -> Answer {
        let mut request = self.world.http.put(opened["upload"]["url"].as_str().unwrap());
        for (name, value) in opened["upload"]["headers"].as_object().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
        Answer::of(request.body(bytes.to_vec()).send().await.unwrap()).await
    }

    pub async fn finalize(&self, id: &str) -> Answer {
        self.call(Method::POST, &format!("/uploads/{id}/finalize"), None).await
    }

    /// Opens, sends and finalizes; answers the id.
    pub async fn hand_in(&self, name: &str, content_type: &str, bytes: &[u8]) -> String {
        let opened = self.begin(name, content_type, bytes).await;
        let put = self.put(&opened, bytes).await;
        assert_eq!(put.status, 200, "{}", put.text);
        let id = id(&opened);
        let finalized = self.finalize(&id).await;
        assert_eq!(finalized.status, 202, "{}", finalized.text);
        id
    }

    /// Waits until the upload is neither pending nor scanning; answers its record.
    pub async fn settled(&self, id: &str) -> Value {
        let path = &format!("/uploads/{id}");
        eventually("the upload is settled", || async move {
            let record = self.get(path).await.json();
            (!matches!(record["state"].as_str(), Some("pending" | "scanning"))).then_some(record)
        })
        .await
    }

    /// All of the way in; answers the record.
    pub async fn upload(&self, name: &str, content_type: &str, bytes: &[u8]) -> Value {
        let id = self.hand_in(name, content_type, bytes).await;
        self.settled(&id).await
    }

    pub async fn download_url(&self, id: &str) -> Answer {
        self.call(Method::POST, &format!("/objects/{id}/download-url"), None).await
    }

    /// All of the way out.
    pub async fn download(&self, id: &str) -> Response {
        let answer = self.download_url(id).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.world.http.get(answer.json()["url"].as_str().unwrap()).send().await.unwrap()
    }
}
