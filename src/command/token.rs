//! `airlock token`: a token of the local stack's issuer.

use super::connection::{LocalStack, Output};
use crate::{
    client::issuer::{self, Subject},
    exit::End,
    terminal,
};
use clap::Args;
use serde_json::json;

/// Print a token of the local stack's issuer, for development and tests
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Whose objects the token gives access to
    #[arg(long, value_name = "T")]
    tenant: String,
    /// Who acts
    #[arg(long, value_name = "U")]
    user: String,
    /// A role to put into the token
    #[arg(long, value_name = "R")]
    role: Option<String>,
    /// How long it is valid
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u64>,
    #[command(flatten)]
    stack: LocalStack,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn run(
    Arguments { tenant, user, role, ttl, stack, output }: Arguments,
) -> anyhow::Result<End> {
    let subject = Subject { tenant, user, role, ttl_seconds: ttl };
    let token = issuer::token(&stack.find()?, &subject).await?;
    if output.json {
        terminal::json(&json!({"token": token.reveal()}))?;
    } else {
        terminal::line(token.reveal())?;
    }
    Ok(End::Done)
}
