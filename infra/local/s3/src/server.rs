//! Takes connections, and does what `s3s` leaves to its caller.

use crate::{
    auth::{Caller, Guard, Keys},
    body::SharedBody,
    cors::CrossOrigin,
    operations::Front,
    refusal::refusal,
    signature,
    store::{Store, record::fresh_id},
};
use airlock_local_access::Access;
use http::{HeaderMap, HeaderValue, Method, StatusCode, request::Parts};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use s3s::{
    Body, HttpResponse, S3Error, S3Result,
    config::{S3Config, StaticConfigProvider},
    s3_error,
    service::{S3Service, S3ServiceBuilder},
};
use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

/// The most a form may upload, in bytes: `s3s` holds it in memory.
const LARGEST_FORM: u64 = 64 * 1024 * 1024;
/// How long to wait before taking connections again when there are no more files for them.
const PAUSE: Duration = Duration::from_millis(50);

struct Frontend {
    service: S3Service,
    store: Arc<Store>,
}

/// Serves until it is aborted; then all connections close.
pub(crate) async fn run(listener: TcpListener, store: Arc<Store>, access: Arc<Access>) {
    let mut config = S3Config::default();
    config.post_object_max_file_size = LARGEST_FORM;
    let mut builder = S3ServiceBuilder::new(Front::new(store.clone()));
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder.set_auth(Keys(access.clone()));
    builder.set_access(Guard { access, store: store.clone() });
    let frontend = Arc::new(Frontend { service: builder.build(), store });
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Without TCP_NODELAY a small answer waits for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                connections.spawn(connection(frontend.clone(), stream, peer));
            }
            Err(error) => {
                tracing::warn!(%error, "S3 cannot take a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(frontend: Arc<Frontend>, stream: TcpStream, peer: SocketAddr) {
    let service = service_fn(|request| {
        let frontend = frontend.clone();
        async move { Ok::<_, Infallible>(frontend.answer(request, peer).await) }
    });
    // An error is a client that went away.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Frontend {
    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let (request, body) = request.into_parts();
        let body = SharedBody::new(body);
        let request_id = fresh_id()[..16].to_uppercase();
        // Of the URI only the path: the query may hold a signature.
        let (method, path) = (request.method.clone(), request.uri.path().to_owned());
        let cors = self.cors(&request);
        let caller = Caller { request_id, source_ip: peer.ip().to_string(), signature: None };
        let request_id = HeaderValue::from_str(&caller.request_id);
        let answer = match &cors {
            Cors::Refused(message) if method == Method::OPTIONS => {
                Err(refusal(StatusCode::FORBIDDEN, "AccessForbidden", message))
            }
            Cors::NoOrigin if method == Method::OPTIONS => Err(refusal(
                StatusCode::BAD_REQUEST,
                "BadRequest",
                "Insufficient information. Origin request header needed.",
            )),
            _ if method == Method::OPTIONS => Ok(HttpResponse::default()),
            _ => self.serve(request, body.clone(), caller).await,
        };
        let mut response = answer.or_else(S3Error::to_http_response).unwrap_or_else(|_| {
            let mut response = HttpResponse::default();
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        });
        body.drain().await;
        let headers = response.headers_mut();
        if let Cors::Allowed(allowed) = cors {
            headers.extend(allowed);
        }
        if let Ok(id) = request_id {
            headers.insert("x-amz-id-2", id.clone());
            headers.insert("x-amz-request-id", id);
        }
        headers.insert(http::header::SERVER, HeaderValue::from_static("AmazonS3"));
        tracing::debug!(%method, path, status = response.status().as_u16(), "S3 answered");
        response
    }

    async fn serve(&self, request: Parts, body: SharedBody, mut caller: Caller) -> S3Result<HttpResponse> {
        caller.signature = signature::read(&request)?;
        let mut request = Request::from_parts(request, Body::http_body(body));
        request.extensions_mut().insert(caller);
        // `s3s` logs whole requests and their signatures; no log may hold a signed URL.
        let answer = self.service.call(request).with_subscriber(NoSubscriber::default()).await;
        answer.map_err(|_| s3_error!(InternalError, "We encountered an internal error. Please try again."))
    }

    fn cors(&self, request: &Parts) -> Cors {
        let Some(asked) = CrossOrigin::read(&request.method, &request.headers) else { return Cors::NoOrigin };
        let bucket = request.uri.path().split('/').nth(1).unwrap_or_default();
        let rules = self.store.read(bucket, |bucket| bucket.record.settings.cors.clone()).unwrap_or_default();
        match asked.allowed_by(&rules) {
            Some(headers) => Cors::Allowed(headers),
            None if rules.is_empty() => Cors::Refused("CORSResponse: CORS is not enabled for this bucket."),
            None => Cors::Refused(
                "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of \
                 Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers \
                 are not whitelisted by the resource's CORS spec.",
            ),
        }
    }
}

enum Cors {
    NoOrigin,
    Refused(&'static str),
    Allowed(HeaderMap),
}
