//! `GET /uploads/{upload_id}`: the state of an upload.
//!
//! AWS calls: GetItem.

use airlock_http::{Caller, Claims, Endpoint, Problem, Request, Response, answer, path, view::ObjectView};
use airlock_objects::{registry::Registry, state::State};
use aws_config::SdkConfig;
use lambda_http::http::StatusCode;

/// `GET /uploads/{upload_id}`.
#[derive(Debug)]
pub struct GetUpload {
    registry: Registry,
    claims: Claims,
}

impl Endpoint for GetUpload {
    const NAME: &'static str = "get-upload";

    async fn start(aws: &SdkConfig) -> anyhow::Result<Self> {
        Ok(Self { registry: Registry::connect(aws).await?, claims: Claims::from_env()? })
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let caller = Caller::of(&request, &self.claims)?;
        let record = self.registry.get(&path::object(&request, &caller, "upload_id")?).await?;
        let record = record.filter(|record| record.state != State::Deleted).ok_or_else(Problem::not_found)?;
        Ok(answer::json(StatusCode::OK, &ObjectView::upload(&record)))
    }
}
