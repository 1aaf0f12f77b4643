//! Tokens of the local stack's issuer. A deployment has an issuer of its own, and nothing here
//! works there.

use super::{CALL_TIMEOUT, ClientError, Token, ask_once, local::Local};
use serde::{Deserialize, Serialize};

/// Whom a token is for.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Subject {
    /// The tenant.
    pub(crate) tenant: String,
    /// The user.
    pub(crate) user: String,
    /// A role, if the user has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    /// How long the token is valid, in seconds; the issuer's default if not said.
    #[serde(rename = "ttl", skip_serializing_if = "Option::is_none")]
    pub(crate) ttl_seconds: Option<u64>,
}

/// Asks the issuer of a local stack for a token.
///
/// # Errors
/// [`ClientError`] when the stack does not answer, or refuses.
pub(crate) async fn token(local: &Local, subject: &Subject) -> Result<Token, ClientError> {
    #[derive(Deserialize)]
    struct Issued {
        access_token: String,
    }
    let request = local.post(&["_local", "issuer", "token"])?.json(subject).timeout(CALL_TIMEOUT);
    let Issued { access_token } = ask_once(request, &local.api).await?;
    Ok(Token(access_token))
}

impl Token {
    /// The token, for the person who asked for it. Never for a log.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}
