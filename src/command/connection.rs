//! The options of every command that talks to an API.

use crate::{
    client::{ApiUrl, Client, ClientError, DEFAULT_API, Token, local::Local},
    exit::WrongUsage,
};
use clap::Args;
use std::{fmt, path::PathBuf};

/// Which API, as whom, and for whom the answer is.
#[derive(Debug, Args)]
pub(crate) struct Connection {
    #[command(flatten)]
    pub(crate) api: Api,
    #[command(flatten)]
    pub(crate) token: BearerToken,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Api {
    /// Base URL of the API
    #[arg(long = "api", env = "AIRLOCK_API", value_name = "URL", default_value = DEFAULT_API)]
    pub(crate) url: ApiUrl,
}

/// Which local stack, for what only its owner may do.
#[derive(Debug, Args)]
pub(crate) struct LocalStack {
    /// Base URL of the local stack's API, if it is not at its usual port
    #[arg(long = "api", env = "AIRLOCK_API", value_name = "URL")]
    url: Option<ApiUrl>,
    /// Ready file of the local stack; that of a stack of yours is found by itself
    #[arg(long, env = "AIRLOCK_READY_FILE", value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

impl LocalStack {
    /// The stack that was meant.
    ///
    /// # Errors
    /// [`ClientError`] when there is none.
    pub(crate) fn find(&self) -> Result<Local, ClientError> {
        Local::find(self.url.as_ref(), self.ready_file.as_deref())
    }
}

#[derive(Debug, Args)]
pub(crate) struct BearerToken {
    /// Bearer token that says who asks; rather set the variable, the process list shows arguments
    #[arg(long, env = "AIRLOCK_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<GivenToken>,
}

/// What was given as a token. It is read only later, as an error here would show it.
#[derive(Clone)]
pub(crate) struct GivenToken(String);

impl GivenToken {
    /// The token, if it is one.
    ///
    /// # Errors
    /// [`WrongUsage`] when it is none.
    pub(crate) fn read(&self) -> Result<Token, WrongUsage> {
        self.0.parse().map_err(|why: &str| WrongUsage(why.to_owned()))
    }
}

impl From<String> for GivenToken {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for GivenToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenToken(redacted)")
    }
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Answer in JSON, for machines
    #[arg(long)]
    pub(crate) json: bool,
}

impl Connection {
    /// The client that was asked for.
    ///
    /// # Errors
    /// [`WrongUsage`] without a token, or with what is none.
    pub(crate) fn client(self) -> anyhow::Result<Client> {
        let token = self.token.token.ok_or_else(|| {
            let program = std::env::args().next().unwrap_or_else(|| "airlock".to_owned());
            WrongUsage(format!(
                "who are you? Set AIRLOCK_TOKEN or --token. With a local stack:\n  \
                 export AIRLOCK_TOKEN=$({program} token --api {} --tenant acme --user alice)",
                self.api.url
            ))
        })?;
        Ok(Client::new(self.api.url, token.read()?)?)
    }
}
