//! The public keys of an issuer of tokens, found by OpenID Connect discovery and kept for a while.

use jsonwebtoken::jwk::{Jwk, JwkSet};
use serde::Deserialize;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long API Gateway keeps keys.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>
const KEPT: Duration = Duration::from_secs(2 * 60 * 60);

/// How soon keys are asked for again because of a token whose key is unknown; a stranger decides
/// how many such tokens come.
const ASKED_AGAIN: Duration = Duration::from_secs(10);

/// How long the issuer may take.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Keys {
    issuer: String,
    known: Mutex<Option<(Instant, JwkSet)>>,
}

#[derive(Deserialize)]
struct Configuration {
    jwks_uri: String,
}

impl Keys {
    pub(super) fn new(issuer: String) -> Self {
        Self { issuer, known: Mutex::default() }
    }

    /// The key with this id, if the issuer has published one.
    ///
    /// # Errors
    /// When the issuer cannot be asked.
    pub(super) async fn find(&self, id: &str) -> Result<Option<Jwk>, reqwest::Error> {
        let mut known = self.known.lock().await;
        if let Some((at, keys)) = &*known {
            let key = keys.find(id);
            if (key.is_some() && at.elapsed() < KEPT) || at.elapsed() < ASKED_AGAIN {
                return Ok(key.cloned());
            }
        }
        let keys = self.fetch().await?;
        let key = keys.find(id).cloned();
        *known = Some((Instant::now(), keys));
        Ok(key)
    }

    /// <https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig>
    async fn fetch(&self) -> Result<JwkSet, reqwest::Error> {
        let mut client = reqwest::Client::builder().timeout(PATIENCE);
        if self.issuer.starts_with("http://127.0.0.1:") {
            // The local issuer; a proxy of the developer's network cannot reach it.
            client = client.no_proxy();
        }
        let client = client.build()?;
        let discovery = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let configuration: Configuration =
            client.get(discovery).send().await?.error_for_status()?.json().await?;
        client.get(configuration.jwks_uri).send().await?.error_for_status()?.json().await
    }
}
