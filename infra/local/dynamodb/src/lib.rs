//! The local stack's DynamoDB: `dynoxide` behind a door of ours that checks signatures and knows who
//! calls.
//!
//! The engine serves HTTP only, so it listens on a loopback port of its own, which nobody is told;
//! it wants a signature but does not check it. Whoever can reach loopback can reach it: the local
//! stack keeps out mistakes, not other users of the machine.

mod door;

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
    /// The engine does not answer.
    #[error("the engine does not answer")]
    Engine(#[from] reqwest::Error),
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
        let inner = TcpListener::bind("127.0.0.1:0").await?;
        let engine = format!("http://{}", inner.local_addr()?);
        tokio::spawn(sweep(database.clone()));
        tokio::spawn(dynoxide::server::serve_with_shutdown(inner, database, std::future::pending()));
        Self::in_front_of(engine, listener, access)
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
        let endpoint = format!("http://{}", listener.local_addr()?);
        let door = door::Door::new(engine, access)?;
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
