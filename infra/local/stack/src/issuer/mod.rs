//! The issuer of tokens for development: an OpenID Connect provider without a login.
//!
//! It stands beside the API under `/_local/issuer`, and gives a token to whoever has the secret of the
//! ready file (`local_only`). Its keys are public. The gateway verifies its tokens as it verifies those of any issuer.

mod key;

pub use key::KeyError;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use key::Key;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{path::Path, sync::Arc};
use time::OffsetDateTime;

/// Where the issuer stands, below the address of the API.
const PATH: &str = "/_local/issuer";

/// How long a token lives unless asked otherwise, in seconds.
const TTL: u64 = 3600;

/// For whom a token is wanted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// Goes to the claim that the template names as the tenant's.
    pub tenant: String,
    /// Goes to the claim that the template names as the user's, and to `sub`.
    pub user: String,
    /// Goes to the claim `role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// How long the token lives, in seconds; one hour unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
}

/// What the template says about tokens.
pub(crate) struct Claims {
    pub(crate) audience: Vec<String>,
    pub(crate) tenant: String,
    pub(crate) user: String,
}

pub(crate) struct Issuer {
    api: String,
    key: Key,
    claims: Claims,
}

/// The address of the issuer of the API at `api`, which is the claim `iss` of its tokens.
pub(crate) fn address(api: &str) -> String {
    format!("{api}{PATH}")
}

impl Issuer {
    /// The issuer of the API at `api`. With a folder its key is kept there, so that tokens outlive
    /// a restart.
    pub(crate) fn new(api: String, folder: Option<&Path>, claims: Claims) -> Result<Self, KeyError> {
        let key = match folder {
            Some(folder) => Key::kept(&folder.join("issuer.pem"))?,
            None => Key::fresh()?,
        };
        Ok(Self { api, key, claims })
    }

    pub(crate) fn token(&self, request: &TokenRequest) -> Result<String, KeyError> {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let lifetime = i64::try_from(request.ttl.unwrap_or(TTL)).unwrap_or(i64::MAX);
        let mut claims = Map::new();
        claims.insert("sub".to_owned(), json!(request.user));
        claims.insert(self.claims.tenant.clone(), json!(request.tenant));
        claims.insert(self.claims.user.clone(), json!(request.user));
        if let Some(role) = &request.role {
            claims.insert("role".to_owned(), json!(role));
        }
        let audience = match self.claims.audience.as_slice() {
            [one] => json!(one),
            several => json!(several),
        };
        for (name, value) in [
            ("iss", json!(address(&self.api))),
            ("aud", audience),
            ("iat", json!(now)),
            ("nbf", json!(now)),
            ("exp", json!(now.saturating_add(lifetime))),
            ("jti", json!(uuid::Uuid::new_v4())),
        ] {
            claims.insert(name.to_owned(), value);
        }
        self.sign(&Value::Object(claims))
    }

    pub(crate) fn sign(&self, claims: &Value) -> Result<String, KeyError> {
        self.key.sign(claims)
    }

    /// The routes of the public keys, for everyone.
    pub(crate) fn keys(self: Arc<Self>) -> Router {
        Router::new()
            .route(&format!("{PATH}/.well-known/openid-configuration"), get(configuration))
            .route(&format!("{PATH}/jwks.json"), get(keys))
            .with_state(self)
    }

    /// The route that gives tokens out.
    pub(crate) fn tokens(self: Arc<Self>) -> Router {
        Router::new().route(&format!("{PATH}/token"), post(token)).with_state(self)
    }
}

async fn configuration(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    let address = address(&issuer.api);
    Json(json!({
        "issuer": address,
        "jwks_uri": format!("{address}/jwks.json"),
        "token_endpoint": format!("{address}/token"),
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

async fn keys(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    Json(json!({ "keys": [issuer.key.public()] }))
}

/// Answers in the words of RFC 6749, section 5.1.
async fn token(State(issuer): State<Arc<Issuer>>, Json(request): Json<TokenRequest>) -> Response {
    match issuer.token(&request) {
        Ok(token) => Json(json!({
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": request.ttl.unwrap_or(TTL),
        }))
        .into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot make a token");
            (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "error": "server_error" }))).into_response()
        }
    }
}
