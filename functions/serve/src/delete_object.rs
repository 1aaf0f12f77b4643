//! `DELETE /objects/{object_id}`: from the answer on there is no new download URL, and the bytes are
//! gone. If it dies in between, `sweep-published` removes them.
//!
//! AWS calls: GetItem, one conditional transaction, DeleteObject. Another transaction each time that someone else
//! changed the object meanwhile.

use airlock_http::{Caller, Claims, Endpoint, Problem, Request, Response, answer, path};
use airlock_objects::{
    record::Record,
    registry::{Actor, Change, Changed, Registry, RegistryError, Sweep},
    state::{State, Transition},
    timestamp::Timestamp,
};
use airlock_published::{Published, PublishedKey};
use airlock_telemetry::metric::{self, Metric};
use aws_config::SdkConfig;
use lambda_http::http::StatusCode;

/// How often a DELETE tries to be the next writer of an object that others change at the same time, as a rescan does.
const TRIES: u32 = 8;

/// `DELETE /objects/{object_id}`.
#[derive(Debug)]
pub struct DeleteObject {
    registry: Registry,
    published: Published,
    claims: Claims,
}

impl Endpoint for DeleteObject {
    const NAME: &'static str = "delete-object";

    async fn start(aws: &SdkConfig) -> anyhow::Result<Self> {
        let claims = Claims::from_env()?;
        let (registry, published) = tokio::try_join!(Registry::connect(aws), Published::connect(aws))?;
        Ok(Self { registry, published, claims })
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let caller = Caller::of(&request, &self.claims)?;
        let object = path::object(&request, &caller, "object_id")?;
        let mut record = self.registry.get(&object).await?.ok_or_else(Problem::not_found)?;
        let key = PublishedKey::of(&object);
        for _ in 0..TRIES {
            match record.state {
                State::Published => {}
                State::Deleted => {
                    // An earlier DELETE may have died before it removed the bytes; this one does.
                    self.published.remove(&key).await.map_err(Problem::behind)?;
                    return Err(Problem::not_found());
                }
                _ => return Err(Problem::not_found()),
            }
            match mark(self, &caller, &record).await? {
                Changed::Done => {
                    self.published.remove(&key).await.map_err(Problem::behind)?;
                    metric::count(Metric::ObjectDeleted, DeleteObject::NAME);
                    return Ok(answer::empty(StatusCode::NO_CONTENT));
                }
                // Changed by someone else since it was read, which does not mean that it is gone.
                Changed::Superseded(Some(latest)) => record = *latest,
                Changed::Superseded(None) => return Err(Problem::not_found()),
            }
        }
        Err(RegistryError::Busy.into())
    }
}

/// Marks an object as deleted. Its bytes are the caller's to remove, or else the sweep's.
async fn mark(app: &DeleteObject, caller: &Caller, record: &Record) -> Result<Changed, RegistryError> {
    let now = Timestamp::now();
    // A scan that was taken for dead may still make a copy until its invocation ends.
    let gone_at = record.scans_end_at().map_or(now, |end| end.max(now));
    let change = Change::new(record, Transition::Delete, Actor::User(&caller.user), now)
        .unlisted()
        .due(Sweep::Published, gone_at);
    app.registry.change(change).await
}
