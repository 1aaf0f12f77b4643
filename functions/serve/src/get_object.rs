//! `GET /objects/{object_id}`: what is known of a published object.
//!
//! AWS calls: GetItem.

use crate::published;
use airlock_http::{Caller, Claims, Problem, Request, Response, answer, path, view::ObjectView};
use airlock_objects::registry::Registry;
use lambda_http::http::StatusCode;

struct App {
    registry: Registry,
    claims: Claims,
}

/// Serves the function.
///
/// # Errors
/// When a setting is missing, or the Lambda runtime cannot be reached.
pub async fn run() -> anyhow::Result<()> {
    airlock_telemetry::init();
    let config = aws_config::load_from_env().await;
    let app = &App { registry: Registry::from_env(&config)?, claims: Claims::from_env()? };
    airlock_http::serve(|request| handle(app, request)).await.map_err(anyhow::Error::from_boxed)
}

async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let caller = Caller::of(&request, &app.claims)?;
    let id = path::object_id(&request, "object_id")?;
    let record = published(app.registry.get(&caller.tenant, id).await?)?;
    Ok(answer::json(StatusCode::OK, &ObjectView::object(&record)))
}
