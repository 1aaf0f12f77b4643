//! `DELETE /objects/{object_id}`: from the answer on there is no new download URL, and the bytes are
//! gone. If it dies in between, `sweep-published` removes them.
//!
//! AWS calls: GetItem, one conditional transaction, DeleteObject.

use crate::published_problem;
use airlock_http::{Caller, Claims, Problem, Request, Response, answer, path};
use airlock_objects::{
    registry::{Actor, Change, Changed, Registry, row::Sweep},
    state::{State, Transition},
    timestamp::Timestamp,
};
use airlock_published::{Published, PublishedKey};
use airlock_telemetry::metric;
use lambda_http::http::StatusCode;

struct App {
    registry: Registry,
    published: Published,
    claims: Claims,
}

/// Serves the function.
///
/// # Errors
/// When a setting is missing, or the Lambda runtime cannot be reached.
pub async fn run() -> anyhow::Result<()> {
    airlock_telemetry::init();
    let config = aws_config::load_from_env().await;
    let app = &App {
        registry: Registry::from_env(&config)?,
        published: Published::from_env(&config)?,
        claims: Claims::from_env()?,
    };
    airlock_http::serve(|request| handle(app, request)).await.map_err(anyhow::Error::from_boxed)
}

async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let caller = Caller::of(&request, &app.claims)?;
    let id = path::object_id(&request, "object_id")?;
    let record = app.registry.get(&caller.tenant, id).await?.ok_or_else(Problem::not_found)?;
    let key = PublishedKey::new(record.tenant.clone(), record.id);
    match record.state {
        State::Published => {}
        State::Deleted => {
            // An earlier DELETE may have died before it removed the bytes; this one does.
            app.published.remove(&key).await.map_err(published_problem)?;
            return Err(Problem::not_found());
        }
        _ => return Err(Problem::not_found()),
    }
    let now = Timestamp::now();
    // A scan that was taken for dead may still make a copy until its invocation ends.
    let gone_at = record.scans_end_at().map_or(now, |end| end.max(now));
    let change = Change::new(&record, Transition::Delete, Actor::User(&caller.user), now)
        .unlisted()
        .due(Sweep::Published, gone_at);
    let Changed::Done = app.registry.change(change).await? else { return Err(Problem::not_found()) };
    app.published.remove(&key).await.map_err(published_problem)?;
    metric::count("ObjectDeleted", "delete-object");
    Ok(answer::empty(StatusCode::NO_CONTENT))
}
