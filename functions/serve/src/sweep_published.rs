//! Runs every five minutes: removes bytes from the published bucket that no published object has. A DELETE that
//! died leaves some, and a scan that died between its copy and its verdict, if the object is then not published.
//!
//! AWS calls: one Query for each shard of its part of the `due` index; then for each row GetItem, DeleteObject and
//! one conditional transaction.

use airlock_objects::{
    id::{ObjectId, TenantId},
    registry::{Registry, row::Sweep},
    state::State,
    timestamp::Timestamp,
};
use airlock_published::{Published, PublishedKey};
use airlock_telemetry::metric;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;

const FUNCTION: &str = "sweep-published";

struct App {
    registry: Registry,
    published: Published,
}

/// What one run did, answered to the scheduler and logged.
#[derive(Debug, Default, Serialize)]
struct Swept {
    removed: u64,
    errors: u64,
}

/// Serves the function.
///
/// # Errors
/// When a setting is missing, or the Lambda runtime cannot be reached.
pub async fn run() -> anyhow::Result<()> {
    airlock_telemetry::init();
    let config = aws_config::load_from_env().await;
    let app = &App { registry: Registry::from_env(&config)?, published: Published::from_env(&config)? };
    lambda_runtime::run(service_fn(|_: LambdaEvent<serde_json::Value>| sweep(app)))
        .await
        .map_err(anyhow::Error::from_boxed)
}

/// One object that fails does not keep the others waiting; it comes again with the next run.
async fn sweep(app: &App) -> Result<Swept, lambda_runtime::Error> {
    let now = Timestamp::now();
    let mut swept = Swept::default();
    let due = app.registry.each_due(Sweep::Published, now, async |tenant, id| {
        match remove(app, &tenant, id).await {
            Ok(removed) => swept.removed += u64::from(removed),
            Err(error) => {
                swept.errors += 1;
                metric::count("SweepErrors", FUNCTION);
                tracing::error!(tenant_id = %tenant, object_id = %id, error = ?error, "could not be removed");
            }
        }
    });
    due.await?;
    tracing::info!(?swept, "swept");
    Ok(swept)
}

/// Removes what lies at an object's published key, if the object can never be published again.
async fn remove(app: &App, tenant: &TenantId, id: ObjectId) -> anyhow::Result<bool> {
    // The index lags behind the table; only what the row itself says counts.
    let Some(record) = app.registry.get(tenant, id).await? else { return Ok(false) };
    match record.state {
        State::Pending | State::Scanning | State::Published => Ok(false),
        State::Rejected | State::Failed | State::Expired | State::Deleted => {
            app.published.remove(&PublishedKey::new(record.tenant.clone(), record.id)).await?;
            app.registry.swept(&record).await?;
            Ok(true)
        }
    }
}
