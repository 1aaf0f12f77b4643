//! Cross-origin requests
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html>).

use crate::settings::CorsRule;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// What a request asks for in the name of a web page.
pub(crate) struct CrossOrigin {
    origin: String,
    method: String,
    headers: Vec<String>,
}

impl CrossOrigin {
    /// `None` when the request does not come from a page.
    pub(crate) fn read(method: &http::Method, headers: &HeaderMap) -> Option<Self> {
        let text = |name: HeaderName| headers.get(name)?.to_str().ok();
        let asked = text(header::ACCESS_CONTROL_REQUEST_METHOD).filter(|_| method == http::Method::OPTIONS);
        let names = text(header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default().split(',');
        Some(Self {
            origin: text(header::ORIGIN)?.to_owned(),
            method: asked.unwrap_or(method.as_str()).to_owned(),
            headers: names
                .map(|name| name.trim().to_ascii_lowercase())
                .filter(|name| !name.is_empty())
                .collect(),
        })
    }

    /// The headers that let the page see the answer, by the first rule that fits; `None` when
    /// there is none.
    pub(crate) fn allowed_by(&self, rules: &[CorsRule]) -> Option<HeaderMap> {
        let rule = rules.iter().find(|rule| self.fits(rule))?;
        let any_origin = rule.allowed_origins.iter().any(|origin| origin == "*");
        let mut headers = HeaderMap::new();
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        if any_origin {
            set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        } else {
            set(header::ACCESS_CONTROL_ALLOW_ORIGIN, &self.origin);
            set(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
        set(header::ACCESS_CONTROL_ALLOW_METHODS, &rule.allowed_methods.join(", "));
        if !self.headers.is_empty() {
            set(header::ACCESS_CONTROL_ALLOW_HEADERS, &self.headers.join(", "));
        }
        if !rule.exposed_headers.is_empty() {
            set(header::ACCESS_CONTROL_EXPOSE_HEADERS, &rule.exposed_headers.join(", "));
        }
        if let Some(seconds) = rule.max_age {
            set(header::ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
        }
        set(header::VARY, "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
        Some(headers)
    }

    fn fits(&self, rule: &CorsRule) -> bool {
        rule.allowed_methods.contains(&self.method)
            && rule.allowed_origins.iter().any(|pattern| fits(pattern, &self.origin))
            && self.headers.iter().all(|name| {
                rule.allowed_headers.iter().any(|pattern| fits(&pattern.to_ascii_lowercase(), name))
            })
    }
}

/// One `*` in the pattern matches anything.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> CorsRule {
        CorsRule {
            allowed_origins: vec!["https://*.app.example".to_owned()],
            allowed_methods: vec!["PUT".to_owned()],
            allowed_headers: vec!["Content-Type".to_owned(), "x-amz-*".to_owned()],
            exposed_headers: vec!["ETag".to_owned()],
            max_age: Some(600),
        }
    }

    fn preflight(origin: &'static str, method: &'static str, headers: &'static str) -> Option<HeaderMap> {
        let mut sent = HeaderMap::new();
        sent.insert(header::ORIGIN, HeaderValue::from_static(origin));
        sent.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static(method));
        sent.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static(headers));
        CrossOrigin::read(&http::Method::OPTIONS, &sent).unwrap().allowed_by(&[rule()])
    }

    #[test]
    fn a_preflight_gets_what_the_rule_allows_and_no_more() {
        let allowed = preflight("https://a.app.example", "PUT", "Content-Type, X-Amz-Meta-Id").unwrap();
        assert_eq!(allowed["access-control-allow-origin"], "https://a.app.example");
        assert_eq!(allowed["access-control-allow-headers"], "content-type, x-amz-meta-id");
        assert_eq!(allowed["access-control-expose-headers"], "ETag");
        assert_eq!(allowed["access-control-max-age"], "600");
        assert_eq!(preflight("https://app.example", "PUT", ""), None, "the star needs its dot");
        assert_eq!(preflight("https://a.app.example.evil", "PUT", ""), None);
        assert_eq!(preflight("https://a.app.example", "DELETE", ""), None);
        assert_eq!(preflight("https://a.app.example", "PUT", "authorization"), None);
    }
}
