//! `GET /objects/{object_id}`: what is known of a published object.
//!
//! AWS calls: GetItem.

use crate::published;
use airlock_http::{Caller, Claims, Endpoint, Problem, Request, Response, answer, path, view::ObjectView};
use airlock_objects::registry::Registry;
use aws_config::SdkConfig;
use lambda_http::http::StatusCode;

/// `GET /objects/{object_id}`.
#[derive(Debug)]
pub struct GetObject {
    registry: Registry,
    claims: Claims,
}

impl Endpoint for GetObject {
    const NAME: &'static str = "get-object";

    async fn start(aws: &SdkConfig) -> anyhow::Result<Self> {
        Ok(Self { registry: Registry::connect(aws).await?, claims: Claims::from_env()? })
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let caller = Caller::of(&request, &self.claims)?;
        let object = path::object(&request, &caller, "object_id")?;
        let record = published(self.registry.get(&object).await?)?;
        Ok(answer::json(StatusCode::OK, &ObjectView::object(&record)))
    }
}
