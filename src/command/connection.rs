//! The options of every command that talks to an API.

use crate::{
    client::{ApiUrl, Client, DEFAULT_API, Token},
    exit::WrongUsage,
};
use clap::Args;

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

#[derive(Debug, Args)]
pub(crate) struct BearerToken {
    /// Bearer token that says who asks; rather set the variable, the process list shows arguments
    #[arg(long, env = "AIRLOCK_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<Token>,
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
    /// [`WrongUsage`] without a token.
    pub(crate) fn client(self) -> anyhow::Result<Client> {
        let token = self.token.token.ok_or_else(|| {
            WrongUsage(format!(
                "who are you? Set AIRLOCK_TOKEN or --token. With a local stack:\n  \
                 export AIRLOCK_TOKEN=$(airlock token --api {} --tenant acme --user alice)",
                self.api.url
            ))
        })?;
        Ok(Client::new(self.api.url, token)?)
    }
}
