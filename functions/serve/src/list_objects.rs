//! `GET /objects`: the caller's published objects, newest first, a page at a time.
//!
//! AWS calls: one Query of the `by-tenant` index, which holds published objects, and for moments recalled ones.

use airlock_aws::Function;
use airlock_http::{Caller, Claims, Code, FieldError, Problem, Request, Response, answer, view::ObjectView};
use airlock_objects::{id::ObjectId, registry::Registry};
use aws_config::SdkConfig;
use lambda_http::{RequestExt, http::StatusCode};
use serde::Serialize;

/// How many objects a page has, unless `limit` says otherwise.
const DEFAULT_LIMIT: i32 = 50;
/// How many objects a page can have.
const MAX_LIMIT: i32 = 200;

/// `GET /objects`.
#[derive(Debug)]
pub struct ListObjects {
    registry: Registry,
    claims: Claims,
}

impl Function for ListObjects {
    const NAME: &'static str = "list-objects";

    async fn start(aws: &SdkConfig) -> anyhow::Result<Self> {
        Ok(Self { registry: Registry::connect(aws).await?, claims: Claims::from_env()? })
    }

    async fn serve(self) -> anyhow::Result<()> {
        airlock_http::serve(|request| handle(&self, request)).await
    }
}

#[derive(Serialize)]
struct List<'a> {
    objects: Vec<ObjectView<'a>>,
    /// The id of the page's last object, or nothing at the end.
    next_cursor: Option<ObjectId>,
}

async fn handle(app: &ListObjects, request: Request) -> Result<Response, Problem> {
    let caller = Caller::of(&request, &app.claims)?;
    let page = Page::of(&request)?;
    let page = app.registry.list(&caller.tenant, page.after, page.limit).await?;
    let objects = page.records.iter().map(ObjectView::object).collect();
    Ok(answer::json(StatusCode::OK, &List { objects, next_cursor: page.next }))
}

/// Which page.
struct Page {
    limit: i32,
    after: Option<ObjectId>,
}

impl Page {
    fn of(request: &Request) -> Result<Self, Problem> {
        let query = request.query_string_parameters_ref();
        let parameters = || query.into_iter().flat_map(|query| query.iter());
        if let Some((unknown, _)) = parameters().find(|(name, _)| !["limit", "cursor"].contains(name)) {
            let errors = vec![FieldError {
                field: unknown.chars().take(64).collect::<String>().into(),
                detail: "is not a parameter of this request".to_owned(),
            }];
            return Err(Problem::invalid(errors));
        }
        let value = |name| parameters().find_map(|(found, value)| (found == name).then_some(value));
        let limit = match value("limit").map(str::parse) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
            Some(_) => {
                let detail = format!("must be a number within 1 to {MAX_LIMIT}");
                return Err(Problem::field(Code::InvalidRequest, "limit", detail));
            }
        };
        let after = value("cursor").map(str::parse).transpose();
        let after = after.map_err(|_| {
            Problem::field(Code::BadCursor, "cursor", "must be the next_cursor of an earlier page")
        })?;
        Ok(Self { limit, after })
    }
}
