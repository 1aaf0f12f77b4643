//! `GET /objects`: the caller's published objects, newest first, a page at a time.
//!
//! AWS calls: one Query of the `by-tenant` index, which holds published objects, and for moments recalled ones.

use airlock_http::{
    Caller, Claims, Code, Endpoint, FieldError, Problem, Request, Response, answer,
    body::{MOST_UNKNOWN, named},
    view::ObjectView,
};
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

impl Endpoint for ListObjects {
    const NAME: &'static str = "list-objects";

    async fn start(aws: &SdkConfig) -> anyhow::Result<Self> {
        Ok(Self { registry: Registry::connect(aws).await?, claims: Claims::from_env()? })
    }

    async fn handle(&self, request: Request) -> Result<Response, Problem> {
        let caller = Caller::of(&request, &self.claims)?;
        let page = Page::of(&request)?;
        let page = self.registry.list(&caller.tenant, page.after, page.limit).await?;
        let objects = page.records.iter().map(ObjectView::object).collect();
        Ok(answer::json(StatusCode::OK, &List { objects, next_cursor: page.next }))
    }
}

#[derive(Serialize)]
struct List<'a> {
    objects: Vec<ObjectView<'a>>,
    /// The id of the page's last object, or nothing at the end.
    next_cursor: Option<ObjectId>,
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
        let value = |name| parameters().find_map(|(found, value)| (found == name).then_some(value));
        let mut errors = Vec::new();
        let mut refuse =
            |field: String, detail: String| errors.push(FieldError { field: field.into(), detail });
        let limit = value("limit").map_or(Some(DEFAULT_LIMIT), read_limit);
        if limit.is_none() {
            refuse("limit".to_owned(), format!("must be a number within 1 to {MAX_LIMIT}"));
        }
        let unknown = parameters().filter(|(name, _)| !["limit", "cursor"].contains(name));
        for (unknown, _) in unknown.take(MOST_UNKNOWN) {
            refuse(named(unknown), "is not a parameter of this request".to_owned());
        }
        let after = value("cursor").map(str::parse).transpose();
        let bad_cursor = "must be the next_cursor of an earlier page";
        match (limit, after) {
            (Some(limit), Ok(after)) if errors.is_empty() => Ok(Self { limit, after }),
            (_, Err(_)) if errors.is_empty() => Err(Problem::field(Code::BadCursor, "cursor", bad_cursor)),
            (_, after) => {
                if after.is_err() {
                    errors.push(FieldError { field: "cursor".into(), detail: bad_cursor.to_owned() });
                }
                Err(Problem::invalid(errors))
            }
        }
    }
}

/// A number as it is written in one way: `05` and `+5` are other texts.
fn read_limit(text: &str) -> Option<i32> {
    text.parse().ok().filter(|limit: &i32| (1..=MAX_LIMIT).contains(limit) && limit.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn page(parameters: &[(&str, &str)]) -> Result<Page, (Code, String)> {
        let parameters: HashMap<String, Vec<String>> =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect();
        let request = Request::default().with_query_string_parameters(parameters);
        Page::of(&request).map_err(|problem| (problem.code(), problem.detail().to_owned()))
    }

    #[test]
    fn a_page_has_its_usual_length_unless_one_is_asked_for() {
        let id = ObjectId::new();
        let first = page(&[]).expect("a page");
        assert_eq!((first.limit, first.after), (DEFAULT_LIMIT, None));
        let next = page(&[("limit", "200"), ("cursor", &id.to_string())]).expect("a page");
        assert_eq!((next.limit, next.after), (200, Some(id)));
    }

    #[test]
    fn what_is_no_page_is_told_with_its_field() {
        for bad in ["0", "201", "-1", "1.5", "", "many", "+5", "05"] {
            let (code, detail) = page(&[("limit", bad)]).err().expect("a problem");
            assert_eq!(code, Code::InvalidRequest, "{bad}");
            assert!(detail.starts_with("limit: "), "{detail}");
        }
        for bad in ["", "x", "00000000-0000-0000-0000-000000000000"] {
            let (code, detail) = page(&[("cursor", bad)]).err().expect("a problem");
            assert_eq!(code, Code::BadCursor, "{bad}");
            assert!(detail.starts_with("cursor: "), "{detail}");
        }
        let (code, detail) = page(&[("tenant_id", "globex")]).err().expect("a problem");
        assert_eq!(
            (code, detail.as_str()),
            (Code::InvalidRequest, "tenant_id: is not a parameter of this request")
        );
        let (code, detail) = page(&[("limit", "0"), ("", "x"), ("cursor", "x")]).err().expect("a problem");
        assert_eq!(code, Code::InvalidRequest);
        assert!(detail.ends_with("(and 2 more; see errors)"), "{detail}");
        let many: Vec<String> = (0..3000).map(|number| format!("p{number}")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
        let (_, detail) = page(&many).err().expect("a problem");
        assert!(detail.ends_with(&format!("(and {} more; see errors)", MOST_UNKNOWN - 1)), "{detail}");
    }
}
