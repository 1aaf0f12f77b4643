//! Connections to the engine that no other program can use.
//!
//! The engine serves a TCP listener and nothing else, checks no signature, and lets every web page
//! read its answers. So each connection gets a listener of its own: the engine takes this one
//! connection from it, and as it is not run any further then, it never takes another one.

use crate::DynamoDbError;
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Request, StatusCode},
};
use dynoxide::Database;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::{
    future::Future,
    net::Ipv4Addr,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::net::{TcpListener, TcpStream};

type Engine = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One connection, and the end of it that accepts: if that were dropped, so would be the connection.
struct Lane {
    requests: SendRequest<Body>,
    _accepting: Engine,
}

/// The engine over an open database.
pub(crate) struct Lanes {
    database: Database,
    free: Mutex<Vec<Lane>>,
}

impl Lanes {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, free: Mutex::default() }
    }

    /// Has the engine answer one request.
    pub(crate) async fn pass(
        &self,
        request: Request<Body>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), DynamoDbError> {
        let mut lane = match self.idle().await {
            Some(lane) => lane,
            None => Lane::open(self.database.clone()).await?,
        };
        let answer = lane.ask(request).await?;
        self.free().push(lane);
        Ok(answer)
    }

    /// A lane that is open and has nothing to do.
    async fn idle(&self) -> Option<Lane> {
        loop {
            let mut lane = self.free().pop()?;
            // An error means that the engine has closed it.
            if lane.requests.ready().await.is_ok() {
                return Some(lane);
            }
        }
    }

    fn free(&self) -> MutexGuard<'_, Vec<Lane>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    async fn open(database: Database) -> Result<Self, DynamoDbError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        // Connected before the engine runs, so that it need not run for long.
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (requests, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut accepting: Engine = Box::pin(dynoxide::server::serve_on(listener, database));
        let mut lane = Self { requests, _accepting: Box::pin(std::future::ready(())) };
        // An answer says that the connection was taken.
        tokio::select! {
            answer = lane.ask(Request::new(Body::empty())) => answer?,
            () = &mut accepting => return Err(DynamoDbError::Closed),
        };
        lane._accepting = accepting;
        Ok(lane)
    }

    async fn ask(&mut self, request: Request<Body>) -> Result<(StatusCode, HeaderMap, Bytes), DynamoDbError> {
        // The answer before may have come a moment before the connection can take another request.
        self.requests.ready().await?;
        let (answer, body) = self.requests.send_request(request).await?.into_parts();
        let body =
            axum::body::to_bytes(Body::new(body), usize::MAX).await.map_err(|_| DynamoDbError::Closed)?;
        Ok((answer.status, answer.headers, body))
    }
}
