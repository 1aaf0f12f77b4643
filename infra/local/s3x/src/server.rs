//! The HTTP loop, and the rules of S3 that stand before its operations: signed URLs and web pages.

use crate::{
    Backend,
    auth::{Gate, Keys},
    settings::CorsRule,
};
use airlock_local_access::Access;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use percent_encoding::percent_decode_str;
use s3s::{
    Body, HttpError, HttpResponse,
    service::{S3Service, S3ServiceBuilder},
};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tokio::net::TcpListener;

/// The longest that a signed URL may live (Signature Version 4, query parameters): seven days.
const MAX_EXPIRES_SECONDS: u64 = 604_800;

pub(crate) async fn serve(listener: TcpListener, backend: Backend, access: Arc<Access>) {
    let mut builder = S3ServiceBuilder::new(backend.clone());
    builder.set_auth(Keys(access.clone()));
    builder.set_access(Gate { access, backend: backend.clone() });
    let service = builder.build();
    // This ends with the runtime that it runs on, or when the listener breaks.
    while let Ok((socket, _)) = listener.accept().await {
        let (service, backend) = (service.clone(), backend.clone());
        let answer = hyper::service::service_fn(move |request| {
            let (service, backend) = (service.clone(), backend.clone());
            async move { answer(&service, &backend, request).await }
        });
        tokio::spawn(async move {
            // A client that goes away in the middle is no event.
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), answer).await;
        });
    }
}

async fn answer(
    service: &S3Service,
    backend: &Backend,
    request: Request<Incoming>,
) -> Result<HttpResponse, HttpError> {
    let (parts, body) = request.into_parts();
    let page = Page::of(&parts.method, parts.uri.path(), &parts.headers);
    let refusal = refused_signature(parts.uri.query().unwrap_or_default(), &parts.headers);
    let body = Shared(Arc::new(Mutex::new(body)));
    let rest = body.clone();
    let mut response = match (refusal, &page) {
        (Some((status, code, message)), _) => refuse(status, code, message),
        (None, Some(page)) if parts.method == Method::OPTIONS => page.preflight(backend),
        (None, _) => service.call(Request::from_parts(parts, Body::http_body(body))).await?,
    };
    // An answer before the end of the body would close the connection under the client's next
    // request, which looks like a random failure.
    rest.drain().await;
    if let Some(page) = page {
        page.mark(backend, response.headers_mut());
    }
    Ok(response)
}

fn refuse(status: StatusCode, code: &str, message: &str) -> HttpResponse {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let mut response = Response::new(Body::from(bytes::Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

/// What S3 refuses of a signed URL and `s3s` does not: a life of more than a week, and `x-amz-*`
/// headers that are not signed.
fn refused_signature(query: &str, headers: &HeaderMap) -> Option<(StatusCode, &'static str, &'static str)> {
    let parameter = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    parameter("X-Amz-Signature")?;
    let expires = parameter("X-Amz-Expires").and_then(|seconds| seconds.parse::<u64>().ok());
    if expires.is_none_or(|seconds| seconds > MAX_EXPIRES_SECONDS) {
        let message = "X-Amz-Expires must be less than a week (in seconds) that is less than 604800";
        return Some((StatusCode::BAD_REQUEST, "AuthorizationQueryParametersError", message));
    }
    let signed = percent_decode_str(parameter("X-Amz-SignedHeaders")?).decode_utf8_lossy().into_owned();
    let unsigned = |name: &str| name.starts_with("x-amz-") && !signed.split(';').any(|signed| signed == name);
    headers.keys().any(|name| unsigned(name.as_str())).then_some((
        StatusCode::FORBIDDEN,
        "AccessDenied",
        "There were headers present in the request which were not signed",
    ))
}

/// A request from a web page.
struct Page {
    bucket: String,
    origin: String,
    method: String,
    headers: Vec<String>,
}

impl Page {
    fn of(method: &Method, path: &str, headers: &HeaderMap) -> Option<Self> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let wanted = header("access-control-request-headers").unwrap_or_default();
        Some(Self {
            bucket: path.split('/').nth(1).unwrap_or_default().to_owned(),
            origin: header("origin")?,
            method: header("access-control-request-method").unwrap_or_else(|| method.to_string()),
            headers: wanted
                .split(',')
                .map(|name| name.trim().to_lowercase())
                .filter(|name| !name.is_empty())
                .collect(),
        })
    }

    fn rule(&self, backend: &Backend) -> Option<CorsRule> {
        let settings = backend.store().settings(&self.bucket).ok()?;
        settings.cors.into_iter().find(|rule| rule.allows(&self.origin, &self.method))
    }

    fn preflight(&self, backend: &Backend) -> HttpResponse {
        let Some(rule) = self.rule(backend).filter(|rule| rule.allows_headers(&self.headers)) else {
            return refuse(
                StatusCode::FORBIDDEN,
                "AccessForbidden",
                "CORSResponse: This CORS request is not allowed.",
            );
        };
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        insert(headers, "access-control-allow-methods", &rule.allowed_methods.join(", "));
        insert(headers, "access-control-allow-headers", &self.headers.join(", "));
        if let Some(seconds) = rule.max_age {
            headers.insert("access-control-max-age", seconds.into());
        }
        response
    }

    /// Says on an answer, also one of refusal, that the page may read it.
    fn mark(&self, backend: &Backend, headers: &mut HeaderMap) {
        if let Some(rule) = self.rule(backend) {
            insert(headers, "access-control-allow-origin", &self.origin);
            insert(headers, "access-control-expose-headers", &rule.exposed_headers.join(", "));
            headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        }
    }
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value)
        && !value.is_empty()
    {
        headers.insert(name, value);
    }
}

/// A request body that can be read to its end after the service has let go of it.
#[derive(Clone)]
struct Shared(Arc<Mutex<Incoming>>);

impl Shared {
    async fn drain(mut self) {
        // What the client still sends, or does not, changes nothing any more.
        while let Some(Ok(_)) = self.frame().await {}
    }
}

impl hyper::body::Body for Shared {
    type Data = bytes::Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, hyper::Error>>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}
