//! Runs every five minutes: removes bytes from the published bucket that no published object has. A DELETE that
//! died leaves some, and a scan that died between its copy and its verdict, if the object is then not published.
//!
//! AWS calls: one Query for each shard of its part of the `due` index; then for each row GetItem, DeleteObject and
//! one conditional transaction.

use airlock_aws::Function;
use airlock_objects::{
    id::ObjectRef,
    registry::{Changed, Registry, Sweep},
    state::State,
    timestamp::Timestamp,
};
use airlock_published::{Published, PublishedKey};
use airlock_telemetry::metric::{self, Metric};
use aws_config::SdkConfig;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;

/// The function that removes published bytes that no published object has.
#[derive(Debug)]
pub struct SweepPublished {
    registry: Registry,
    published: Published,
}

/// What one run did, answered to the scheduler and logged.
#[derive(Debug, Default, Serialize)]
struct Swept {
    removed: u64,
    errors: u64,
}

impl Function for SweepPublished {
    const NAME: &'static str = "sweep-published";

    async fn start(aws: &SdkConfig) -> anyhow::Result<Self> {
        let (registry, published) = tokio::try_join!(Registry::connect(aws), Published::connect(aws))?;
        Ok(Self { registry, published })
    }

    async fn serve(self) -> anyhow::Result<()> {
        lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| {
            sweep(&self, event.context.deadline().into())
        }))
        .await
        .map_err(anyhow::Error::from_boxed)
    }
}

/// One object that fails does not keep the others waiting; it comes again with the next run.
async fn sweep(app: &SweepPublished, deadline: Timestamp) -> Result<Swept, lambda_runtime::Error> {
    let mut swept = Swept::default();
    let due =
        app.registry.each_due(Sweep::Published, Timestamp::now(), deadline, async |object| {
            match remove(app, &object).await {
                Ok(Removed::Now) => swept.removed += 1,
                Ok(Removed::Nothing) => {}
                Err(error) => {
                    swept.errors += 1;
                    metric::count(Metric::SweepErrors, SweepPublished::NAME);
                    let ObjectRef { tenant, id } = &object;
                    tracing::error!(tenant_id = %tenant, object_id = %id, ?error, "could not be removed");
                }
            }
        });
    let end = due.await?;
    tracing::info!(?swept, ?end, "swept");
    Ok(swept)
}

/// What was done about an object's published bytes.
enum Removed {
    /// They are gone.
    Now,
    /// They stay, or another writer was faster.
    Nothing,
}

/// Removes what lies at an object's published key, if the object can never be published again.
async fn remove(app: &SweepPublished, object: &ObjectRef) -> anyhow::Result<Removed> {
    // The index lags behind the table; only what the row itself says counts.
    let Some(record) = app.registry.get(object).await? else { return Ok(Removed::Nothing) };
    match record.state {
        State::Pending | State::Scanning | State::Published => Ok(Removed::Nothing),
        State::Rejected | State::Failed | State::Expired | State::Deleted => {
            app.published.remove(&PublishedKey::of(object)).await?;
            Ok(match app.registry.swept(&record).await? {
                Changed::Done => Removed::Now,
                Changed::Superseded(_) => Removed::Nothing,
            })
        }
    }
}
