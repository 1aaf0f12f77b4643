//! `GET /objects`: the caller's published objects, newest first, a page at a time.
//!
//! AWS calls: one Query of the `by-tenant` index, which holds published objects, and for moments recalled ones.

use airlock_http::{Caller, Claims, Code, Problem, Request, Response, answer, view::ObjectView};
use airlock_objects::{
    id::{ObjectId, TenantId},
    record::Record,
    registry::{
        Registry, RegistryError,
        row::{BY_TENANT, LISTED, listed_key, string},
    },
    state::State,
};
use lambda_http::{RequestExt, http::StatusCode};
use serde::Serialize;

/// How many objects a page has, unless `limit` says otherwise.
const DEFAULT_LIMIT: i32 = 50;
/// How many objects a page can have.
const MAX_LIMIT: i32 = 200;

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

#[derive(Serialize)]
struct List<'a> {
    objects: Vec<ObjectView<'a>>,
    /// The id of the page's last object, or nothing at the end.
    next_cursor: Option<ObjectId>,
}

async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let caller = Caller::of(&request, &app.claims)?;
    let page = Page::of(&request)?;
    let (records, next_cursor) = query(&app.registry, &caller.tenant, &page).await?;
    let objects = records.iter().map(ObjectView::object).collect();
    Ok(answer::json(StatusCode::OK, &List { objects, next_cursor }))
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
            let errors = vec![airlock_http::FieldError {
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

/// One page of the tenant's objects, and where the next one starts.
async fn query(
    registry: &Registry,
    tenant: &TenantId,
    page: &Page,
) -> Result<(Vec<Record>, Option<ObjectId>), RegistryError> {
    let answer = registry
        .client()
        .query()
        .table_name(registry.table())
        .index_name(BY_TENANT)
        .key_condition_expression("#listed = :tenant")
        .expression_attribute_names("#listed", LISTED)
        .expression_attribute_values(":tenant", string(tenant))
        .scan_index_forward(false)
        .limit(page.limit)
        // Made of the caller's tenant, so that a forged cursor leads nowhere but into the caller's own list.
        .set_exclusive_start_key(page.after.map(|id| listed_key(tenant, id)))
        .send()
        .await
        .map_err(RegistryError::unavailable)?;
    let records = answer.items().iter().map(Record::from_item).collect::<Result<Vec<_>, _>>()?;
    let next = answer.last_evaluated_key().and(records.last()).map(|record| record.id);
    // An object that is recalled is in the index until its bytes are gone, and the index lags behind the
    // table: what is known not to be published must not be shown.
    let records = records.into_iter().filter(|record| record.state == State::Published).collect();
    Ok((records, next))
}
