//! The local stack's DynamoDB: `dynoxide` behind a door of ours that checks signatures and knows who
//! calls.
//!
//! The engine serves HTTP only, demands a signature but does not check it, and allows every web page
//! to read its answers. So no port of its own is open to anyone but the door (`lanes`).

mod door;
mod lanes;

use airlock_local_access::Access;
use dynoxide::Database;
use serde_json::{Value, json};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// How often items past their time to live are removed. AWS takes up to days.
const TTL_SWEEP: Duration = Duration::from_secs(1);

/// Why DynamoDB does not run, or refused.
#[derive(Debug, thiserror::Error)]
pub enum DynamoDbError {
    /// The database file cannot be used.
    #[error("the database cannot be opened: {0}")]
    Database(String),
    /// A listener or a folder cannot be used.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A table was refused.
    #[error("the table was refused: {0}")]
    Refused(String),
    /// An engine elsewhere does not answer.
    #[error("the engine does not answer")]
    Elsewhere(#[from] reqwest::Error),
    /// The own engine does not answer.
    #[error("the engine does not answer")]
    Engine(#[from] hyper::Error),
    /// No request can be made of it.
    #[error("no request for the engine can be made of it")]
    Header(#[source] axum::http::Error),
    /// The own engine ended in the middle of an answer.
    #[error("the engine ended in the middle of an answer")]
    Closed,
}

/// A running DynamoDB.
#[derive(Clone)]
pub struct DynamoDb {
    endpoint: String,
    door: door::Door,
}

impl DynamoDb {
    /// Serves DynamoDB on `listener`, with its tables in a file in `data`.
    ///
    /// # Errors
    /// When the file or a listener cannot be used.
    pub async fn start(
        listener: TcpListener,
        data: &Path,
        access: Arc<Access>,
    ) -> Result<Self, DynamoDbError> {
        std::fs::create_dir_all(data)?;
        let file = data.join("tables.sqlite");
        let database = Database::new(&file.to_string_lossy())
            .map_err(|error| DynamoDbError::Database(error.to_string()))?;
        tokio::spawn(sweep(database.clone()));
        Self::behind(door::Door::own(database, access), listener)
    }

    /// Serves on `listener` what another engine answers at the URL `engine`: Amazon's DynamoDB
    /// Local, against which the registry is tested.
    ///
    /// # Errors
    /// When the listener cannot be used.
    pub fn in_front_of(
        engine: String,
        listener: TcpListener,
        access: Arc<Access>,
    ) -> Result<Self, DynamoDbError> {
        Self::behind(door::Door::elsewhere(engine, access)?, listener)
    }

    fn behind(door: door::Door, listener: TcpListener) -> Result<Self, DynamoDbError> {
        let endpoint = format!("http://{}", listener.local_addr()?);
        tokio::spawn(door::serve(listener, door.clone()));
        Ok(Self { endpoint, door })
    }

    /// Where it answers: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// Makes a table as a `CreateTable` request describes it, unless it exists.
    ///
    /// # Errors
    /// When DynamoDB refuses it.
    pub async fn create_table(
        &self,
        request: Value,
        ttl_attribute: Option<&str>,
    ) -> Result<(), DynamoDbError> {
        let name = request["TableName"].clone();
        match self.door.ask("CreateTable", &request).await {
            Ok(_) => {}
            Err(DynamoDbError::Refused(why)) if why.contains("ResourceInUseException") => {}
            Err(error) => return Err(error),
        }
        // Also for a table that exists: the stack may have been stopped before it came to this.
        if let Some(attribute) = ttl_attribute {
            let specification = json!({ "Enabled": true, "AttributeName": attribute });
            let request = json!({ "TableName": name, "TimeToLiveSpecification": specification });
            self.door.ask("UpdateTimeToLive", &request).await?;
        }
        Ok(())
    }
}

async fn sweep(database: Database) {
    let mut tick = tokio::time::interval(TTL_SWEEP);
    loop {
        tick.tick().await;
        let database = database.clone();
        match tokio::task::spawn_blocking(move || database.sweep_ttl()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "items past their time to live were not removed"),
            // The runtime is going away.
            Err(_) => return,
        }
    }
}
