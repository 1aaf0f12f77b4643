//! Which function gets a request: the routes of an HTTP API.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>:
//! paths are case-sensitive, a segment `{name}` takes one segment and `{name+}` all that follow;
//! the most specific route wins.

use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;

/// One segment of a route.
#[derive(Clone, Debug)]
enum Segment {
    Fixed(String),
    Parameter(String),
    Rest(String),
}

#[derive(Clone, Debug)]
pub(super) struct Route<T> {
    method: String,
    path: String,
    segments: Vec<Segment>,
    pub(super) target: T,
}

/// A route that fits, and the values of its parameters.
pub(super) struct Found<'a, T> {
    pub(super) route: &'a Route<T>,
    pub(super) parameters: BTreeMap<String, String>,
}

impl<T> Route<T> {
    pub(super) fn new(method: &str, path: &str, target: T) -> Self {
        let segments = path.trim_start_matches('/').split('/').map(|segment| {
            match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(name) => match name.strip_suffix('+') {
                    Some(name) => Segment::Rest(name.to_owned()),
                    None => Segment::Parameter(name.to_owned()),
                },
                None => Segment::Fixed(segment.to_owned()),
            }
        });
        Self { method: method.to_uppercase(), path: path.to_owned(), segments: segments.collect(), target }
    }

    /// Such as `GET /objects/{object_id}`.
    pub(super) fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn fits(&self, method: &str, path: &[&str]) -> Option<BTreeMap<String, String>> {
        if self.method != method && self.method != "ANY" {
            return None;
        }
        let mut parameters = BTreeMap::new();
        let mut rest = path;
        for segment in &self.segments {
            let (first, others) = rest.split_first()?;
            rest = others;
            match segment {
                Segment::Fixed(fixed) if decoded(first) == *fixed => {}
                Segment::Fixed(_) => return None,
                Segment::Parameter(_) | Segment::Rest(_) if first.is_empty() => return None,
                Segment::Parameter(name) => {
                    parameters.insert(name.clone(), decoded(first));
                }
                Segment::Rest(name) => {
                    let all: Vec<&str> = std::iter::once(first).chain(others).copied().collect();
                    parameters.insert(name.clone(), decoded(&all.join("/")));
                    rest = &[];
                }
            }
        }
        rest.is_empty().then_some(parameters)
    }
}

/// The most specific route for a request; `path` as in the request line.
pub(super) fn find<'a, T>(routes: &'a [Route<T>], method: &str, path: &str) -> Option<Found<'a, T>> {
    let path: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    routes
        .iter()
        .filter_map(|route| Some(Found { parameters: route.fits(method, &path)?, route }))
        .min_by_key(|found| {
            let kinds = found.route.segments.iter().map(|segment| match segment {
                Segment::Fixed(_) => 0,
                Segment::Parameter(_) => 1,
                Segment::Rest(_) => 2,
            });
            (kinds.collect::<Vec<_>>(), found.route.method == "ANY")
        })
}

/// Percent-decoded, as HTTP APIs hand over paths.
pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Vec<Route<&'static str>> {
        vec![
            Route::new("GET", "/objects", "list"),
            Route::new("GET", "/objects/{id}", "get"),
            Route::new("GET", "/objects/latest", "latest"),
            Route::new("ANY", "/objects/{id}", "any"),
            Route::new("POST", "/objects/{id}/download-url", "download"),
            Route::new("GET", "/files/{path+}", "files"),
        ]
    }

    fn target(method: &str, path: &str) -> Option<&'static str> {
        find(&routes(), method, path).map(|found| found.route.target)
    }

    #[test]
    fn the_most_specific_route_wins() {
        assert_eq!(target("GET", "/objects"), Some("list"));
        assert_eq!(target("GET", "/objects/1"), Some("get"));
        assert_eq!(target("GET", "/objects/latest"), Some("latest"));
        assert_eq!(target("DELETE", "/objects/1"), Some("any"));
        assert_eq!(target("GET", "/files/a/b"), Some("files"));
    }

    #[test]
    fn what_fits_no_route_finds_none() {
        for path in
            ["/", "/objects/", "/Objects", "/objects//download-url", "/objects/1/2", "/files", "/files/"]
        {
            assert_eq!(target("GET", path), None, "{path}");
        }
        assert_eq!(target("POST", "/objects"), None);
    }

    #[test]
    fn parameters_are_decoded() {
        let routes = routes();
        let found =
            find(&routes, "GET", "/files/a%20b/c%2Fd").unwrap_or_else(|| unreachable!("there is a route"));
        assert_eq!(found.parameters["path"], "a b/c/d");
        assert_eq!(found.route.key(), "GET /files/{path+}");
    }
}
