//! Runs every five minutes: removes bytes from the published bucket that no published object has. A DELETE that
//! died leaves some, and a scan that died between its copy and its verdict, if the object is then not published.
//!
//! AWS calls: one Query for each shard of its part of the `due` index; then for each row GetItem, DeleteObject and
//! one conditional transaction.

use airlock_aws::{Function, on_events};
use airlock_objects::{
    id::ObjectRef,
    registry::{Changed, Registry, Sweep, SweepEnd},
    state::State,
    timestamp::Timestamp,
};
use airlock_published::{Published, PublishedKey};
use airlock_telemetry::metric::{self, Metric};
use aws_config::SdkConfig;
use lambda_runtime::LambdaEvent;
use serde::Serialize;
use serde_json::Value;

/// The function that removes published bytes that no published object has.
#[derive(Debug)]
pub struct SweepPublished {
    registry: Registry,
    published: Published,
}

/// What one run did, answered to the scheduler and logged.
#[derive(Debug, Serialize)]
struct Swept {
    removed: u64,
    #[serde(flatten)]
    end: SweepEnd,
}

impl Function for SweepPublished {
    const NAME: &'static str = "sweep-published";

    async fn start(aws: &SdkConfig) -> anyhow::Result<Self> {
        let (registry, published) = tokio::try_join!(Registry::connect(aws), Published::connect(aws))?;
        Ok(Self { registry, published })
    }

    async fn serve(self) -> anyhow::Result<()> {
        on_events(|event| sweep(&self, event)).await
    }
}

async fn sweep(app: &SweepPublished, event: LambdaEvent<Value>) -> anyhow::Result<Swept> {
    let mut removed = 0;
    let remove = async |object: &ObjectRef| remove(app, object).await.map(|done| removed += done.count());
    let due =
        app.registry.each_due(Sweep::Published, Timestamp::now(), event.context.deadline().into(), remove);
    let end = due.await?;
    metric::record(Metric::SweepErrors, end.errors, SweepPublished::NAME);
    let swept = Swept { removed, end };
    tracing::info!(?swept, "swept");
    Ok(swept)
}

/// What was done about an object's published bytes.
enum Removed {
    /// They are gone.
    Now,
    /// They stay, or another writer was faster.
    Nothing,
}

impl Removed {
    fn count(self) -> u64 {
        match self {
            Self::Now => 1,
            Self::Nothing => 0,
        }
    }
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
