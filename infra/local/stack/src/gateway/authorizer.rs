//! Checks the tokens of requests, as the JWT authorizer of an HTTP API does.
//!
//! The rules are those of
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>:
//! RSA signatures only, by a key that the issuer publishes under the token's `kid`; `iss`, `aud`
//! (or else `client_id`), `exp`, `nbf`, `iat`, and the scopes of the route.

use super::keys::Keys;
use axum::http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind};
use serde_json::{Map, Value};
use std::time::{SystemTime, UNIX_EPOCH};

/// RFC 7518, section 3.3.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512];

/// Why a request may not pass.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the request has no token")]
    NoToken,
    /// With what is wrong, for the header `www-authenticate` (RFC 6750, section 3).
    #[error("{0}")]
    InvalidToken(&'static str),
    #[error("the token has none of the scopes {0}")]
    InsufficientScope(String),
}

/// A verified token.
#[derive(Clone, Debug)]
pub(super) struct Verified {
    pub(super) claims: Map<String, Value>,
    /// Those of the route's scopes that it has.
    pub(super) scopes: Vec<String>,
}

pub(super) struct Authorizer {
    issuer: String,
    audiences: Vec<String>,
    keys: Keys,
}

impl Authorizer {
    pub(super) fn new(issuer: String, audiences: Vec<String>) -> Self {
        Self { keys: Keys::new(issuer.clone()), issuer, audiences }
    }

    /// Verifies the token in the header `Authorization`; `scopes` are those of the route.
    pub(super) async fn verify(&self, headers: &HeaderMap, scopes: &[String]) -> Result<Verified, Refusal> {
        let value =
            headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => value.trim(),
        };
        if token.is_empty() {
            return Err(Refusal::NoToken);
        }
        let claims = self.signed(token).await?;
        self.check(&claims)?;
        let granted = granted(&claims, scopes);
        if !scopes.is_empty() && granted.is_empty() {
            return Err(Refusal::InsufficientScope(scopes.join(" ")));
        }
        Ok(Verified { claims, scopes: granted })
    }

    /// The claims of a token with a good signature.
    async fn signed(&self, token: &str) -> Result<Map<String, Value>, Refusal> {
        // An unknown algorithm, such as "none", already fails here.
        let header = decode_header(token).map_err(|_| Refusal::InvalidToken("the token cannot be read"))?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(Refusal::InvalidToken("the token is not signed with an RSA algorithm"));
        }
        let id = header.kid.ok_or(Refusal::InvalidToken("the token names no key"))?;
        let key = self.keys.find(&id).await.map_err(|error| {
            tracing::warn!(issuer = self.issuer, %error, "cannot get the keys of the issuer");
            Refusal::InvalidToken("OIDC discovery endpoint communication error")
        })?;
        let key = key.ok_or(Refusal::InvalidToken("the token's key is unknown"))?;
        let key =
            DecodingKey::from_jwk(&key).map_err(|_| Refusal::InvalidToken("the token's key is of no use"))?;
        // Claims are checked by `check`, without leeway.
        let mut validation = Validation::new(header.alg);
        validation.algorithms = ALGORITHMS.to_vec();
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        match decode(token, &key, &validation) {
            Ok(token) => Ok(token.claims),
            Err(error) if *error.kind() == ErrorKind::InvalidSignature => {
                Err(Refusal::InvalidToken("the token has an invalid signature"))
            }
            Err(_) => Err(Refusal::InvalidToken("the token cannot be read")),
        }
    }

    fn check(&self, claims: &Map<String, Value>) -> Result<(), Refusal> {
        let time = |name: &str| claims.get(name).map(|value| value.as_f64().unwrap_or(f64::NAN));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(Refusal::InvalidToken("the token has an invalid issuer"));
        }
        let audience = claims.get("aud").or_else(|| claims.get("client_id"));
        if !audience.is_some_and(|audience| {
            strings(audience).any(|one| self.audiences.iter().any(|ours| ours == one))
        }) {
            return Err(Refusal::InvalidToken("the token has an invalid audience"));
        }
        // Written so that NaN is refused.
        if !time("exp").is_some_and(|expiry| expiry > now) {
            return Err(Refusal::InvalidToken("the token has expired"));
        }
        // A whole second of grace, because issuers round the present up as well as down.
        if !time("nbf").is_none_or(|start| start <= now + 1.0) {
            return Err(Refusal::InvalidToken("the token is not valid yet"));
        }
        if !time("iat").is_none_or(|birth| birth <= now + 1.0) {
            return Err(Refusal::InvalidToken("the token is from the future"));
        }
        Ok(())
    }
}

/// A string, or the strings of a list.
fn strings(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    list.iter().filter_map(Value::as_str)
}

/// Which of `wanted` the token has, in `scope` (RFC 8693, section 4.2) or `scp`.
fn granted(claims: &Map<String, Value>, wanted: &[String]) -> Vec<String> {
    let held = ["scope", "scp"].into_iter().filter_map(|name| claims.get(name));
    let held: Vec<&str> = held.flat_map(strings).flat_map(str::split_whitespace).collect();
    wanted.iter().filter(|scope| held.contains(&scope.as_str())).cloned().collect()
}
